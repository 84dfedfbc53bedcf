"""`scripts/demo`: a batch of three questions, from upload to output file, through the official OpenAI SDK.

Starts two programs on this machine, each on a port of its own: a real language model (`model_server.py`) and the
service (`python -m local_host`). Both end with this one, however it ends. Exits 0 only if every question was answered.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import leash
from questions import NotAnswered, ask, input_file

HERE = Path(__file__).parent
DEPLOYMENT = "smollm2"
START_SECONDS = 60.0


class NotStarted(Exception):
    """A program that the demo needs did not come up; the message is for the reader."""


@contextmanager
def program(name: str, command: Sequence[str], log: Path, **environment: str) -> Iterator[str]:
    """Run a program that prints `Listening on URL` when it is ready; yield the URL; end it with the with-block."""
    process = leash.start([sys.executable, *command], log=log, environment={**os.environ, **environment})
    try:
        yield _address(name, process, log)
    finally:
        leash.stop(process)


def _address(name: str, process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        running = process.poll() is None
        if found := re.search(r"Listening on (http://\S+)", log.read_text(errors="replace")):
            return found[1]
        if not running:
            break
        time.sleep(0.05)
    lines = log.read_text(errors="replace").splitlines()[-20:]
    raise NotStarted("\n  ".join([f"{name} did not start. It said (all of it is in {log}):", *lines]))


def deployments(model_url: str) -> str:
    """`BATCH_DEPLOYMENTS` with the one deployment of the demo."""
    return json.dumps({DEPLOYMENT: {"base_url": f"{model_url}/v1", "model": DEPLOYMENT, "max_concurrency": 4}})


def service_key(data: Path) -> str:
    """The key the service accepts: the one configured, or the one it made on its first start."""
    configured = os.environ.get("BATCH_BOOTSTRAP_KEY", "")
    if configured.startswith("sha256:"):
        raise NotStarted("BATCH_BOOTSTRAP_KEY is a digest, and the demo needs a key: unset it, then run this again.")
    return configured or (data / "bootstrap-key").read_text().strip()


def run(options: argparse.Namespace) -> None:
    data: Path = options.data
    data.mkdir(parents=True, exist_ok=True)
    print("Starting the language model (SmolLM2-135M-Instruct on llama.cpp) ...", flush=True)
    with program("The model", [str(HERE / "model_server.py")], data / "model.log") as model_url:
        print(f"Starting the service, with the deployment {DEPLOYMENT!r} at {model_url}/v1 ...", flush=True)
        command = ["-m", "local_host", "--port", str(options.port), "--data", str(data)]
        with program("The service", command, data / "service.log", BATCH_DEPLOYMENTS=deployments(model_url)) as url:
            key = service_key(data)
            (data / "questions.jsonl").write_bytes(input_file(DEPLOYMENT))
            ask(f"{url}/v1", key, data / "questions.jsonl")
            if options.keep:
                print(NEXT.format(url=url, key=key, data=data), flush=True)
                signal.pause()


NEXT = """
The service stays up until Ctrl-C.
  address   {url}
  key       {key}
  data      {data}  (service.log tells what it does)

Three things to try next, in another terminal, from this folder:

1. Send the questions again. Edit {data}/questions.jsonl first, if you like:

.venv/bin/python - <<'PYTHON'
from openai import OpenAI
client = OpenAI(base_url="{url}/v1", api_key="{key}")
file = client.files.create(file=open("{data}/questions.jsonl", "rb"), purpose="batch")
print(client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h").id)
PYTHON

2. List the batches:

curl -s {url}/v1/batches -H "Authorization: Bearer {key}"

3. The same, as an Azure client asks:

curl -s "{url}/openai/batches?api-version=2024-10-21" -H "api-key: {key}"
"""


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Three questions to a real model, as a batch.")
    parser.add_argument("--keep", action="store_true", help="leave the service up and print what to try next")
    parser.add_argument("--port", type=int, default=0, help="port of the service (default: a free one)")
    parser.add_argument("--data", type=Path, default=Path(".demo"), help="folder for its files (default: .demo)")
    return parser.parse_args(arguments)


def main() -> int:
    chosen = options(sys.argv[1:])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        run(chosen)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 0 if chosen.keep else 130
    except (NotStarted, NotAnswered) as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
