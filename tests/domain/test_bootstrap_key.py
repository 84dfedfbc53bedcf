"""The bootstrap key, as it is and as a digest."""

from __future__ import annotations

import hashlib

import pytest

from shared.domain.keys.bootstrap import bootstrap_problem, is_bootstrap_key

DIGEST = hashlib.sha256(b"right").hexdigest()


@pytest.mark.parametrize("setting", ["right", f"sha256:{DIGEST}", f"sha256:{DIGEST.upper()}"])
def test_the_key_is_recognised(setting: str) -> None:
    """Written as it is, or as its SHA-256 in hex."""
    assert is_bootstrap_key(setting, "right")


@pytest.mark.parametrize("setting", ["right", f"sha256:{DIGEST}", "sha256:", f"sha256:{DIGEST}0", ""])
@pytest.mark.parametrize(
    "presented", ["wrong", "right ", "Right", "righ", "", DIGEST, f"sha256:{DIGEST}", "sha256:", "\udc80", "ключ"]
)
def test_nothing_else_is(setting: str, presented: str) -> None:
    """Above all not the digest, which is no secret; nor anything where there is no key, or a broken digest."""
    assert not is_bootstrap_key(setting, presented)


@pytest.mark.parametrize("setting", ["", "right", f"sha256:{DIGEST}", f"sha256:{DIGEST.upper()}", "SHA256:abc"])
def test_what_can_be_a_key_is_no_problem(setting: str) -> None:
    """Only what says that it is a digest must be one."""
    assert bootstrap_problem(setting) is None


@pytest.mark.parametrize("setting", ["sha256:", f"sha256:{DIGEST[1:]}", f"sha256:{DIGEST}0", f"sha256:{DIGEST[1:]}g"])
def test_a_broken_digest_is_told(setting: str) -> None:
    """With the command that writes one."""
    problem = bootstrap_problem(setting)

    assert problem is not None
    assert "64 hex digits: `printf %s KEY | sha256sum`" in problem
