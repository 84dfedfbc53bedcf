"""`scripts/serve --func`: the function app in Azure's own host, by Azure Functions Core Tools, with Azurite as storage.

Settings go to the host as environment variables, which come before those of a local.settings.json. Nothing is written
into the repository, but Core Tools may write that file for themselves; git ignores it.
Both programs are on a leash, so they end with this one, however it ends.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import leash
from ports import take_port
from serve_on_azurite import HOST, start_azurite

from local_host.app.configuration import bootstrap_key, key_peppers
from local_host.app.options import add_common_options, with_deployments
from local_host.console.greeting import greeting, key_words
from shared.environment import SettingsError, parse_settings
from shared.settings import Settings

START_SECONDS = 300.0  # The first start downloads the extensions.
_NO_FUNC = """Azure Functions Core Tools are not installed: there is no `func` on the PATH.
Install them, then run this again:
  any:    npm install -g azure-functions-core-tools@4 --unsafe-perm true
  macOS:  brew tap azure/functions && brew install azure-functions-core-tools@4
Without them, scripts/serve runs the same app on this project's own host."""


def settings(storage: str, own: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of the host: ours, and what an app on Azure has as app settings, its `own` secrets among them."""
    python = Path(sys.executable)
    return {
        **{name: value for name, value in environment.items() if name != "PYTHONPATH"},
        "PATH": os.pathsep.join([str(python.parent), environment.get("PATH", "")]),
        "VIRTUAL_ENV": str(python.parent.parent),
        "languageWorkers__python__defaultExecutablePath": str(python),
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "PYTHON_ENABLE_INIT_INDEXING": "1",
        "AzureWebJobsDisableHomepage": "true",
        "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "314572800",
        "TASKHUB_NAME": "CoreTools",
        "AzureWebJobsStorage": storage,
        "BATCH_STORAGE": "AzureWebJobsStorage",
        **own,
    }


def check(environment: Mapping[str, str]) -> Settings:
    """What the app will read. Ends the program if it is wrong, before the minutes that its host may take to start."""
    try:
        return parse_settings(environment)
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def wait_until_up(url: str, func: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the app answers. Ends the program, with what the host said last, if it never does."""
    until = time.monotonic() + START_SECONDS
    while func.poll() is None and time.monotonic() < until:
        if _answers(f"{url}/healthz"):
            return
        time.sleep(0.2)
    lines = log.read_text(errors="replace").splitlines()[-20:]
    raise SystemExit(
        "\n  ".join([f"Core Tools did not bring the app up. They said last (all of it is in {log}):", *lines])
    )


def _answers(url: str) -> bool:
    """Whether the app itself says something: 503 is a wrong setting, and the log names it."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 503 and b"misconfigured" in error.read()
    except OSError:
        return False


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/serve --func", description="The app in Azure Functions Core Tools.")
    parser.add_argument("--func", action="store_true", help="this host")
    add_common_options(parser)
    return parser.parse_args(arguments)


def main() -> int:
    chosen = options(sys.argv[1:])
    func = shutil.which("func")
    if func is None:
        raise SystemExit(_NO_FUNC)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    os.umask(0o077)  # Of what it starts, too: prompts, answers and keys are kept in the folder.
    data: Path = chosen.data
    data.mkdir(parents=True, exist_ok=True)
    environment = with_deployments(chosen.deployments, os.environ)
    key = bootstrap_key(data, os.environ)
    own = {"BATCH_BOOTSTRAP_KEY": key, "BATCH_KEY_PEPPERS": key_peppers(data, os.environ)}
    checked = check(environment | own)
    port = chosen.port or take_port()
    url, log = f"http://{HOST}:{port}", data / "func.log"
    with ExitStack() as running:
        azurite, storage = start_azurite(data / "azurite")
        running.callback(leash.stop, azurite)
        command = [func, "start", "--python", "--port", str(port)]
        host = leash.start(command, log=log, environment=settings(storage, own, environment))
        running.callback(leash.stop, host)
        wait_until_up(url, host, log)
        words = key_words(key, data, is_own=not os.environ.get("BATCH_BOOTSTRAP_KEY", "").strip())
        where = f"Azurite; its data and {log.name}, the log of Core Tools, are in the data folder"
        print(greeting(url=url, data=data, storage=where, key=words, deployments=checked.deployments), flush=True)
        try:
            host.wait()
        except KeyboardInterrupt:
            return 0
    print(f"Core Tools ended by themselves; {log} has why.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
