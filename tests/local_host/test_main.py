"""The host as a process: its life, its end by signal and by kill, and what it says when it cannot start."""

import json
import resource
import signal
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import psutil
import pytest

from local_host.http.file_limit import walls_for
from local_host.http.listener import bind
from tests.local_host.host_process import HostProcess, host
from tests.starved import stretched


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def until(url: str, output: object) -> None:
    """Wait for the orchestration at `url` to have completed with `output`."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = httpx.get(url, timeout=60).json()
        if answer["status"] == "Completed":
            assert answer["output"] == output
            return
        time.sleep(0.05)
    raise AssertionError(f"not completed: {answer}")


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def never_answered(url: str) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(url, timeout=60)


def refused(process: HostProcess) -> str:
    """What a host that must not start says: exit code 2, no traceback."""
    assert process.wait() == 2
    said = process.err.read_text()
    assert "Traceback" not in said
    return said


def is_alive(process: psutil.Process) -> bool:
    """A zombie is dead: whoever inherits it here may never ask for its exit code."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_killed_host_goes_on_at_the_next_start(data: Path) -> None:
    """kill -9 in the middle of an orchestration: its workers go with it, and the next host completes it."""
    with host(data) as first:
        url = first.url()
        httpx.post(f"{url}/sample/counts/k", json={"steps": 10, "seconds": 0.1}, timeout=60)
        time.sleep(0.35)
        workers = first.workers()
        assert workers
        first.send(signal.SIGKILL)
        first.wait()
        deadline = time.monotonic() + 60
        while any(is_alive(worker) for worker in workers):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    with host(data) as second:
        until(f"{second.url()}/sample/counts/k", output=10)


def test_a_timer_fires_and_its_client_reaches_the_engine(data: Path, tmp_path: Path) -> None:
    """The timer function runs on schedule, not past due, and counts the one instance."""
    ticks = tmp_path / "ticks"
    with host(data, TICK_SCHEDULE="* * * * * *", TICK_FILE=str(ticks)) as process:
        url = process.url()
        httpx.post(f"{url}/sample/counts/t", json={"steps": 0, "seconds": 0}, timeout=60)
        until(f"{url}/sample/counts/t", output=0)
        ticks.write_text("")
        deadline = time.monotonic() + 60
        while not ticks.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
    assert ticks.read_text().splitlines()[0] == "False 1"


def test_an_activity_reaches_the_engine_through_its_client(data: Path) -> None:
    """An activity with a durable client starts another orchestration, as on the platform."""
    with host(data) as process:
        url = process.url()
        httpx.post(
            f"{url}/sample/counts/c?by=copy_count", json={"steps": 2, "seconds": 0}, timeout=60
        ).raise_for_status()
        until(f"{url}/sample/counts/c", output="c-copy")
        until(f"{url}/sample/counts/c-copy", output=2)


def test_a_terminated_host_finishes_running_requests(data: Path) -> None:
    """SIGTERM: the request under way is answered, the host says that it stops, exit code 0."""
    waits = data.with_suffix(".waits")
    with host(data, WAITS=str(waits)) as process:
        url = process.url()
        answers: list[httpx.Response] = []
        request = threading.Thread(target=lambda: answers.append(httpx.get(f"{url}/sample/wait/1", timeout=60)))
        request.start()
        wait_for(waits)
        process.send(signal.SIGTERM)
        assert process.wait() == 0
        request.join()
        assert answers[0].json() == "waited"
        assert process.err.read_text().startswith("Stopping: ")


def test_a_second_signal_ends_the_host_at_once(data: Path) -> None:
    """What runs is not waited for any more."""
    waits = data.with_suffix(".waits")
    with host(data, WAITS=str(waits)) as process:
        url = process.url()
        request = threading.Thread(target=never_answered, args=(f"{url}/sample/wait/300",))
        request.start()
        wait_for(waits)
        process.send(signal.SIGINT)
        said_soon(process, "Stopping: ")
        began = time.monotonic()
        process.send(signal.SIGINT)
        assert process.wait() == 1
        assert time.monotonic() - began < stretched(2)
        request.join()


def test_every_wrong_setting_is_told_at_once(data: Path) -> None:
    """One line for each problem, naming the setting; nothing is served."""
    with host(data, BATCH_LANES="many", BATCH_DEPLOYMENTS='{"m": {"base_url": "nowhere"}}') as process:
        said = refused(process)
        assert "BATCH_LANES" in said
        assert "BATCH_DEPLOYMENTS['m'].base_url" in said
        assert process.out.read_text() == ""


def test_deployments_come_from_a_file(data: Path, tmp_path: Path) -> None:
    """In place of the setting; the greeting names them."""
    file = tmp_path / "models.toml"
    file.write_text('["from.a.file"]\nbase_url = "http://127.0.0.1:9/v1"\n')
    deployments = '{"of-the-setting": {"base_url": "http://127.0.0.1:9/v1"}}'
    with host(data, "--deployments", str(file), BATCH_DEPLOYMENTS=deployments) as process:
        process.url()
        said = process.out.read_text()
    assert "from.a.file -> http://127.0.0.1:9/v1" in said
    assert "of-the-setting" not in said


def test_a_file_that_is_not_there_is_told_in_one_line(data: Path) -> None:
    """With its whole path, and the option."""
    with host(data, "--deployments", "nowhere.toml") as process:
        said = refused(process)
    assert said.count("\n") == 1
    assert "(--deployments)" in said
    assert str(Path("nowhere.toml").absolute()) in said


def test_for_a_program_every_line_is_json(data: Path) -> None:
    """What the console says, what is logged, and what stops a start."""
    deployments = {"m": {"base_url": "http://127.0.0.1:9/v1"}}
    with host(data, "--log", "json", BATCH_DEPLOYMENTS=json.dumps(deployments)) as process:
        process.url()
        said_soon(process, "Upstream of m")
        process.send(signal.SIGTERM)
        assert process.wait() == 0
        lines = [json.loads(line) for line in process.err.read_text().splitlines()]
    with host(data, "--log", "json", BATCH_LANES="0") as process:
        lines.append(json.loads(refused(process)))
    assert {"at", "level", "message"} <= set.intersection(*(set(line) for line in lines))
    assert {line["level"] for line in lines} == {"INFO", "ERROR"}


def test_a_timer_without_its_setting_is_told(data: Path) -> None:
    """The message names the timer and the setting."""
    with host(data, TICK_SCHEDULE="") as process:
        said = refused(process)
        assert "'tick'" in said
        assert "TICK_SCHEDULE" in said


def test_a_taken_port_is_told_in_one_line(data: Path) -> None:
    """The line names the port and the option."""
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with host(data, "--port", str(port)) as process:
            said = refused(process)
    assert said.count("\n") == 1
    assert str(port) in said
    assert "--port" in said


@pytest.mark.parametrize("name", ["stores.db", "history.db"])
def test_a_damaged_database_ends_the_start_with_a_sentence(data: Path, name: str) -> None:
    """Its name and what to do, in one line."""
    data.mkdir()
    (data / name).write_bytes(b"no database at all" * 1000)
    with host(data) as process:
        said = refused(process)
    assert said.count("\n") == 1
    assert f"{name} is damaged" in said


def test_a_second_host_on_one_data_folder_is_refused(data: Path) -> None:
    """One line that names the folder and the option; the first host is not disturbed."""
    with host(data) as first:
        url = first.url()
        with host(data) as second:
            said = refused(second)
        assert said.count("\n") == 1
        assert str(data) in said
        assert "--data" in said
        assert httpx.get(f"{url}/sample/text", timeout=60).json() == "plain"


def test_a_data_folder_that_is_a_file_is_told_in_one_line(data: Path) -> None:
    """The line names the path and the option."""
    data.write_text("")
    with host(data) as process:
        said = refused(process)
    assert said.count("\n") == 1
    assert str(data) in said
    assert "--data" in said


@pytest.mark.parametrize(
    ("app", "words"), [("tests.local_host.absent", "absent"), ("tests.local_host.host_process", "exactly one")]
)
def test_a_module_that_is_no_app_is_told(data: Path, app: str, words: str) -> None:
    """The message names the module."""
    with host(data, "--app", app) as process:
        said = refused(process)
    assert words in said
    assert app in said


def test_the_key_made_for_the_folder_is_printed(data: Path) -> None:
    """It is the one kept in the folder."""
    with host(data) as process:
        process.url()
        assert (data / "bootstrap-key").read_text().strip() in process.out.read_text()


def test_the_pepper_made_for_the_folder_is_not_printed(data: Path) -> None:
    """It is kept there, for nobody's eyes."""
    with host(data) as process:
        process.url()
        pepper = (data / "key-pepper").read_text().strip().removeprefix("1:")
        assert len(pepper) == 64
        assert pepper not in process.out.read_text() + process.err.read_text()


def test_peppers_that_cannot_be_used_are_told(data: Path) -> None:
    """The host does not start, and no part of them is shown."""
    with host(data, BATCH_KEY_PEPPERS="1:too-short") as process:
        said = refused(process)
    assert "BATCH_KEY_PEPPERS: the secret of '1' cannot be used" in said
    assert "too-short" not in said


def test_a_configured_key_is_not_repeated(data: Path) -> None:
    """BATCH_BOOTSTRAP_KEY is used and not printed, and no other is made."""
    with host(data, BATCH_BOOTSTRAP_KEY="my-own-key") as process:
        process.url()
        assert "my-own-key" not in process.out.read_text()
        assert "the value of BATCH_BOOTSTRAP_KEY" in process.out.read_text()
    assert not (data / "bootstrap-key").exists()


def test_a_configured_digest_is_not_taken_for_the_key(data: Path) -> None:
    """What it says to try next would not work with it."""
    with host(data, BATCH_BOOTSTRAP_KEY=f"sha256:{'0' * 64}") as process:
        process.url()
        said = process.out.read_text()
    assert "the one whose SHA-256 BATCH_BOOTSTRAP_KEY has" in said
    assert "OPENAI_API_KEY=YOUR_KEY" in said


def said_soon(process: HostProcess, words: str) -> str:
    """What is on standard error once `words` are."""
    deadline = time.monotonic() + 60
    while words not in (said := process.err.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert words in said
    return said


def test_upstreams_are_asked_once_after_the_start(data: Path) -> None:
    """Each by one call of its list of models, those alike by one together; the line is what /readyz would say."""
    asked: list[str] = []

    class Upstream(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['Authorization']}")
            self.send_response(401 if "wrong" in str(self.headers["Authorization"]) else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        right, wrong = ({"base_url": url, "api_key": key} for key in ("right", "wrong"))
        with host(
            data, "--workers", "2", BATCH_DEPLOYMENTS=json.dumps({"a": right, "b": right, "c": wrong})
        ) as process:
            process.url()
            said_soon(process, "Upstream of a, b: ok after ")
            said = said_soon(process, "Upstream of c: FAILED after ")
            time.sleep(1)
        server.shutdown()
    assert "The upstream refuses the credential (HTTP 401). Check the deployment's `api_key`" in said
    assert sorted(asked) == ["/v1/models Bearer right", "/v1/models Bearer wrong"]


def test_a_silent_upstream_neither_delays_nor_stops_the_start(data: Path) -> None:
    """It is told after some seconds; the service answers meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        deployments = {"m": {"base_url": f"http://127.0.0.1:{silent.getsockname()[1]}"}}
        with host(data, BATCH_DEPLOYMENTS=json.dumps(deployments)) as process:
            url = process.url()
            assert "Upstream of m" not in process.err.read_text()
            assert httpx.get(f"{url}/sample/text", timeout=60).json() == "plain"
            said_soon(process, "Upstream of m: FAILED after ")
            assert httpx.get(f"{url}/sample/text", timeout=60).json() == "plain"
            process.send(signal.SIGTERM)
            assert process.wait() == 0


def test_the_file_limit_is_raised_for_the_host_and_its_workers(data: Path) -> None:
    """To the hard one, whatever the shell gives."""
    kept = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, kept[1]))
    try:
        with host(data) as process:
            process.url()
            limits = [psutil.Process(process.pid), *process.workers()]
            assert {each.rlimit(psutil.RLIMIT_NOFILE) for each in limits} == {(kept[1], kept[1])}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, kept)


@pytest.mark.parametrize(
    ("files", "connections"), [(256, 64), (4096, 1000), (20_000, 1000), (resource.RLIM_INFINITY, 1000)]
)
def test_connections_leave_files_for_everything_else(files: int, connections: int) -> None:
    """With those that are refused they take half of the files at most."""
    assert walls_for(files).connections == connections
