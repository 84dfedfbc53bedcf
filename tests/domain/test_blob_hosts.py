"""Whose storage accounts a project may use: what `BATCH_BLOB_HOSTS` says."""

from __future__ import annotations

import pytest

from shared.domain.ids import to_base62, to_uuid
from shared.domain.keys.blob_hosts import origins_of, parse_hosts

A, B = "01900000000070008000000000000001", "01900000000070008000000000000002"
ACCOUNT = "https://acct.blob.core.windows.net"


def test_hosts_are_https_unless_said_otherwise() -> None:
    """One setting, separated by commas; for the emulator with a scheme. They are every project's."""
    hosts = parse_hosts(" acct.blob.core.windows.net, http://127.0.0.1:10000/ ,")
    assert origins_of(hosts, A) == origins_of(hosts, "default") == {ACCOUNT, "http://127.0.0.1:10000"}
    assert parse_hosts("") == {}


@pytest.mark.parametrize("text", ["https://acct/box", "*", "ftp://acct", "a b", "acct:port", "user@acct", "=default"])
def test_what_is_no_host_is_named(text: str) -> None:
    """A mistake must not open more than was meant."""
    with pytest.raises(ValueError, match="is no host"):
        parse_hosts(text)


@pytest.mark.parametrize("spelled", [A, to_uuid(A), to_base62(A), f"proj_{to_base62(A)}", f" {A} "])
def test_a_host_can_be_of_one_project(spelled: str) -> None:
    """By its id in every spelling; to others it is as if it were not there."""
    hosts = parse_hosts(f"acct.blob.core.windows.net={spelled}, shared.example")
    assert origins_of(hosts, A) == {ACCOUNT, "https://shared.example"}
    assert origins_of(hosts, B) == origins_of(hosts, "default") == {"https://shared.example"}


def test_a_host_can_be_of_several_projects() -> None:
    """The first project is called default."""
    hosts = parse_hosts(f"http://acct.blob.core.windows.net=default|{B}")
    assert [len(origins_of(hosts, project)) for project in ("default", A, B)] == [1, 0, 1]


@pytest.mark.parametrize("projects", ["", "|default", "default|", "research", "proj_", "default;x", "*"])
def test_what_is_no_project_is_named(projects: str) -> None:
    """Names may change, ids never do: an entry whose project is unknown is nobody's by mistake."""
    with pytest.raises(ValueError, match="is no id of a project; write host=default or host=proj_"):
        parse_hosts(f"acct.example={projects}")


@pytest.mark.parametrize("text", ["acct.example,acct.example=default", f"acct.example={A},ACCT.example={B}"])
def test_a_host_has_one_entry(text: str) -> None:
    """Which of two would count?"""
    with pytest.raises(ValueError, match="is listed twice"):
        parse_hosts(text)
    assert origins_of(parse_hosts("acct.example,acct.example"), A) == {"https://acct.example"}
