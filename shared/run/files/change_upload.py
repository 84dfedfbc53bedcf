"""Changing an upload's record: compare-and-swap around the pure functions of `domain/files/upload`."""

from __future__ import annotations

from collections.abc import Callable

from shared.domain.files.upload import Upload
from shared.ports.base import Changed, Stored
from shared.services import Services


async def change_upload(services: Services, upload: Upload, step: Callable[[Upload], Upload]) -> Stored[Upload]:
    """The record after `step`, applied to its newest version.

    Raises what `step` raises, and KeyError if the record is gone.
    """
    while True:
        stored = await services.stores.uploads.get(upload.owner, upload.id)
        if stored is None:
            raise KeyError(upload.id)
        changed = step(stored.value)
        if changed == stored.value:
            return stored
        try:
            return Stored(changed, await services.stores.uploads.replace(changed, stored.version))
        except Changed:
            continue
