"""What the product needs from outside: a Protocol per noun of storage, upstream and receivers; `base` has the errors.

`Stores` holds all that is storage. Implementations are named after their technology (`shared/azure`,
`local_host/stores`) and pass one conformance suite (`tests/contracts`). Guarantees that every one of them gives:

- Any method may be called twice with the same arguments by two processes at once; the outcome is as if once.
- What a method that returned has written survives a kill of the process; what one that did not return was writing is
  there as a whole or not at all.
- Methods are coroutines of one event loop and never block it; one instance serves many concurrent calls.
- Any text may stand for an owner, an id or a name: it is kept under or not found, and never an error.
- A record that does not decode raises `Damaged` for whoever asks for it; lists leave it out, but for those that say
  otherwise.
- A dependency that does not answer raises `Unavailable` (`shared.domain.errors`), after the adapter's own retries;
  one that takes no more bytes its leaf `StorageFull`.
"""
