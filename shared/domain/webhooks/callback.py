"""`callback_url` and `callback_secret` of a create call: a webhook endpoint of one batch alone (an extension). Pure.

Rule of this file: from its parsing on a callback is an endpoint like any other; it lives in the batch record, and goes
with it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from shared.domain.batches.batch import Batch
from shared.domain.batches.callback import Callback
from shared.domain.errors import InvalidRequest
from shared.domain.ids import derived_id
from shared.domain.parameters import missing, wrong_type
from shared.domain.webhooks.address import check_url
from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.domain.webhooks.event import BATCH_EVENTS
from shared.domain.webhooks.signature import PREFIX

URL: Final = "callback_url"
SECRET: Final = "callback_secret"  # noqa: S105 - its name
KEY_BYTES: Final = range(24, 65)  # As Standard Webhooks has it.


def parse_callback(fields: Mapping[str, Any], *, allow_http: bool, allow_private: bool) -> Callback | None:
    """Raises InvalidRequest, which says nothing of the secret itself."""
    url, secret = fields.get(URL), fields.get(SECRET)
    for name, value in ((URL, url), (SECRET, secret)):
        if value is not None and not isinstance(value, str):
            raise wrong_type(name, "a string", value)
    if url is None:
        if secret is not None:
            raise missing(URL)
        return None
    check_url(url, allow_http=allow_http, allow_private=allow_private, param=URL)
    if secret is not None:
        _check_secret(secret)
    return Callback(url=url, secret=secret)


def callback_of(batch: Batch) -> WebhookEndpoint | None:
    """The endpoint that its create call asked for; its id follows from the batch's."""
    if batch.callback is None:
        return None
    return WebhookEndpoint(
        id=derived_id(batch.created_at, batch.id, URL),
        owner=batch.owner,
        name=URL,
        url=batch.callback.url,
        event_types=BATCH_EVENTS,
        created_at=batch.created_at,
        updated_at=batch.created_at,
        secret=batch.callback.secret or "",
    )


def _check_secret(secret: str) -> None:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in KEY_BYTES:
        raise InvalidRequest(
            f"Invalid '{SECRET}': expected {PREFIX} and the base64 of {KEY_BYTES.start} to {KEY_BYTES.stop - 1} "
            "random bytes.",
            code="invalid_value",
            param=SECRET,
        )
