"""What an operator may press on a run in Azure's own host, and what becomes of the batch: docs/operations.md has the table."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from openai.types import Batch

from bench.programs import Mock, chat_line, jsonl
from tests.azure_host.conftest import Instances, running
from tests.azure_host.instance import WEBHOOKS, Instance
from tests.azure_host.test_short_work import until
from tests.starved import stretched

LINES = 4_000
REACHES_SECONDS = 15.0
TENDED_SECONDS = 25.0  # The timer looks every 15 seconds; a new run takes some more to begin.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def cluster(azure_host: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mock, Instances]]:
    with running(tmp_path_factory.mktemp("operators")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def service(cluster: tuple[Mock, Instances]) -> Instance:
    instance = cluster[1](deployment={"max_concurrency": 16})
    instance.start()
    return instance


@pytest.fixture
def batch_id(service: Instance, upstream: Mock) -> str:
    """A batch in the middle of its lines."""
    upstream.reset()
    batch_id = service.create(service.upload(jsonl(*(chat_line(number) for number in range(LINES)))))
    until(lambda: upstream.stats()["requests"] > 300)
    return batch_id


@pytest.fixture
def run(batch_id: str) -> str:
    """The instance id of its run."""
    return batch_id.removeprefix("batch_")


def lanes(service: Instance, run: str) -> dict[str, str]:
    """Status by instance id."""
    params = {"code": "local", "instanceIdPrefix": f"{run}:lane:"}
    found = httpx.get(f"{service.url}{WEBHOOKS}", params=params, timeout=30).json()
    return {one["instanceId"]: one["runtimeStatus"] for one in found}


def completes(service: Instance, upstream: Mock, batch_id: str) -> None:
    """Every line once, in order, and none asked twice."""
    batch = service.wait(batch_id, seconds=240)
    assert ("completed", LINES) == (batch.status, batch.request_counts.completed)
    assert [f"c{number}" for number in range(LINES)] == [it["custom_id"] for it in service.lines(batch.output_file_id)]
    stats = upstream.stats()
    assert stats["requests"] == stats["distinct_prompts"]


def test_terminate(service: Instance, batch_id: str, run: str, upstream: Mock) -> None:
    """The run's lanes end within 15 s; the run is started again, under lanes of other ids, and completes."""
    old = set(lanes(service, run))
    assert 202 == service.manage("terminate", run).status_code
    ended = until(
        lambda: not {lanes(service, run)[lane] for lane in old} & {"Running", "Pending"}, stretched(REACHES_SECONDS) + 5
    )
    begun = ended + until(lambda: set(lanes(service, run)) > old, stretched(TENDED_SECONDS))
    print(f"\nthe lanes ended after {ended:.1f} s, others began after {begun:.1f} s")

    assert ended < stretched(REACHES_SECONDS)
    completes(service, upstream, batch_id)


def test_suspend_and_resume(service: Instance, batch_id: str, run: str, upstream: Mock) -> None:
    """Within 15 s the lanes send nothing more, and the batch says why; resumed, it goes on by itself."""
    assert 202 == service.manage("suspend", run).status_code
    quiet = until(lambda: _is_quiet(upstream), stretched(REACHES_SECONDS) + 5)
    with service.openai as client:
        held_up = client.batches.retrieve(batch_id).to_dict()["progress"]["held_up"]
    assert 202 == service.manage("resume", run).status_code
    went_on = until(lambda: not _is_quiet(upstream), 240)
    print(f"\nquiet after {quiet:.1f} s, at work {went_on:.1f} s after the resume: {held_up['reason']}")

    assert quiet < stretched(REACHES_SECONDS)
    assert "suspended" in held_up["reason"]
    completes(service, upstream, batch_id)


def _is_quiet(upstream: Mock) -> bool:
    before = upstream.stats()["requests"]
    time.sleep(1.0)
    return bool(upstream.stats()["requests"] == before)


def test_a_caller_pauses_and_resumes(service: Instance, batch_id: str, upstream: Mock) -> None:
    """Soon nothing is sent any more, and the run is none the worse; resumed, it goes on by itself."""
    with service.openai as client:
        paused = client.post(f"/batches/{batch_id}/pause", cast_to=Batch)
        until(lambda: _is_quiet(upstream), 60)
        held_up = client.batches.retrieve(batch_id).to_dict()["progress"]["held_up"]
        client.post(f"/batches/{batch_id}", body={"priority": "high"}, cast_to=Batch)
        resumed = client.post(f"/batches/{batch_id}/resume", cast_to=Batch)

    assert ("in_progress", "in_progress", "high") == (paused.status, resumed.status, resumed.to_dict()["priority"])
    assert "paused by its caller" in held_up["reason"]
    completes(service, upstream, batch_id)


def test_what_is_refused_while_it_runs(service: Instance, batch_id: str, run: str, upstream: Mock) -> None:
    """Purge, rewind and restart of a run at work are refused, and the batch is none the worse."""
    refused = {"purge": 412, "rewind": 412, "restart": 409}
    assert refused == {act: service.manage(act, run, restartWithNewInstanceId="false").status_code for act in refused}
    completes(service, upstream, batch_id)
    assert service.manage("rewind", run).status_code >= 400  # A run that completed cannot be rewound either.


def test_a_lane_is_terminated(service: Instance, batch_id: str, run: str, upstream: Mock) -> None:
    """Its chunks go to the other lanes, or to the run's next ones."""
    assert 202 == service.manage("terminate", min(lanes(service, run))).status_code
    completes(service, upstream, batch_id)


def test_a_second_run(service: Instance, batch_id: str, run: str, upstream: Mock) -> None:
    """Restarted under a new id, a second run works beside the first one's lanes: nothing is asked twice."""
    assert 202 == service.manage("restart", run).status_code
    completes(service, upstream, batch_id)
