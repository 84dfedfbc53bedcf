"""A slice of the work of one lane: requests to the upstream, results to the journal, sealed blocks, chunk rows.

One call works for a bounded slice of time. It may be repeated at any moment: it reads the chunk rows and the journals
first and sends only the lines that are missing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.hold_up import deployment_gone, endpoint_gone
from shared.domain.batches.lane_work import work_of_lane
from shared.domain.batches.live_counts import with_progress
from shared.domain.batches.wishes import rests, worked_seconds
from shared.domain.deployments.deployment import Deployment
from shared.domain.errors import Unavailable
from shared.domain.keys.priority import URGENCY
from shared.domain.pace.deadline_risk import Pace, is_at_risk
from shared.domain.pace.fair_share import Claim
from shared.domain.pace.heartbeat import Heartbeat
from shared.domain.pace.lane_room import Place
from shared.domain.pace.run_state import RunState
from shared.run.batches.change import load
from shared.run.batches.orchestrations import Orchestrations
from shared.run.batches.remains import remove_remains
from shared.run.chunks.damage import readable_bytes
from shared.run.chunks.plan import lines_blob, read_plan
from shared.run.lane.lane import Lane
from shared.run.lane.lease import holding
from shared.run.lane.post import Post
from shared.run.lane.surroundings import AskRun, asking
from shared.run.projects import find_project
from shared.run.usage.spending import settle, stopping_payers
from shared.services import Services, services

DONE = {"done": True, "wait": 0.0, "waited": 0.0}
NAP_SECONDS = 15.0  # A pause is slept in naps: at the end of each the lane sees whether its batch was cancelled.

SHOWN_SECONDS = 4 * NAP_SECONDS  # So long a lane's word holds that waits for its operator; it is renewed every nap.


async def work_lane(input: dict, client: Orchestrations | None = None) -> dict[str, Any]:
    """Input: `{"owner", "batch_id", "run", "lane", "lanes", "waited"}`; `client` tells what has become of the run.

    Returns `{"done", "wait", "waited"}`: unless the lane is done, call again after `wait` seconds, with this `waited`.
    A long pause takes several calls.
    """
    service = services()
    batch = await load(service, input["owner"], input["batch_id"])
    if batch is None or batch.status is not Status.IN_PROGRESS:
        return DONE
    waited = input.get("waited", 0.0)
    if rest := await _rest_of_pause(service, batch, input["lane"], waited):
        return _again(rest, waited)
    ask_run = asking(client, input)
    if (run := await ask_run()) is not RunState.GO_ON:
        return DONE if run is RunState.END else _again(NAP_SECONDS, waited)
    if await _is_paused(service, batch):
        return _again(NAP_SECONDS, waited)
    deployment = service.settings.deployments.get(batch.deployment or "")
    if deployment is None or batch.endpoint not in deployment.endpoints:
        return await _wait_for_operator(service, batch, deployment, input["lane"], waited)
    with _entered(service, batch) as place, holding() as holder:
        if isinstance(place, float):
            return _again(place, waited)
        lane, lanes = input["lane"], input["lanes"]
        claim = await _claim(service, batch)
        post = Post(batch=batch, deployment=deployment, lane=lane, lanes=lanes, holder=holder, place=place, claim=claim)
        return await _work(service, post, ask_run, waited)


async def _is_paused(service: Services, batch: Batch) -> bool:
    """With something left to begin, and time for it. No beat tells of it: that could take the lane from another."""
    if not rests(batch, service.now()):
        return False
    return sum(row.finished for row in await service.stores.chunks.list(batch.id)) < batch.total


async def _wait_for_operator(
    service: Services, batch: Batch, deployment: Deployment | None, lane: int, waited: float
) -> dict[str, Any]:
    """What was changed in the settings may be changed back at any moment, by a restart of this process."""
    if (deadline := batch.deadline()) and service.now() >= deadline:
        return DONE  # Nothing can run any more: finish_batch expires what is left.
    name, now = batch.deployment or "", service.now()
    reason = endpoint_gone(name, batch.endpoint) if deployment else deployment_gone(name)
    until = now + timedelta(seconds=SHOWN_SECONDS)
    await service.stores.heartbeats.beat(
        Heartbeat(deployment=name, batch_id=batch.id, lane=lane, at=now, paused_until=until, reason=reason)
    )
    return _again(NAP_SECONDS, waited)


async def _claim(service: Services, batch: Batch) -> Claim:
    """What the batch may ask of its deployment beside others, by its project's weight as it is now."""
    project = await find_project(service, batch.owner)
    weight = project.weight if project else 1
    return Claim(project=batch.owner, weight=weight, urgency=URGENCY[batch.priority])


def _with_deadline(service: Services, claim: Claim, batch: Batch) -> Claim:
    """Whether its deadline is at risk, by the counts of the `batch` as they are now."""
    done, now = batch.completed + batch.failed, service.now()
    pace = Pace(
        done=done,
        left=batch.total - done,
        elapsed_seconds=worked_seconds(batch, now),
        remaining_seconds=batch.remaining_seconds(now),
        slice_seconds=service.settings.slice_seconds,
    )
    return msgspec.structs.replace(claim, due=batch.deadline() if is_at_risk(pace) else None, at=now)


@contextmanager
def _entered(service: Services, batch: Batch) -> Iterator[Place | float]:
    """A place in this process, for as long as the block takes; or the seconds after which to ask for one again."""
    place = service.capacity.room.enter(batch.id, time.monotonic(), batch.owner)
    try:
        yield place
    finally:
        if isinstance(place, Place):
            service.capacity.room.leave(place)


async def _work(service: Services, post: Post, ask_run: AskRun, waited: float) -> dict[str, Any]:
    batch = post.batch
    plan = await read_plan(service.stores.blobs, batch)
    source = lines_blob(batch, plan)
    size = await readable_bytes(service, source)
    rows = {row.index: row for row in await service.stores.chunks.list(batch.id)}
    there = [chunk for chunk in plan.chunks if chunk.start + chunk.length <= size] if plan else ()
    with suppress(Unavailable):  # What a lane could not settle, the end of the batch does.
        await settle(service, batch, rows.values())
    work = work_of_lane(there, rows, post.lane, post.lanes)  # What is gone, finish_batch ends.
    if not (work.own or work.others):
        return DONE
    claim = _with_deadline(service, post.claim, with_progress(batch, list(rows.values())))
    post = replace(post, claim=claim, source=source, payers=await stopping_payers(service, batch))
    progress = await Lane(service, post, work, ask_run=ask_run, waited_seconds=waited).run()
    newest = await load(service, batch.owner, batch.id)
    if newest is None or newest.is_terminal:  # This call was one too many; nobody tidies up after it.
        await remove_remains(service, batch)
        return DONE
    return DONE if progress.done else _again(progress.wait_seconds, progress.waited_seconds)


def _again(wait_seconds: float, waited_seconds: float) -> dict[str, Any]:
    return {"done": False, "wait": round(min(wait_seconds, NAP_SECONDS), 3), "waited": waited_seconds}


async def _rest_of_pause(service: Services, batch: Batch, lane: int, waited: float) -> float:
    stored = await service.stores.heartbeats.get(batch.deployment or "", batch.id, lane)
    return stored.value.rest_of_pause(service.now(), batch.deadline(), sick=waited > 0) if stored else 0.0
