"""Options, the bootstrap key, and the app's module."""

import re
import sys
from pathlib import Path

import pytest

from local_host.app.configuration import bootstrap_key, key_peppers, load_app, worker_environment
from local_host.app.function_index import InvalidApp
from local_host.app.options import AZURITE, LogForm, parse_options, with_deployments
from local_host.console.greeting import greeting, key_words
from shared.domain.deployments.deployment import Deployment
from shared.domain.keys.pepper import parse_peppers
from shared.environment import parse_settings
from shared.settings import Settings


def test_the_defaults_are_for_one_person_at_one_machine() -> None:
    """Loopback, port 7071, a folder beside the code, no Azurite, the product's app."""
    options = parse_options([])
    assert (options.host, options.port, options.data) == ("127.0.0.1", 7071, Path(".data"))
    assert (options.azurite, options.app) == (None, "function_app")
    assert (options.deployments, options.log) == (None, LogForm.TEXT)
    assert options.workers >= 1


@pytest.mark.parametrize(("arguments", "expected"), [([], AZURITE), (["A=1"], "A=1")])
def test_azurite_takes_a_connection_string_or_its_own(arguments, expected) -> None:
    """Without a value it is Azurite's well-known one."""
    assert parse_options(["--azurite", *arguments]).azurite == expected


@pytest.mark.parametrize(
    "arguments", [["--port", "x"], ["--port", "65536"], ["--workers", "0"], ["--log", "xml"], ["--nope"]]
)
def test_a_wrong_option_exits_with_2(arguments, capsys) -> None:
    """The usage names it."""
    with pytest.raises(SystemExit) as exited:
        parse_options(arguments)
    assert exited.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_a_key_is_made_once_and_kept_private(tmp_path) -> None:
    """`db_` and 32 random bytes, in a file nobody else can read; the same key afterwards."""
    key = bootstrap_key(tmp_path, {})
    path = tmp_path / "bootstrap-key"
    assert key.startswith("db_")
    assert len(key) == 3 + 43
    assert path.stat().st_mode & 0o777 == 0o600
    assert bootstrap_key(tmp_path, {}) == key
    assert [file.name for file in tmp_path.iterdir()] == ["bootstrap-key"]


def test_a_configured_key_wins_over_the_kept_one(tmp_path) -> None:
    """And it is not written down."""
    kept = bootstrap_key(tmp_path, {})
    assert bootstrap_key(tmp_path, {"BATCH_BOOTSTRAP_KEY": "mine\n"}) == "mine"
    assert bootstrap_key(tmp_path, {"BATCH_BOOTSTRAP_KEY": " "}) == kept
    assert (tmp_path / "bootstrap-key").read_text().strip() == kept


@pytest.mark.parametrize("leftover", ["bootstrap-key", "bootstrap-key.new"])
def test_a_start_cut_off_while_the_key_was_made_makes_another(tmp_path, leftover) -> None:
    """An empty file is no key."""
    (tmp_path / leftover).write_text("")
    assert bootstrap_key(tmp_path, {}).startswith("db_")


def test_a_pepper_is_made_once_and_kept_private(tmp_path) -> None:
    """Good for keys, in a file nobody else can read; the same one afterwards, and another in another folder."""
    peppers = key_peppers(tmp_path, {})
    path = tmp_path / "key-pepper"
    assert re.fullmatch("1:[0-9a-f]{64}", peppers)
    assert list(parse_peppers(peppers)) == ["1"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert key_peppers(tmp_path, {}) == peppers == path.read_text().strip()
    (tmp_path / "other").mkdir()
    assert key_peppers(tmp_path / "other", {}) != peppers


def test_a_pepper_is_rotated_in_its_file(tmp_path) -> None:
    """Whatever an operator wrote there is what the setting would hold."""
    (tmp_path / "key-pepper").write_text(f"2:{'n' * 32},1:{'o' * 32}\n")
    assert list(parse_peppers(key_peppers(tmp_path, {}))) == ["2", "1"]


def test_configured_peppers_win_over_the_kept_one(tmp_path) -> None:
    """And are not written down."""
    kept = key_peppers(tmp_path, {})
    assert key_peppers(tmp_path, {"BATCH_KEY_PEPPERS": f"mine:{'n' * 32}\n"}) == f"mine:{'n' * 32}"
    assert key_peppers(tmp_path, {}) == kept


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module with a host.json beside it; returns its name."""

    def write(name: str, source: str, host: str | None = "{}") -> str:
        (tmp_path / f"{name}.py").write_text("import azure.functions as func\n" + source)
        if host is not None:
            (tmp_path / "host.json").write_text(host)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    monkeypatch.syspath_prepend(str(tmp_path))
    return write


ONE = "app = func.FunctionApp()\nalias = app\n"


@pytest.mark.parametrize(
    ("host", "prefix"),
    [("{}", "api"), ('{"extensions": {"http": {"routePrefix": ""}}}', ""), ('{"extensions": {"http": {}}}', "api")],
)
def test_the_route_prefix_is_that_of_host_json(module, host, prefix) -> None:
    """Without one it is the platform's `api`. Two names of one app are one app."""
    assert load_app(module("one_app", ONE, host)).host.route_prefix == prefix


@pytest.mark.parametrize(
    ("source", "host", "words"),
    [
        ("", "{}", "exactly one"),
        ("a = func.FunctionApp()\nb = func.FunctionApp()\n", "{}", "found 2"),
        (ONE, None, "no host.json"),
        (ONE, "{", "not a JSON object"),
        (ONE, "[]", "not a JSON object"),
    ],
)
def test_a_module_the_platform_would_refuse_is_refused(module, source, host, words) -> None:
    """The message says what is missing."""
    with pytest.raises(InvalidApp, match=words):
        load_app(module("bad_app", source, host))


def test_an_import_that_fails_inside_the_app_keeps_its_traceback(module) -> None:
    """It is a bug of the app, not a wrong --app."""
    with pytest.raises(ModuleNotFoundError, match="not_there"):
        load_app(module("importing_app", "import not_there\n"))


def test_a_worker_gets_what_it_needs_to_run_the_same_app() -> None:
    """App, data folder, key, durable client, and Azurite only where it is used."""
    settings = Settings(bootstrap_key="key")
    environment = worker_environment(
        parse_options(["--data", "d", "--app", "a", "--log", "json"]), settings, "binding", 16
    )
    assert (environment["LOCAL_HOST_APP"], environment["LOCAL_HOST_DATA"]) == ("a", "d")
    assert environment["LOCAL_HOST_LOG"] == "json"
    assert (environment["BATCH_BOOTSTRAP_KEY"], environment["LOCAL_HOST_CLIENT"]) == ("key", "binding")
    assert "LOCAL_HOST_AZURITE" not in environment


def test_the_greeting_names_every_deployment_and_no_credential() -> None:
    """Name, address and model; never the upstream's key."""
    deployments = {
        "small": Deployment(name="small", base_url="http://up/v1", api_key="upstream-secret", model="m-1"),
        "large": Deployment(name="large", base_url="http://other/v1"),
    }
    text = greeting(
        url="http://h:1",
        data=Path("d"),
        storage=None,
        key=key_words("k", Path("d"), is_own=True),
        deployments=deployments,
    )
    assert "small -> http://up/v1 (model m-1)" in text
    assert "large -> http://other/v1\n" in text
    assert "upstream-secret" not in text


def test_the_greeting_says_how_to_configure_a_deployment() -> None:
    """By files that are there, and by an option that there is."""
    key = key_words("k", Path("d"), is_own=False)
    text = greeting(url="http://h:1", data=Path("d"), storage=None, key=key, deployments={})
    assert "copy a file of examples/deployments, then start with --deployments FILE" in text
    assert text.splitlines()[0] == "Listening on http://h:1"


def test_the_greeting_names_an_address_that_can_be_called() -> None:
    """Where the host listens on all addresses, what to try next goes to this machine."""
    key = key_words("k", Path("d"), is_own=True)
    text = greeting(url="http://0.0.0.0:7071", data=Path("d"), storage=None, key=key, deployments={})
    assert text.splitlines()[0] == "Listening on http://0.0.0.0:7071"
    assert "OPENAI_BASE_URL=http://127.0.0.1:7071/v1" in text


def test_a_file_of_deployments_takes_the_place_of_the_setting() -> None:
    """By its whole path; without one nothing changes."""
    given = {"BATCH_DEPLOYMENTS": "{}", "BATCH_LANES": "1"}
    assert with_deployments(None, given) == given
    assert with_deployments(Path("m.toml"), given) == {
        "BATCH_LANES": "1",
        "BATCH_DEPLOYMENTS_FILE": str(Path("m.toml").absolute()),
    }


def test_workers_get_the_deployments_that_the_host_began_with(tmp_path: Path) -> None:
    """Not the file, which may have changed by the time that a worker is replaced."""
    file = tmp_path / "m.toml"
    file.write_text('[m]\nbase_url = "http://up/v1"\nprice = {input = 0.1}\n')
    settings = parse_settings({"BATCH_DEPLOYMENTS_FILE": str(file)})
    file.write_text("[")
    environment = worker_environment(parse_options([]), settings, "binding", 16)
    of_a_worker = parse_settings({name: text for name, text in environment.items() if name.startswith("BATCH_")})
    assert of_a_worker.deployments == settings.deployments
    assert settings.deployments["m"].price is not None


@pytest.mark.parametrize(
    ("workers", "slots", "lanes"), [("1", 16, "8"), ("2", 16, "4"), ("3", 64, "10"), ("8", 4, "1")]
)
def test_lanes_take_half_of_the_slots(monkeypatch: pytest.MonkeyPatch, workers: str, slots: int, lanes: str) -> None:
    """Of the host's slots, whatever the number of workers; at least one for each; and what is set is kept."""
    options = parse_options(["--workers", workers])
    monkeypatch.delenv("BATCH_LANES_PER_PROCESS", raising=False)
    assert lanes == worker_environment(options, Settings(), "binding", slots)["BATCH_LANES_PER_PROCESS"]
    monkeypatch.setenv("BATCH_LANES_PER_PROCESS", "7")
    assert "7" == worker_environment(options, Settings(), "binding", slots)["BATCH_LANES_PER_PROCESS"]
