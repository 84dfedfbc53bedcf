"""How many files, and how many bytes of them, an owner may keep (contract 1.3, 3.5).

Result files do not count. Quotas that are not set cost nothing; those that are set cost a list of the owner's files
for each new one. Uploads that end at the same moment may pass together: a quota is a brake, no lock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from shared.domain.errors import InvalidRequest
from shared.domain.files.file import RESULT_PURPOSE, File
from shared.domain.keys.limits import Limits
from shared.services import Services

PAGE = 1_000


async def check_quota(
    service: Services, owner: str, limits: Limits, *, expires: bool, size: int, page: int = PAGE
) -> None:
    """Whether the owner may keep one more file of `size` bytes; read in pages. Raises InvalidRequest."""
    settings = service.settings
    most = settings.max_files_with_expiry if expires else settings.max_files_without_expiry
    most_bytes = _stricter(settings.max_stored_bytes or None, limits.stored_bytes)
    if not most and limits.files is None and most_bytes is None:
        return
    alike, count, stored = 0, 0, size
    async for file in _kept(service, owner, page):
        alike += (file.expires_at is not None) == expires
        count += 1
        stored += file.bytes
    if most and alike >= most:
        raise _reached(f"files {'with' if expires else 'without'} expiry", most)
    if limits.files is not None and count >= limits.files:
        raise _reached("files of the project", limits.files)
    if most_bytes is not None and stored > most_bytes:
        raise _reached("bytes of files", most_bytes)


def _stricter(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


async def _kept(service: Services, owner: str, page: int) -> AsyncIterator[File]:
    now, after = service.now(), None
    while True:
        files = await service.stores.files.list(owner, after=after, limit=page)
        for file in files:
            if file.purpose != RESULT_PURPOSE and not file.is_expired(now):
                yield file
        if len(files) < page:
            return
        after = files[-1].id


def _reached(what: str, most: int) -> InvalidRequest:
    """Literal: contract 1.3."""
    return InvalidRequest(f"The quota for {what} is reached. The maximum is {most}.", code="quotaExceeded")
