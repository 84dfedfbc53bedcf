"""Settings: parsed from a mapping, all mistakes at once."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from shared.domain.vendors.vendor import Vendor
from shared.environment import DEPLOYING, SettingsError, parse_settings
from shared.settings import Settings, window_seconds


def problems(**environment: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(environment)
    return str(caught.value).splitlines()


def test_an_empty_environment_is_every_default() -> None:
    """Nothing is required to start."""
    assert parse_settings({}) == Settings()


def test_every_kind_of_setting_is_read() -> None:
    """Text, whole numbers, seconds, deployments."""
    settings = parse_settings(
        {
            "BATCH_BOOTSTRAP_KEY": "key",
            "BATCH_LANES": "7",
            "BATCH_SLICE_SECONDS": "1.5",
            "BATCH_DEPLOYMENTS": '{"small": {"base_url": "http://upstream"}}',
        }
    )
    assert (settings.bootstrap_key, settings.lanes, settings.slice_seconds) == ("key", 7, 1.5)
    assert list(settings.deployments) == ["small"]


def test_an_empty_variable_is_the_default() -> None:
    """Deployment tools set what they leave out to nothing."""
    assert parse_settings({"BATCH_LANES": ""}).lanes == Settings().lanes


@pytest.mark.parametrize("vendor", Vendor)
def test_every_vendor_has_limits_of_its_own(vendor: Vendor) -> None:
    """Lines and bytes of an input file, each by the setting that ends with the vendor's name."""
    name = vendor.upper()
    settings = parse_settings({f"BATCH_MAX_REQUESTS_{name}": "7", f"BATCH_MAX_INPUT_BYTES_{name}": "8"})

    assert {other for other in Vendor if settings.max_requests(other) == 7} == {vendor}
    assert {other for other in Vendor if settings.max_input_bytes(other) == 8} == {vendor}


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("BATCH_MAX_STORED_BYTES", "max_stored_bytes"),
        ("BATCH_RECORD_DAYS", "record_days"),
        ("BATCH_USAGE_ROW_DAYS", "usage_row_days"),
    ],
)
def test_zero_is_accepted_where_it_has_a_meaning(name: str, kept: str) -> None:
    """Whether it is the default or not."""
    assert getattr(parse_settings({name: "0"}), kept) == 0


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("BATCH_LANES", "many", "BATCH_LANES: expected a whole number, got 'many'"),
        ("BATCH_LANES", "1.5", "BATCH_LANES: expected a whole number, got '1.5'"),
        ("BATCH_LANES", "0", "BATCH_LANES: expected a number above zero, got 0"),
        ("BATCH_SLICE_SECONDS", "4m", "BATCH_SLICE_SECONDS: expected a number, got '4m'"),
        ("BATCH_WEBHOOK_ALLOW_HTTP", "yes", "BATCH_WEBHOOK_ALLOW_HTTP: expected true or false, got 'yes'"),
        ("BATCH_MAX_STORED_BYTES", "-1", "BATCH_MAX_STORED_BYTES: expected a number above zero, got -1"),
        ("BATCH_SLICE_SECONDS", "-1", "BATCH_SLICE_SECONDS: expected a number above zero, got -1.0"),
        ("BATCH_SLICE_SECONDS", "nan", "BATCH_SLICE_SECONDS: expected a number above zero, got nan"),
        ("BATCH_SLICE_SECONDS", "inf", "BATCH_SLICE_SECONDS: expected a number above zero, got inf"),
        ("BATCH_QUOTA_MODE", "both", "BATCH_QUOTA_MODE: expected fail_batch or refuse_create or wait, got 'both'"),
        (
            "BATCH_COMPLETION_WINDOWS",
            "24h,soon",
            "BATCH_COMPLETION_WINDOWS: 'soon' is not a whole number of s, m, h or d, such as 24h",
        ),
        ("BATCH_DEPLOYMENTS", '{"small": {}}', "BATCH_DEPLOYMENTS['small']: Object missing required field `base_url`"),
        (
            "BATCH_KEY_PEPPERS",
            f"new:{'0' * 64},old",
            "BATCH_KEY_PEPPERS: entry 2 has no name of letters, digits, '.', '_' and '-': expected name:secret",
        ),
        (
            "BATCH_BLOB_HOSTS",
            "acct.example=research",
            "BATCH_BLOB_HOSTS: 'research' is no id of a project; write host=default or host=proj_…|proj_…",
        ),
        (
            "BATCH_BOOTSTRAP_KEY",
            "sha256:abc",
            "BATCH_BOOTSTRAP_KEY: expected the key, or sha256: and 64 hex digits: `printf %s KEY | sha256sum`",
        ),
    ],
)
def test_a_mistake_names_its_setting_and_what_was_expected(name: str, text: str, sentence: str) -> None:
    """One sentence each."""
    assert problems(**{name: text}) == [sentence]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("BATCH_LANE", "did you mean BATCH_LANES?"),
        ("BATCH_DEPLOYMENT", "did you mean BATCH_DEPLOYMENTS?"),
        ("BATCH_MAX_FILES_BYTES", "did you mean BATCH_MAX_FILE_BYTES?"),
        ("BATCH_lanes", "did you mean BATCH_LANES?"),
        ("BATCH_COLOUR", "unset it, or see docs/settings.md for those there are"),
        ("BATCH_STORAGE__blobServiceUri", "unset it, or see docs/settings.md for those there are"),
    ],
)
def test_a_variable_that_is_no_setting_is_a_mistake(name: str, advice: str) -> None:
    """It would be without effect, and nobody would know."""
    assert problems(**{name: "4"}) == [f"{name}: not a setting; {advice}"]


def test_variables_that_settings_name_may_begin_as_settings_do() -> None:
    """The key of an upstream and the storage account, whatever they are called; and what is not BATCH_ is not ours."""
    text = '{"small": {"base_url": "http://upstream", "api_key_env": "BATCH_UPSTREAM_KEY"}}'
    named = {"BATCH_DEPLOYMENTS": text, "BATCH_UPSTREAM_KEY": "key", "BATCH_STORAGE": "BATCH_FILES"}
    storage = {"BATCH_FILES": "connection", "BATCH_FILES__blobServiceUri": "https://x", "AZ_BATCH_POOL": "x"}
    assert parse_settings({**named, **storage}).deployments["small"].api_key == "key"


def test_a_key_is_not_called_unknown_where_the_deployments_cannot_be_read() -> None:
    """One mistake is not told as two."""
    assert len(problems(BATCH_DEPLOYMENTS='{"m": {"api_key_env": "BATCH_UPSTREAM_KEY",}}', BATCH_UPSTREAM_KEY="k")) == 1


def test_what_the_deployment_tool_sets_is_no_mistake() -> None:
    """Each variable that infra/ reads or azd writes may stand in the shell that starts the service."""
    infra = Path(__file__).parents[2] / "infra"
    texts = [(infra / name).read_text() for name in ("main.bicepparam", "main.bicep")]
    theirs = set(re.findall(r"(?:readEnvironmentVariable\('|^output )(BATCH_\w+)", "\n".join(texts), re.MULTILINE))
    assert theirs - {item.metadata["name"] for item in fields(Settings) if item.metadata} == DEPLOYING


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("BATCH_LANES", " 7\r\n", 7), ("BATCH_QUOTA_MODE", "wait\n", "wait"), ("BATCH_BOOTSTRAP_KEY", "\tkey\n", "key")],
)
def test_white_space_around_a_value_is_none_of_it(name: str, text: str, value: object) -> None:
    """Files and web pages add it; a first key with a line break would never be matched."""
    key = next(item.name for item in fields(Settings) if item.metadata and item.metadata["name"] == name)
    assert getattr(parse_settings({name: text}), key) == value


def test_a_first_key_that_cannot_be_sent_is_a_mistake() -> None:
    """And it is not repeated."""
    assert problems(BATCH_BOOTSTRAP_KEY="my key") == [
        "BATCH_BOOTSTRAP_KEY: there is white space inside it; was more than the key copied?"
    ]


def test_an_unresolved_vault_reference_does_not_become_a_key() -> None:
    """Whoever knows how the service was deployed knows the reference; the message does not repeat it."""
    found = problems(BATCH_BOOTSTRAP_KEY="@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/key)")
    assert found == ["BATCH_BOOTSTRAP_KEY: its Key Vault reference was not resolved; check secret and role"]


def test_all_mistakes_are_reported_at_once() -> None:
    """Nobody fixes one to meet the next."""
    found = problems(BATCH_LANES="x", BATCH_CHUNK_LINES="-1", BATCH_COMPLETION_WINDOWS="x", BATCH_DEPLOYMENTS="x")
    assert len(found) == 4


@pytest.mark.parametrize(("window", "seconds"), [("24h", 86_400), ("90s", 90), ("5m", 300), ("7d", 604_800)])
def test_a_window_is_a_number_and_a_unit(window: str, seconds: int) -> None:
    """Contract 1.5.5 knows 24h; operators may allow others."""
    assert window_seconds(window) == seconds


@pytest.mark.parametrize("window", ["", "h", "24", "0h", "-1h", "1.5h", "24 h", "24H", "²h"])
def test_what_is_no_window_raises(window: str) -> None:
    """Whole numbers above zero and one of four units."""
    with pytest.raises(ValueError):
        window_seconds(window)


def test_windows_may_be_listed() -> None:
    """Comma-separated, blanks ignored."""
    assert Settings(completion_windows="24h, 1h").windows() == {"24h": 86_400, "1h": 3_600}


def test_no_secret_is_in_a_repr() -> None:
    """Neither the first key nor the peppers nor the upstreams' keys reach a log."""
    text = '{"small": {"base_url": "http://upstream", "api_key": "secret"}}'
    peppers = f"first:{'secret' * 6}"
    settings = parse_settings(
        {"BATCH_BOOTSTRAP_KEY": "secret", "BATCH_DEPLOYMENTS": text, "BATCH_KEY_PEPPERS": peppers}
    )
    assert "secret" not in repr(settings)
    assert "secret" not in repr(settings.peppers)


def test_every_setting_has_a_name_of_its_own_and_a_sentence() -> None:
    """`BATCH_…`, and what it means."""
    names = [item.metadata["name"] for item in fields(Settings) if item.metadata]
    assert len(names) == len(set(names))
    assert all(name.startswith("BATCH_") for name in names)
    assert all(item.metadata["doc"].endswith(".") for item in fields(Settings) if item.metadata)


def test_a_healthy_run_is_not_taken_for_stuck() -> None:
    """A watcher that was silent for a moment must not find everything stuck at its next look."""
    assert problems(BATCH_STUCK_SECONDS="90") == ["BATCH_STUCK_SECONDS: expected more than 90 seconds"]
    assert parse_settings({"BATCH_STUCK_SECONDS": "91"}).stuck_seconds == 91
