"""Settings: parsed from a mapping, all mistakes at once."""

from __future__ import annotations

from dataclasses import fields

import pytest

from shared.settings import Settings, SettingsError, parse_settings, window_seconds


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


def test_zero_is_accepted_where_it_means_no_limit() -> None:
    """Where it is the default, saying it aloud is no mistake."""
    assert parse_settings({"BATCH_MAX_STORED_BYTES": "0"}).max_stored_bytes == 0


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("BATCH_LANES", "many", "BATCH_LANES: expected int, got 'many'"),
        ("BATCH_LANES", "1.5", "BATCH_LANES: expected int, got '1.5'"),
        ("BATCH_LANES", "0", "BATCH_LANES: expected a number above zero, got 0"),
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
    ],
)
def test_a_mistake_names_its_setting_and_what_was_expected(name: str, text: str, sentence: str) -> None:
    """One sentence each."""
    assert problems(**{name: text}) == [sentence]


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
    """Neither the first key nor the upstreams' keys reach a log."""
    text = '{"small": {"base_url": "http://upstream", "api_key": "secret"}}'
    assert "secret" not in repr(parse_settings({"BATCH_BOOTSTRAP_KEY": "secret", "BATCH_DEPLOYMENTS": text}))


def test_every_setting_has_a_name_of_its_own_and_a_sentence() -> None:
    """`BATCH_…`, and what it means."""
    names = [item.metadata["name"] for item in fields(Settings) if item.metadata]
    assert len(names) == len(set(names))
    assert all(name.startswith("BATCH_") for name in names)
    assert all(item.metadata["doc"].endswith(".") for item in fields(Settings) if item.metadata)
