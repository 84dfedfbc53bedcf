"""The app in Azure's own host, for tests, where Core Tools are installed; and a stand-in for `func` where they are not."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.programs import ROOT, Program, Service, service_environment
from tests import azurite

_STUB = """#!{python}
import http.server, json, os, sys
open({record!r}, "w").write(json.dumps({{"arguments": sys.argv[1:], "environment": dict(os.environ), "pid": os.getpid()}}))
print("stub func", flush=True)
if {fails!r}:
    sys.exit("No job functions found.")
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{{"status":"ok"}}')
http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), App).serve_forever()
"""


def missing() -> str | None:
    """Why the app cannot be run in Core Tools here; None if it can."""
    if shutil.which("func") is None:
        return "Azure Functions Core Tools are not installed: there is no `func` on the PATH"
    return None if azurite.PROGRAM.exists() else "Azurite is not installed: run `npm ci`"


def launcher(data: Path) -> list[str]:
    """What `scripts/serve --func` runs, after `python -m`; PYTHONPATH must lead to scripts/lib."""
    return ["serve_on_core_tools", "--func", "--port", "0", "--data", str(data)]


LAUNCHER_PATH = {"PYTHONPATH": str(ROOT / "scripts/lib")}


def take_port() -> int:
    """A port of this machine that is this process's alone."""
    sys.path.insert(0, LAUNCHER_PATH["PYTHONPATH"])
    import ports

    port: int = ports.take_port()
    return port


class CoreTools(Service):
    """`scripts/serve --func` with one deployment, `m`, on `upstream_url`."""

    def __init__(
        self,
        folder: Path,
        upstream_url: str,
        *arguments: str,
        deployment: Mapping[str, Any] | None = None,
        **settings: str,
    ) -> None:
        environment = service_environment(upstream_url, deployment, settings) | LAUNCHER_PATH
        Program.__init__(self, [*launcher(folder / "data"), *arguments], folder / "host.log", environment)

    def start(self, seconds: float = 330.0) -> None:
        super().start(seconds)


def put_stub(folder: Path, *, fails: bool = False) -> Path:
    """Puts a `func` into `folder` that answers on its port; returns where it writes what it was given."""
    folder.mkdir()
    record = folder / "record.json"
    func = folder / "func"
    func.write_text(_STUB.format(python=sys.executable, record=str(record), fails=fails))
    func.chmod(0o755)
    return record
