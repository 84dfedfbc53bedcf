"""What is said when something is wrong: why, and what to do next."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.programs import Service, chat_line, jsonl
from tests.dbatch.running import dbatch


@pytest.mark.parametrize(
    ("arguments", "changes", "said"),
    [
        (("list",), {"OPENAI_API_KEY": ""}, "Set it to a key of the service"),
        (("list",), {"OPENAI_API_KEY": "wrong"}, "Set OPENAI_API_KEY to a valid key of 127.0.0.1."),
        (("list",), {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, "Is the service running"),
        (("list",), {"OPENAI_BASE_URL": "127.0.0.1:1/v1"}, "It begins with https:// or http://"),
        (("watch", "batch_1"), {}, "`dbatch list` shows the batches that this key can see."),
        (("retry", "batch_1"), {}, "No batch found with id 'batch_1'"),
    ],
)
def test_what_cannot_be_done(service: Service, arguments: tuple[str, ...], changes: dict[str, str], said: str) -> None:
    """A key that is missing or wrong, a service that is not there, a batch that nobody has."""
    out, found = dbatch(service.url, *arguments, exits=1, **changes)

    assert out == ""
    assert "Not done: " in found
    assert said in found
    assert "Traceback" not in found


def test_an_address_without_v1(service: Service) -> None:
    """The commonest mistake of all is named."""
    _, said = dbatch(service.url, "models", exits=1, OPENAI_BASE_URL=service.url)

    assert "Does OPENAI_BASE_URL end with /v1?" in said


def test_a_file_with_mistakes(service: Service, tmp_path: Path) -> None:
    """Nothing is sent; each mistake has its line."""
    path = tmp_path / "requests.jsonl"
    path.write_bytes(jsonl(chat_line(1), chat_line(1)) + b"{\n")
    out, said = dbatch(service.url, "submit", path, exits=4)

    assert out == ""
    assert "line 2: has the custom_id 'c1' of line 1" in said
    assert "line 3: is not JSON" in said


def test_what_only_the_service_sees(service: Service, tmp_path: Path) -> None:
    """`check --service` tells a model that is not there, and leaves no file behind."""
    path = tmp_path / "other.jsonl"
    path.write_bytes(jsonl(chat_line(1, body={"model": "nobody", "messages": [{"role": "user", "content": "a"}]})))
    _, said = dbatch(service.url, "check", path, "--service", exits=4)

    assert "line 1: The provided model 'nobody' is not supported" in said
    with service.openai as client:
        assert not [file for file in client.files.list() if file.filename == path.name]
