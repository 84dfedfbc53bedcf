"""Deployments in a file: what is read, and what a person is told who made a mistake in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.environment import SettingsError, parse_settings
from shared.settings import Settings

SAMPLE = """
# As people write it.
["llama3.2:3b"]
base_url = "http://127.0.0.1:11434/v1"
price = { currency = "EUR", input = 0.1, output = "0.35" }

[other]
base_url = 'http://up/v1'
api_key_env = 'BATCH_OWN_KEY'
"""


def read(folder: Path, text: str | bytes, name: str = "m.toml", **environment: str) -> Settings:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return parse_settings({"BATCH_DEPLOYMENTS_FILE": str(path), **environment})


def problem(folder: Path, text: str | bytes, name: str = "m.toml", **environment: str) -> str:
    """The one problem, without the folder."""
    with pytest.raises(SettingsError) as caught:
        read(folder, text, name, **environment)
    return str(caught.value).replace(f"{folder}/", "")


def test_toml_is_read(tmp_path: Path) -> None:
    """Names in quotes, comments, exact prices, and keys whose names begin as settings do."""
    found = read(tmp_path, SAMPLE, BATCH_OWN_KEY="secret").deployments
    assert list(found) == ["llama3.2:3b", "other"]
    price = found["llama3.2:3b"].price
    assert price is not None
    assert (price.currency, price.rates.input, price.rates.output) == ("EUR", 100_000, 350_000)
    assert found["other"].api_key == "secret"


def test_json_is_read(tmp_path: Path) -> None:
    """As in the setting; a byte order mark does not matter."""
    text = b"\xef\xbb\xbf" + b'{"m": {"base_url": "http://up/v1"}}'
    assert list(read(tmp_path, text, "m.json").deployments) == ["m"]


def test_an_empty_setting_beside_a_file_is_none(tmp_path: Path) -> None:
    """Deployment tools set what they leave out to nothing."""
    assert list(read(tmp_path, SAMPLE, BATCH_DEPLOYMENTS="{}", BATCH_OWN_KEY="k").deployments)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[gpt-4.1]\nbase_url = 'http://up/v1'",
            'than letters, digits, - and _ in quotes: ["gpt-4.1"]',
        ),
        ("[llama3.2:3b]\nbase_url = 'http://up/v1'", "line 1, column 10); put names that have more than letters, "),
        ("[m]\nbase_url: 'http://up/v1'", "(at line 2, column 9); write key = value, with an equals sign"),
        ("[m]\nbase_url = http://up/v1", '(at line 2, column 12); put texts in double quotes: key = "text"'),
        ("[m]\nbase_url = “http://up/v1”", "(at line 2, column 12); its quotes are typographic"),
        ("base_url = 'http://up/v1'", "m.toml: base_url stands outside of every deployment; put [NAME] above it"),
        ('{"m": {}}', "this looks like JSON: call the file .json"),
        ("[m]\nbaseurl = 'http://up/v1'", "m.toml['m'].baseurl: not a setting; did you mean base_url?"),
        ("[m]\nbase_url = 'http://up/v1'\nrequest_timeout_seconds = inf", "m.toml['m'].request_timeout_seconds: expected"),
        (b"\xff\xfe[\x00m\x00]\x00", "m.toml is not UTF-8; save it as UTF-8"),
    ],
)  # fmt: skip
def test_a_mistake_in_toml_is_told(tmp_path: Path, text: str | bytes, words: str) -> None:
    """By file, line or key, with what to write; never with a value, which may be a key."""
    said = problem(tmp_path, text)
    assert words in said
    assert "http://up" not in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[m]\nbase_url = "http://up/v1"', "It looks like TOML: keep it in a file called .toml."),
        ('{"m": {"base_url": "http://up/v1",}}', "m.json is not a JSON object of objects"),
        ('{"m": {"base_url": "nowhere"}}', "m.json['m'].base_url: expected an http:// or https:// URL"),
    ],
)
def test_a_mistake_in_json_is_told(tmp_path: Path, text: str, words: str) -> None:
    """By the file."""
    assert words in problem(tmp_path, text, "m.json")


def test_a_file_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    """A path that leads nowhere, a folder, another kind of file, and both settings at once."""
    (tmp_path / "folder.toml").mkdir()
    for name, words in (
        ("none.toml", "cannot be read (No such file or directory); check the path"),
        ("folder.toml", "cannot be read (Is a directory); check the path"),
        ("m.yaml", "expected a file called .toml or .json"),
    ):
        with pytest.raises(SettingsError, match=r"^BATCH_DEPLOYMENTS_FILE \(--deployments\): ") as caught:
            parse_settings({"BATCH_DEPLOYMENTS_FILE": str(tmp_path / name)})
        assert words in str(caught.value)
    both = problem(tmp_path, SAMPLE, BATCH_DEPLOYMENTS='{"m": {"base_url": "http://up/v1"}}', BATCH_OWN_KEY="k")
    assert "BATCH_DEPLOYMENTS is set as well; keep one of the two" in both
