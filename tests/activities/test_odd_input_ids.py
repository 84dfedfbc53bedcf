"""A batch whose record names no id of ours as its input file: it fails at once, on either back end."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from activities.validate_input import validate_input
from shared.azure.connect import azure_stores_from_connection_string
from shared.domain.batches.batch import Status
from shared.services import use
from tests.contracts.conftest import fresh_names
from tests.contracts.samples import a_batch
from tests.contracts.test_any_text import TEXTS
from tests.with_stores import with_stores


class Asked(Exception):
    """By a look-up that cannot find anything."""


class NoFiles:
    """File records that must not be asked for."""

    async def get(self, owner: str, file_id: str) -> None:
        raise Asked(file_id)


@pytest.fixture(params=["local", "azurite"])
async def kept(request, service):
    """The service on one back end."""
    if request.param == "local":
        yield service
        return
    azure = azure_stores_from_connection_string(request.getfixturevalue("azurite"), fresh_names())
    yield replace(service, stores=azure)
    await azure.close()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
async def test_an_input_that_is_no_id_ends_its_batch(kept, text):
    """`failed`, with the sentence of a file that is not there; no store was asked for it."""
    batch = a_batch(input_file_id=text, input_blob="")
    await kept.stores.batches.insert(batch)
    with use(with_stores(kept, files=NoFiles())):
        assert await validate_input({"owner": batch.owner, "batch_id": batch.id}) == {"outcome": "refused"}
    ended = (await kept.stores.batches.get(batch.owner, batch.id)).value
    assert ended.status is Status.FAILED
    assert ended.errors[0].message.startswith(f"Cannot find file {text}, or organization")
    assert msgspec.json.decode(msgspec.json.encode(ended), type=type(ended)) == ended
