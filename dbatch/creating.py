"""Creating a batch: once, also where the answer to the call is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dbatch.console import say

if TYPE_CHECKING:
    from openai import OpenAI

_PAUSES = (2.0, 5.0, 15.0, 30.0, 60.0)
_CLOCKS_APART = 3600  # Seconds by which the service's clock and ours may differ.


def create(
    client: OpenAI,
    file_id: str,
    *,
    endpoint: str,
    window: str,
    metadata: dict[str, str],
    key: str | None = None,
    **extras: Any,
) -> dict[str, Any]:
    """The new batch. `extras` are what only Durable Batch knows; none is sent that was not asked for.

    A `key` makes one batch of several calls, where the service knows `Idempotency-Key`.
    """
    from openai import omit

    return client.batches.create(
        input_file_id=file_id,
        endpoint=endpoint,  # type: ignore[arg-type] # what the service has; it says so itself if it has it not
        completion_window=window,  # type: ignore[arg-type] # our service has others as well
        metadata=metadata or omit,
        extra_body=extras or None,
        extra_headers={"Idempotency-Key": key} if key else None,
    ).to_dict()


def create_once(
    client: OpenAI, file_id: str, *, mark: dict[str, str], since: float, is_new: bool, **terms: Any
) -> dict[str, Any]:
    """The one batch whose metadata has `mark`, which is of nothing else: looked for wherever it may be there already.

    `since` (unix seconds) is before the first call of it. `is_new` says that no call can have been made yet.
    """
    from openai import APIConnectionError, InternalServerError

    once = client.with_options(max_retries=0)  # The SDK's own repetition would look for nothing.
    for pause in (*_PAUSES, None):
        if not is_new and (found := find(client, mark, since)):
            return found
        is_new = False
        try:
            return create(once, file_id, metadata=mark, key="-".join(mark.values()), **terms)
        except (APIConnectionError, InternalServerError):
            if pause is None:
                raise
            say("The answer to creating a batch was lost; looking whether it is there.")
            time.sleep(pause)
    raise AssertionError


def find(client: OpenAI, mark: dict[str, str], since: float) -> dict[str, Any] | None:
    """Of the newest batches, back to `since`."""
    for batch in client.batches.list(limit=100):
        if mark.items() <= (batch.metadata or {}).items():
            return batch.to_dict()
        if batch.created_at < since - _CLOCKS_APART:
            break
    return None
