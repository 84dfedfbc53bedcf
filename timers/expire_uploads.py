"""Ends uploads whose hour is over: their bytes go at once, their records a day later.

Until then callers are told what became of the upload. A completion that a crash cut off after the file
was decided is finished.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from shared.domain.files.upload import SweptBy, Upload, UploadStatus
from shared.run.files.uploads import change_upload, finish_upload
from shared.services import Services

log = logging.getLogger(__name__)

KEPT = timedelta(days=1)


async def expire_uploads(service: Services) -> None:
    """One sweep; what a crash leaves is found by the next."""
    now = service.now()
    async for upload in service.stores.uploads.expired(now):
        await _end(service, upload, now)


async def _end(service: Services, upload: Upload, now: datetime) -> None:
    if upload.is_decided:
        upload = await finish_upload(service, upload)
    elif upload.status_at(now) is not upload.status:
        upload = (await change_upload(service, upload, SweptBy())).value
        if upload.status is UploadStatus.EXPIRED:
            await service.stores.blobs.delete(upload.blob)
            log.info("An upload expired.", extra={"action": "upload_expired"})
    if now >= upload.expires_at + KEPT:
        if not upload.is_decided:  # Again: parts on their way may have staged blocks since.
            await service.stores.blobs.delete(upload.blob)
        await service.stores.uploads.delete(upload)
