"""Sees that every unfinished batch has a run that lives: a lost one is started again, a stuck one is ended first.

A run is lost when the process died between inserting the record and starting the orchestration, when it gave up or
failed, or when its history was removed. It is stuck when its messages were lost. Starting it again is safe at any
moment. It reads every unfinished batch, so it records their metrics as well (`survey`).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final

from orchestrators import names
from shared.domain.batches.batch import Batch, RunLost, Status
from shared.domain.batches.restarts import has_to_wait, progress_of
from shared.domain.batches.run_life import signs_of
from shared.domain.batches.wishes import rests
from shared.domain.errors import WrongState
from shared.domain.pace.heartbeat import Heartbeat
from shared.run.batches.change import change, load
from shared.run.batches.orchestrations import Orchestrations, Seen, State, look_at, terminate_all
from shared.run.batches.run_beat import RUNS
from shared.run.batches.start_run import run_input
from shared.run.batches.survey import survey
from shared.run.do_all import do_all
from shared.services import Services
from shared.telemetry import metrics

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=10)  # A batch this young that has no run may be between its insert and its start.
NO_LIFE: Final = "It showed no sign of life; tend_batches starts another run."


async def reconcile_batches(service: Services, client: Orchestrations) -> None:
    """End the stuck runs, start the lost ones."""
    unfinished = [batch async for batch in service.stores.batches.unfinished()]
    beats = await _beats(service, {batch.deployment or RUNS for batch in unfinished} | {RUNS})
    tends = [partial(_tend, service, client, batch, beats[batch.id]) for batch in unfinished]
    await do_all([*tends, partial(survey, service, unfinished)])


async def _beats(service: Services, places: set[str]) -> Mapping[str, Sequence[Heartbeat]]:
    """By batch."""
    found: defaultdict[str, list[Heartbeat]] = defaultdict(list)
    for place in sorted(places):
        for beat in await service.stores.heartbeats.list(place):
            found[beat.batch_id].append(beat)
    return found


async def _tend(service: Services, client: Orchestrations, batch: Batch, beats: Sequence[Heartbeat]) -> None:
    run = await look_at(client, batch.id)
    if run.state is State.ALIVE:
        await _end_if_stuck(service, client, batch, run, beats)
    elif run.state is State.ENDED or service.now() - batch.created_at >= GRACE:
        await _start(service, client, batch, run)


async def _end_if_stuck(
    service: Services, client: Orchestrations, batch: Batch, run: Seen, beats: Sequence[Heartbeat]
) -> None:
    """It then ends within moments, and the next look starts another."""
    now, is_running = service.now(), batch.status is Status.IN_PROGRESS
    is_paused = is_running and rests(batch, now)
    signs = signs_of(run.status, run.turned_at, beats, may_pause=is_running, is_paused=is_paused)
    if service.capacity.runs.is_stuck(batch.id, signs, now):
        extra = {"action": "run_stuck", "batch_id": batch.id, "run_status": run.status}
        log.warning("A run without a sign of life is ended; another one follows.", extra=extra)
        await client.terminate(batch.id, NO_LIFE)


async def _start(service: Services, client: Orchestrations, batch: Batch, run: Seen) -> None:
    newest = await load(service, batch.owner, batch.id)
    if newest is None or newest.is_terminal:  # It has ended since it was listed, and its run with it.
        return
    progress = progress_of(newest.status, await service.stores.chunks.list(batch.id))
    if has_to_wait(newest.restarts, progress, service.now()):
        return
    if run.output == NO_LIFE:  # Its history serves nobody; that of one that failed may tell why.
        await terminate_all(client, names.lanes_of(batch.id), NO_LIFE)  # They lost their messages like the run.
        await client.purge_instance_history(batch.id)
    with suppress(WrongState):  # It has ended this moment.
        newest = await change(service, newest, RunLost(progress=progress))
        await client.start_new(names.RUN_BATCH, batch.id, run_input(batch))
        _tell(newest, run)


def _tell(batch: Batch, run: Seen) -> None:
    metrics.RUN_RESTARTS.record(1, {})
    log.warning("A lost run was started again.", extra={"action": "run_restarted", "batch_id": batch.id})
    if batch.restarts and batch.restarts.are_many:
        log.error(
            "The run of a batch ends every time before the batch gets on.",
            extra={"action": "run_fails", "batch_id": batch.id, "starts": batch.restarts.count, "reason": run.told},
        )
