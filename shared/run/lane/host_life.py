"""What a worker process can see of the host that started it: whether it is gone, or has begun to stop (platform 4.1).

Azure's host tells its workers neither. Killed alone, it leaves them behind as orphans; told to stop (SIGTERM), it
closes its listeners, aborts what they do and kills them some seconds later. So this looks at the parent process and,
where the kernel shows them (Linux), at the sockets on which it listens. Where nothing can be seen, the host counts as
alive. In a worker of a host that does tell, `stops` is called.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

LOOK_SECONDS: Final = 0.5  # Between two reads of the kernel's tables, whoever asks.
# linux/netlink.h, sock_diag.h, inet_diag.h, net/tcp_states.h
_SOCK_DIAG: Final = 4
_BY_FAMILY: Final = 20
_DUMP: Final = 0x301
_LISTEN: Final = 10
_HEADER: Final = 16
_INODE: Final = _HEADER + 68
_ANSWER_SECONDS: Final = 0.2


class HostLife:
    """`ends` counts the signs of an end seen so far: whoever remembers the number can tell that one has come since.

    Counted, because a host may close one listener and go on: the next slice then begins as if nothing had been.
    """

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._listening: frozenset[str] = frozenset()
        self._looked_at = 0.0
        self._ends = 0
        self._said = False

    def stops(self) -> None:
        """The host has said that it stops, for good. From any thread."""
        self._said = True

    @property
    def is_gone(self) -> bool:
        """Whether the host has died and left this process to another parent."""
        return os.getppid() != self._parent

    def begin(self) -> int:
        """The number of signs so far, with a fresh view of what the host listens on."""
        self.ends()
        self._listening = _listening() & _sockets_of(self._parent)
        return self._ends

    def ends(self) -> int:
        """The number of signs so far. Reads the kernel's tables at most every `LOOK_SECONDS`."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_SECONDS and self._listening:
            self._looked_at = now
            still = self._listening & _listening()
            self._ends += still != self._listening
            self._listening = still
        return self._ends + self.is_gone + self._said


def _listening() -> frozenset[str]:
    """Inodes of all listening TCP sockets of this network namespace; asked as `ss -l` does, for /proc takes long."""
    found: set[str] = set()
    with suppress(OSError, AttributeError), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.settimeout(_ANSWER_SECONDS)
        for family in (socket.AF_INET, socket.AF_INET6):
            kernel.send(_question(family))
            while (inodes := _inodes(kernel.recv(65536))) is not None:
                found |= inodes
    return frozenset(found)


def _question(family: int) -> bytes:
    """A dump of the family's TCP sockets in the state LISTEN: `struct nlmsghdr`, then `struct inet_diag_req_v2`."""
    body = struct.pack("=BBBxI48x", family, socket.IPPROTO_TCP, 0, 1 << _LISTEN)
    return struct.pack("=IHHII", _HEADER + len(body), _BY_FAMILY, _DUMP, 0, 0) + body


def _inodes(answer: bytes) -> set[str] | None:
    """Of one datagram of `struct nlmsghdr`, each with a `struct inet_diag_msg`; None when the dump is over."""
    found: set[str] = set()
    while len(answer) >= _HEADER:
        length, kind = struct.unpack_from("=IH", answer)
        if kind != _BY_FAMILY:  # the end, or an error
            return None
        found.add(str(*struct.unpack_from("=I", answer, _INODE)))
        answer = answer[(length + 3) & ~3 :]
    return found


def _sockets_of(pid: int) -> set[str]:
    """Inodes of the sockets a process holds; none where it may not be asked."""
    found: set[str] = set()
    with suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with suppress(OSError):  # It was closed just now.
                target = str(Path(entry.path).readlink())
                if target.startswith("socket:["):
                    found.add(target[8:-1])
    return found


host_life: Final = HostLife()
