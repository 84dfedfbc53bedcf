"""Which addresses of blobs a create call may name: the guard against requests to anywhere else."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import InvalidRequest
from shared.domain.files.blob_address import (
    folder_address,
    input_address,
    is_closed,
    is_within,
    result_address,
)

ORIGINS = {"https://acct.blob.core.windows.net", "http://127.0.0.1:10000"}
GOOD = "https://acct.blob.core.windows.net/box/in.jsonl"


def refusal(address: Any, origins: set[str] = ORIGINS, **fields: Any) -> tuple[str, str | None, str | None]:
    with pytest.raises(InvalidRequest) as caught:
        input_address({"input_blob": address, **fields}, origins)
    return caught.value.message, caught.value.param, caught.value.code


@pytest.mark.parametrize(
    "url",
    [
        GOOD,
        "HTTPS://ACCT.blob.core.windows.net/box/in.jsonl",
        "https://acct.blob.core.windows.net/box/deep/er/in%20put.jsonl",
        "http://127.0.0.1:10000/devstoreaccount1/box/in.jsonl",
    ],
)
def test_blobs_of_listed_accounts_are_let_in(url: str) -> None:
    """As they were written."""
    assert input_address({"input_blob": url}, ORIGINS) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/box/in.jsonl",
        "https://acct.blob.core.windows.net.evil.example/box/in.jsonl",
        "https://acct.blob.core.windows.net@evil.example/box/in.jsonl",
        "https://user:secret@acct.blob.core.windows.net/box/in.jsonl",
        "https://evil.example#@acct.blob.core.windows.net/box/in.jsonl",
        "https://evil.example\\@acct.blob.core.windows.net/box/in.jsonl",
        "https://evil.example\\.acct.blob.core.windows.net/box/in.jsonl",
        "http://acct.blob.core.windows.net/box/in.jsonl",
        "https://acct.blob.core.windows.net:444/box/in.jsonl",
        "https://acct.blob.core.windows.net./box/in.jsonl",
        "https://127.0.0.1:10000/devstoreaccount1/box/in.jsonl",
        "http://127.0.0.1:10001/devstoreaccount1/box/in.jsonl",
        "http://169.254.169.254/metadata/identity/oauth2/token",
        "file:///etc/passwd",
        "//acct.blob.core.windows.net/box/in.jsonl",
        "acct.blob.core.windows.net/box/in.jsonl",
        "https://[::1/box/in.jsonl",
        "https:///box/in.jsonl",
        " https://acct.blob.core.windows.net/box/in.jsonl",
        "https://acct.blob.core.windows.net/box/in\n.jsonl",
        "https://аcct.blob.core.windows.net/box/in.jsonl",
        "",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    """Other hosts, schemes and ports, and every trick that makes one look like another."""
    message, param, code = refusal(url)
    assert (param, code) == ("input_blob", "invalid_value")
    assert message.endswith("Expected a URL such as https://account.blob.core.windows.net/container/input.jsonl.")


@pytest.mark.parametrize(
    "path",
    ["", "/", "/box", "/box/", "//in.jsonl", "/box/../in.jsonl", "/box/%2e%2e/in.jsonl", "/box/a%2F..%2Fb", "/./b"],
)
def test_a_path_is_that_of_a_blob(path: str) -> None:
    """A container and a name, and no way up."""
    assert "its path must be that of a blob in a container" in refusal(f"https://acct.blob.core.windows.net{path}")[0]


def test_tokens_do_not_belong_in_the_address() -> None:
    """They would be stored and shown; the service goes there as itself."""
    message, _, _ = refusal(f"{GOOD}?sv=2024&sig=secret")
    assert "leave out the token" in message
    assert "secret" not in message


def test_without_listed_accounts_there_are_no_blobs() -> None:
    """The message says who can change that."""
    message, param, code = refusal(GOOD, set())
    assert ("BATCH_BLOB_HOSTS" in message, param, code) == (True, "input_blob", "unsupported_parameter")


@pytest.mark.parametrize(("value", "code"), [(5, "invalid_type"), ("x" * 2049, "string_above_max_length")])
def test_what_is_no_address_is_refused(value: Any, code: str) -> None:
    """In the words of contract 1.3."""
    assert refusal(value)[2] == code


def test_a_file_and_a_blob_exclude_each_other() -> None:
    """Which would be read?"""
    assert refusal(GOOD, input_file_id="file-1")[1:] == ("input_blob", "mutually_exclusive_parameters")


def test_metadata_and_a_blob_exclude_each_other() -> None:
    """Contract 1.5.5."""
    assert refusal(GOOD, metadata={"a": "b"})[1:] == ("metadata", "unsupported_parameter")


@pytest.mark.parametrize("metadata", [None, {}])
def test_no_metadata_is_no_metadata(metadata: Any) -> None:
    """SDKs send an explicit null."""
    assert input_address({"input_blob": GOOD, "metadata": metadata, "input_file_id": None}, ORIGINS) == GOOD


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("https://acct.blob.core.windows.net/box", "https://acct.blob.core.windows.net/box"),
        ("https://acct.blob.core.windows.net/box/a/b//", "https://acct.blob.core.windows.net/box/a/b"),
    ],
)
def test_a_folder_is_a_container_or_below_one(url: str, folder: str) -> None:
    """A slash at its end makes no difference."""
    assert folder_address({"output_folder": {"url": url, "delimiter": "/"}}, ORIGINS) == folder


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ("https://acct.blob.core.windows.net/box", "output_folder"),
        ({}, "output_folder.url"),
        ({"url": 5}, "output_folder.url"),
        ({"url": "https://acct.blob.core.windows.net/"}, "output_folder.url"),
        ({"url": "https://evil.example/box"}, "output_folder.url"),
        ({"url": "https://acct.blob.core.windows.net/box", "delimiter": "|"}, "output_folder.delimiter"),
    ],
)
def test_what_is_no_folder_is_refused(value: Any, param: str) -> None:
    """Each mistake by name."""
    with pytest.raises(InvalidRequest) as caught:
        folder_address({"output_folder": value}, ORIGINS)
    assert caught.value.param == param


def test_results_have_the_names_of_the_contract() -> None:
    """Contract 2.5: `<folder>/<GUID>/results.jsonl` and `errors.jsonl`."""
    folder, batch_id = "https://acct.blob.core.windows.net/box", "0197f000000070008000000000000001"
    assert [result_address(folder, batch_id, kind) for kind in ("output", "error")] == [
        f"{folder}/0197f000-0000-7000-8000-000000000001/results.jsonl",
        f"{folder}/0197f000-0000-7000-8000-000000000001/errors.jsonl",
    ]


@pytest.mark.parametrize(("origins", "is_in"), [(ORIGINS, True), (set(), False)])
def test_an_address_can_be_let_in_no_longer(origins: set[str], is_in: bool) -> None:
    """The setting is looked at again when the blob is read or written."""
    assert is_within(GOOD, origins) is is_in


HOSTS = [
    "https://acct.blob.core.windows.net",
    "https://ACCT.blob.core.windows.net:443",
    "https://acct.blob.core.windows.net.",
    "https://acct-secondary.blob.core.windows.net",
    "https://acct.blob.core.chinacloudapi.cn",
    "https://acct.z12.blob.storage.azure.net",
    "https://acct.dfs.core.windows.net",
    "https://files.example",
    "http://127.0.0.1:10000/devstoreaccount1",
    "http://[::1]:10000/devstoreaccount1",
    "http://azurite:10000/devstoreaccount1",
    "http://localhost.:10000/devstoreaccount1",
]
CLOSED = [
    "batchfiles/files/1",
    "BatchFiles/files/1",
    "batchfiles%2Ffiles/1",
    "batchfiles%2ffiles%2F1",
    "batchfiles%252Ffiles/1",
    "b%61tchfiles/files/1",
    "batch%2566iles/files/1",
    "batchfiles%5Cfiles/1",
    "batchfiles./files/1",
    "batchfiles%20/files/1",
    "batchfiles%00/files/1",
    "%2Fbatchfiles/files/1",
    "./batchfiles/files/1",
    "%2e/batchfiles/files/1",
    "box%2F..%2Fbatchfiles/files/1",
    "azure-webjobs-hosts/ids/x",
    "azure-webjobs-secrets/app/host.json",
    "Azure-Webjobs-Secrets%2Fapp/host.json",
    "app-package/released.zip",
    "scm-releases/app.zip",
    "myhub-leases/default/x",
    "myhub-applease/x",
    "MyHub-LargeMessages%2Fx/y",
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", CLOSED)
def test_the_containers_of_service_and_platform_are_closed(host: str, path: str) -> None:
    """However host and path spell them: files of all callers, secrets, deployed code, histories of runs."""
    assert is_closed(f"{host}/{path}", "batchfiles")


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "path", ["box/in.jsonl", "box2/a/batchfiles/1", "my-batchfiles/in.jsonl", "leases/50%25.jsonl"]
)
def test_other_containers_are_open(host: str, path: str) -> None:
    """Their blobs may be called anything."""
    assert not is_closed(f"{host}/{path}", "batchfiles")


def test_an_address_without_an_end_of_escapes_is_closed() -> None:
    """Nobody says what a server would make of it."""
    assert is_closed(f"{HOSTS[0]}/box/%{'25' * 50}2F", None)
