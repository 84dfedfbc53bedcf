"""A record that does not decode, as callers see it in each dialect."""

from __future__ import annotations

import pytest

from api.edge.dialect import parse_file_id


@pytest.fixture
async def damaged(upload, services):
    """The ids of two files, the record of the second in ruins."""
    ids = [(await upload(purpose="user_data")).json()["id"] for _ in range(2)]
    query, values = "UPDATE files SET record = '{' WHERE id = ?", (parse_file_id(ids[1]),)
    await services.stores.files._database.write(lambda connection: connection.execute(query, values).rowcount)
    return ids


async def test_lists_go_on_without_it(api, damaged):
    """200 with the others."""
    response = await api.get("/v1/files")

    assert response.status_code == 200
    assert [file["id"] for file in response.json()["data"]] == damaged[:1]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/files/{}", ("type", "server_error")),
        ("/openai/v1/files/{}", ("code", "internalFailure")),
        ("/openai/files/{}?api-version=2024-10-21", ("code", "internalFailure")),
    ],
)
async def test_asking_for_it_is_a_clear_500(api, damaged, path, kind):
    """In the dialect's envelope, with what to do, and nothing that makes an SDK repeat it."""
    response = await api.get(path.format(damaged[1]))

    assert response.status_code == 500
    assert response.json()["error"][kind[0]] == kind[1]
    assert "is damaged" in response.json()["error"]["message"]
    assert response.headers["x-should-retry"] == "false"
