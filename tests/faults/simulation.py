"""One batch on a bad day, from `validating` to its end, in virtual time; and what must be true afterwards.

A `Day` says what goes wrong; everything else follows from its seed. `simulate` runs it and returns what is left in the
stores and what the upstream was asked; `Aftermath.check` holds that against what Durable Batch promises.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from orchestrators import names
from shared.domain.batches.batch import Batch, CancelRequested, Event, Status, apply
from shared.domain.batches.spending import model_account, organization_account, project_account
from shared.domain.batches.wishes import PauseWished, ResumeWished
from shared.domain.deployments.deployment import Deployment, Target
from shared.domain.deployments.price import Price, Rates, Step, cost_of
from shared.domain.errors import WrongState
from shared.domain.files.file import File, upload_blob
from shared.domain.ids import new_id
from shared.domain.keys.organization import Organization
from shared.domain.keys.project import Project
from shared.domain.lines.prefix_key import LEAST_BYTES
from shared.domain.usage.ledger import LedgerRow, Rollup, Tally, Width, total
from shared.domain.usage.spend_limit import PICOS_PER_CENT, SpendLimit, first_day
from shared.domain.vendors.vendor import Vendor
from shared.ports.spending import Amount, LimitReached
from shared.ports.stores import Stores
from shared.run.chunks.plan import read_all
from shared.services import Services, use
from shared.settings import Settings
from tests.faults import virtual_time
from tests.faults.durable_runs import DurableRuns
from tests.faults.faulting_stores import Faulting, Moment, Weather, in_weather
from tests.faults.memory_stores import memory_stores
from tests.faults.processes import Killed, Process, current, watch_tasks
from tests.faults.upstream import BREAKS, Outage, Upstream, is_rejected
from timers.roll_up_usage import roll_up_usage
from timers.settle_usage import settle_owed_usage
from timers.sweep_orphans import sweep_orphans

BEGIN = datetime(2026, 11, 22, 10, tzinfo=UTC)
OWNER = "default"
STOPPED = "project_spend_limit_exceeded"
PAUSED_SECONDS = 100.0
LONGEST_SECONDS = 14 * 86_400.0
C = PICOS_PER_CENT
PRICE = Price(
    rates=Rates(input=2 * C, output=5 * C),
    steps=(Step(above_input_tokens=7, rates=Rates(input=3 * C, output=7 * C)),),
)


def _picos(number: int) -> int:
    """What line `number` costs: it sends as many tokens and gets one."""
    return C * (number * 2 + 5 if number <= 7 else number * 3 + 7)


@dataclass(frozen=True, kw_only=True)
class Day:
    """What there is to do and what goes wrong. Times in seconds after the start, shares from 0 to 1.

    `ledger_down`: the store of usage takes nothing until the batch has ended. `kill_at`, `cancel_moments`, `late_moments` are moments in the sequence of store calls; `jumps` are (when, by how
    much) the clock is set; `expires_after` is the deadline. `cursed` are lines that never get an answer, by
    number; `odd_lines` are written as nobody would; prompts begin in one of so many `prefixes` that are worth a leader,
    three neighbours alike or, `scattered`, none.
    `limit` and `model_limit` are the project's, `organization_limit` is that of all: they stop batches. `others` are other
    projects' batches: (so long after the one before, cents).
    """

    seed: int
    lines: int = 24
    chunk_lines: int = 5
    lanes: int = 2
    concurrency: int = 4
    journal_results: int = 2
    kept_result_bytes: int = 16_777_216
    vendor: Vendor = Vendor.OPENAI
    workers: int = 2
    latency_seconds: float = 1.0
    slice_seconds: float = 240.0
    request_seconds: float = 600.0
    upstream_faults: float = 0.0
    outages: tuple[Outage, ...] = ()
    targets: tuple[tuple[Outage, ...], ...] = ()
    per_minute: int = 0
    cursed: Mapping[int, str] = field(default_factory=dict)
    odd_lines: bool = False
    prefixes: int = 0
    scattered: bool = False
    weather: Mapping[str, Any] = field(default_factory=dict)
    ledger_down: bool = False
    twice: float = 0.0
    twin_after: float = 0.0
    cut: float = 0.0
    impatient: bool = False
    kill_moments: tuple[Moment, ...] = ()
    kills_at: tuple[float, ...] = ()
    cancel_moments: tuple[Moment, ...] = ()
    cancel_after: float | None = None
    pause_moments: tuple[Moment, ...] = ()
    expiry_moments: tuple[Moment, ...] = ()
    expires_after: float = 86_400.0
    jumps: tuple[tuple[float, float], ...] = ()
    limit: SpendLimit | None = None
    model_limit: SpendLimit | None = None
    organization_limit: SpendLimit | None = None
    others: tuple[tuple[float, int], ...] = ()

    @property
    def limits(self) -> dict[str, SpendLimit | None]:
        """By account."""
        return {
            project_account("USD", OWNER): self.limit,
            model_account("USD", OWNER, "m"): self.model_limit,
            organization_account("USD"): self.organization_limit,
        }

    @property
    def has_twins(self) -> bool:
        """Whether an activity may run beside its own repetition, and outlive its batch.

        What such a one stages for the result files is never committed; stores drop it after a week.
        """
        return self.twice > 0 or self.impatient

    @property
    def is_fair(self) -> bool:
        """Whether nothing keeps the end of the batch from tidying up."""
        return not self.weather and not self.has_twins and not self.cut


@dataclass(kw_only=True)
class Clock:
    """The service's clock: loop time and what it was set forward or back."""

    offset: float = 0.0

    def __call__(self) -> datetime:
        return BEGIN + timedelta(seconds=asyncio.get_running_loop().time() + self.offset)


@dataclass(kw_only=True)
class Aftermath:
    """What a day leaves behind."""

    day: Day
    batch: Batch
    output: list[dict[str, Any]]
    error: list[dict[str, Any]]
    blobs: set[str]
    uncommitted: dict[str, list[str]]
    files: set[str]
    unswept: list[str]
    unsweepable: list[str]
    upstream: Upstream
    runs: DurableRuns
    store_calls: int
    store_faults: Counter[str]
    seconds: float
    surprises: list[str]
    owed: bool
    ledger: list[LedgerRow]
    rolled_up: list[Tally]
    accounts: dict[str, dict[date, int]]
    spent_elsewhere: int

    @property
    def paid_again(self) -> int:
        """Requests whose answer was thrown away."""
        return self.upstream.paid.total() - len(self.upstream.paid)

    @property
    def interruptions(self) -> int:
        """Each may cost what was in flight or unwritten: kills, and slices that failed or were cut."""
        failed = [count for what, count in self.runs.failures.items() if what.startswith(names.WORK_LANE)]
        return self.runs.kills + sum(failed)

    @property
    def bound(self) -> int:
        """For each interruption what is in flight, and for each lane two groups of the journal (ARCHITECTURE.md)."""
        day = self.day
        return self.interruptions * (max(day.concurrency, day.lanes) + day.lanes * 2 * day.journal_results)

    def check(self) -> None:
        """Raises AssertionError, naming the day."""
        for problem in (
            *self._record(),
            *self._lines(),
            *self._faults(),
            *self._ledger(),
            *self._budget(),
            *self._remains(),
        ):
            raise AssertionError(f"{problem}\n{self.day}")

    def _record(self) -> list[str]:
        batch, problems = self.batch, []
        ended = {Status.COMPLETED}
        if self.day.cancel_after is not None or self.day.cancel_moments:
            ended.add(Status.CANCELLED)
        if any(self.day.limits.values()):
            ended |= {Status.CANCELLED, Status.FAILED} if self.batch.errors else set()
        if self.batch.deadline() and (self.day.expires_after < 86_400 or self.day.expiry_moments or self.day.jumps):
            ended.add(Status.EXPIRED)
        if batch.status not in ended:
            problems.append(f"the batch is {batch.status}")
        counts = (batch.completed, batch.failed)
        ran = [line for line in self.error if line["error"] is None or not _never_ran(line)]
        if counts != (len(self.output), len(ran)):
            problems.append(f"counts {counts}, but {len(self.output)} output and {len(ran)} error lines ran")
        numbers = [int(line["custom_id"][1:]) for line in self.output]
        used = sum(numbers), len(self.output)
        if (batch.usage.input_tokens, batch.usage.output_tokens) != used:
            problems.append(f"usage {batch.usage}, but the lines used {used}")
        cost = sum(map(_picos, numbers))
        if batch.price is not None and cost_of(batch.usage, batch.price) != cost:
            problems.append(f"it cost {cost_of(batch.usage, batch.price)} picos, its lines {cost}")
        if problems or not batch.total:
            return problems
        if batch.total != self.day.lines:
            problems.append(f"total is {batch.total}")
        if batch.status is Status.COMPLETED and sum(counts) != batch.total:
            problems.append(f"completed with counts {counts}")
        return problems

    def _lines(self) -> list[str]:
        wanted = [f"c{number}" for number in range(1, self.day.lines + 1)] if self.batch.total else []
        problems = []
        found = [line["custom_id"] for line in self.output + self.error]
        if sorted(found) != sorted(wanted):
            problems.append(f"{len(wanted)} lines were owed, {len(found)} came, {len(set(found))} of them distinct")
        for name, lines in (("output", self.output), ("error", self.error)):
            numbers = [int(line["custom_id"][1:]) for line in lines]
            if numbers != sorted(numbers):
                problems.append(f"the {name} file is not in input order")
        if rejected := [line for line in self.output if is_rejected(int(line["custom_id"][1:]))]:
            problems.append(f"{len(rejected)} rejected lines are in the output file")
        codes = {line["error"]["code"] for line in self.error if _never_ran(line)}
        allowed = {Status.CANCELLED: {"batch_cancelled", "batch_expired"}, Status.EXPIRED: {"batch_expired"}}
        if self.batch.errors:
            allowed = {Status.CANCELLED: {STOPPED}}
        if not codes <= allowed.get(self.batch.status, set()):
            problems.append(f"lines that never ran say {codes} in a batch that is {self.batch.status}")
        return problems

    def _faults(self) -> list[str]:
        """A line fails only for its own fault, and is asked no more often than its limit."""
        day, settings = self.day, Settings()
        failed = {int(line["custom_id"][1:]) for line in self.error if not _never_ran(line)}
        own = {number for number in range(1, day.lines + 1) if is_rejected(number)} | day.cursed.keys()
        problems = []
        if not day.upstream_faults and failed - own:
            problems.append(f"lines {sorted(failed - own)} failed for no fault of theirs")
        for number, curse in day.cursed.items():
            limit = {"refusing": settings.max_throttled_attempts, BREAKS: 1}.get(curse, settings.max_attempts)
            asked = self.upstream.asked[f"p{number}"]
            if asked > limit * (1 + self.interruptions) and not day.outages:
                problems.append(f"line {number} ({curse}) was asked {asked} times")
        return problems

    def _ledger(self) -> list[str]:
        """It has what a recount over the files finds, to the last token; so have the rollups."""
        used = [line["response"]["body"]["usage"] for line in self.output]
        ran = [line for line in self.error if not _never_ran(line)]
        tokens = (sum(each["prompt_tokens"] for each in used), sum(each["completion_tokens"] for each in used))
        recount = (len(self.output), len(ran), *tokens)
        chunks = [row.chunk for row in self.ledger]
        problems = []
        if len(chunks) != len(set(chunks)):
            problems.append(f"the ledger has chunks {sorted(chunks)}")
        for name, tallies in (("ledger", [row.tally for row in self.ledger]), ("rollups", self.rolled_up)):
            amounts = total([tally.amounts for tally in tallies])
            usage = amounts.usage
            if (amounts.completed, amounts.failed, usage.input_tokens, usage.output_tokens) != recount:
                problems.append(f"the {name} have {amounts}, the files {recount}")
        return problems

    def _budget(self) -> list[str]:
        """Accounts have what the lines cost, to the last pico, and no window more than its limit and what was in flight."""
        numbers = [int(line["custom_id"][1:]) for line in self.output]
        cost, problems = sum(map(_picos, numbers)), []
        for account, limit in self.day.limits.items():
            balances = self.accounts[account]
            elsewhere = self.spent_elsewhere if account == organization_account("USD") else 0
            if self.batch.price is not None and sum(balances.values()) != cost + elsewhere:
                problems.append(f"{account} has {balances}, the lines cost {cost}, others {elsewhere}")
            for day in balances if limit else ():
                problems += self._overshoot(limit, first_day(limit.interval, day), balances)
        return problems

    def _overshoot(self, limit: SpendLimit, first: date, balances: Mapping[date, int]) -> list[str]:
        spent = sum(picos for day, picos in balances.items() if first_day(limit.interval, day) == first)
        at_once = max(self.day.concurrency, self.day.lanes, self.upstream.most_in_flight)
        in_flight = 2 * at_once  # Each lane has what it had when it asked last; meanwhile shares move between lanes.
        most = limit.picos + in_flight * max(map(_picos, range(1, self.day.lines + 1)))
        return [f"{spent / C} cents were spent since {first}, up to {most / C} were allowed"] if spent > most else []

    def _remains(self) -> list[str]:
        ids = {file_id for file_id in (self.batch.output_file_id, self.batch.error_file_id) if file_id}
        kinds = {"output": self.batch.output_file_id, "error": self.batch.error_file_id}
        blobs = {f"results/{self.batch.id}/{kind}" for kind, file_id in kinds.items() if file_id}
        checks = (
            ("blobs", self.blobs - {self.batch.input_blob}, blobs),
            ("files", self.files - {self.batch.input_file_id}, ids),
            ("remains after the sweep", self.unsweepable, []),
            ("surprises", self.surprises, []),
            *([] if self.day.has_twins else [("uncommitted blocks", self.uncommitted, {})]),
            *([("remains", self.unswept, [])] if self.day.is_fair else []),
        )
        return [f"{what}: {found}, expected {wanted}" for what, found, wanted in checks if found != wanted]


def _never_ran(line: Mapping[str, Any]) -> bool:
    error = line["error"]
    return error is not None and error.get("code") in ("batch_cancelled", "batch_expired", STOPPED)


def simulate(day: Day) -> Aftermath:
    """Live through the day."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    random.seed(day.seed)
    try:
        return virtual_time.run(lambda: _Simulation(day).run())
    finally:
        logging.disable(before)


class _Simulation:
    def __init__(self, day: Day) -> None:
        self._day = day
        self._dice = Random(day.seed)
        self._clock = Clock()
        self._stores = memory_stores()
        self._weather = Weather(dice=Random(self._dice.random()), events=self._events(), **day.weather)
        self._ledger_weather = replace(self._weather, before=1.0) if day.ledger_down else self._weather
        self._upstream = Upstream(
            dice=Random(self._dice.random()),
            latency_seconds=day.latency_seconds,
            faults=day.upstream_faults,
            cursed=day.cursed,
            outages=day.outages,
            targets=day.targets,
            per_minute=day.per_minute,
        )
        self._runs = DurableRuns(
            now=self._clock,
            dice=Random(self._dice.random()),
            workers=day.workers,
            twice=day.twice,
            twin_after=day.twin_after,
            cut=day.cut,
            impatient=day.impatient,
        )
        self._batch = self._new_batch()
        self._stores.projects.project = self._project()
        if day.organization_limit:
            self._stores.organization.organization = Organization(spend_limit=day.organization_limit)
        self._spent_elsewhere = 0
        self._surprises: list[str] = []

    def _events(self) -> dict[Moment, Callable[[], None]]:
        return {
            **dict.fromkeys(self._day.kill_moments, lambda: self._runs.kill(current())),
            **dict.fromkeys(self._day.cancel_moments, self._cancel),
            **dict.fromkeys(self._day.pause_moments, self._pause),
            **dict.fromkeys(self._day.expiry_moments, lambda: self._set_clock(2 * 86_400.0)),
        }

    def _new_batch(self) -> Batch:
        file_id = new_id(BEGIN, bytes(10))
        return Batch(
            id=new_id(BEGIN, b"\1" * 10),
            owner=OWNER,
            vendor=self._day.vendor,
            endpoint="/v1/chat/completions",
            input_file_id=file_id,
            input_blob=upload_blob(file_id),
            completion_window="24h",
            created_at=BEGIN,
            expires_at=BEGIN + timedelta(seconds=self._day.expires_after),
        )

    def _project(self) -> Project | None:
        if not (self._day.limit or self._day.model_limit):
            return None
        models = {"m": self._day.model_limit} if self._day.model_limit else {}
        return Project(id=OWNER, name="Team", created_at=BEGIN, spend_limit=self._day.limit, model_spend_limits=models)

    def _services(self) -> Services:
        deployment = Deployment(
            name="m",
            base_url="http://upstream",
            max_concurrency=self._day.concurrency,
            requests_per_minute=self._day.per_minute or None if not self._day.targets else None,
            request_timeout_seconds=self._day.request_seconds,
            price=PRICE,
            targets=tuple(
                Target(
                    name="m",
                    target=str(number),
                    base_url=f"http://t{number}",
                    max_concurrency=max(1, self._day.concurrency // len(self._day.targets)),
                    requests_per_minute=self._day.per_minute or None,
                    request_timeout_seconds=self._day.request_seconds,
                )
                for number in range(len(self._day.targets))
            ),
        )
        settings = Settings(
            deployments={"m": deployment},
            chunk_lines=self._day.chunk_lines,
            lanes=self._day.lanes,
            slice_seconds=self._day.slice_seconds,
            journal_results=self._day.journal_results,
            kept_result_bytes=self._day.kept_result_bytes,
            spend_limit_stops=True,
            expected_output_tokens=1,
        )
        return Services(
            settings=settings,
            stores=self._stores_today(),
            upstream=self._upstream,
            webhook_sender=None,  # No endpoint is told of the batch.
            now=self._clock,
        )

    def _stores_today(self) -> Stores:
        stores = in_weather(self._stores, self._weather)
        return replace(stores, usage=Faulting(self._stores.usage, self._ledger_weather))

    async def run(self) -> Aftermath:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._surprised)
        watch_tasks(loop)
        await self._upload()
        for when in self._day.kills_at:
            loop.call_later(when, lambda: self._runs.kill(self._dice.choice(self._runs.processes)))
        for when, by in self._day.jumps:
            loop.call_later(when, self._set_clock, by)
        if self._day.cancel_after is not None:
            loop.call_later(self._day.cancel_after, self._cancel)
        run = {"owner": OWNER, "batch_id": self._batch.id}
        with use(self._services()):
            elsewhere = asyncio.ensure_future(self._spend_elsewhere())
            async with asyncio.timeout(LONGEST_SECONDS):
                await self._runs.run_to_end(names.RUN_BATCH, run, self._is_over)
            elsewhere.cancel()
            calls, unswept = self._weather.calls, await self._remains()
            owed = self._stores.batches.now(OWNER, self._batch.id).usage_owed
            await self._sweep()
        return await self._aftermath(calls, unswept, owed=owed)

    async def _spend_elsewhere(self) -> None:
        """Batches of other projects: each has what it costs if the organization's limit has room for it."""
        limit, spending = self._day.organization_limit, self._stores.spending
        for number, (after, cents) in enumerate(self._day.others if limit else ()):
            await asyncio.sleep(after)
            account, today = organization_account("USD"), self._clock().date()
            balances = await spending.balances(account, first_day(limit.interval, today), today)
            with suppress(LimitReached):
                amount, most = Amount(cents * C, 1), limit.left(balances, today)
                await spending.put(account, today, f"other {number}", amount, most=most)
                self._spent_elsewhere += cents * C

    async def _remains(self) -> list[str]:
        """What the end of the batch should have taken with it."""
        blobs = [name for prefix in ("plans/", "journals/") async for name in self._stores.blobs.names(prefix)]
        return [*blobs, *(f"heartbeat of lane {beat.lane}" for beat in await self._stores.heartbeats.list("m"))]

    async def _sweep(self) -> None:
        """The nights after, in fair weather: the first notes what no record names, one a month later removes it."""
        self._weather.clear_up()
        self._ledger_weather.clear_up()
        for days in (2, 31):
            self._set_clock(days * 86_400.0)
            await Process().begin(settle_owed_usage(self._services()))
            await Process().begin(roll_up_usage(self._services()))
            await Process().begin(sweep_orphans(self._services()))

    async def _upload(self) -> None:
        write = odd_line if self._day.odd_lines else request_line
        alike = 1 if self._day.scattered else 3
        data = b"".join(write(number, self._day.prefixes, alike) for number in range(1, self._day.lines + 1))
        batch = self._batch
        await self._stores.blobs.stage_block(batch.input_blob, "0", data)
        await self._stores.blobs.commit_blocks(batch.input_blob, ["0"])
        await self._stores.files.insert(
            File(
                id=batch.input_file_id,
                owner=OWNER,
                filename="in.jsonl",
                purpose="batch",
                bytes=len(data),
                created_at=BEGIN,
                expires_at=None,
                blob=batch.input_blob,
            )
        )
        await self._stores.batches.insert(batch)

    def _set_clock(self, by: float) -> None:
        self._clock.offset += by

    def _record(self) -> Batch:
        """The record as it is at this moment."""
        return self._stores.batches.now(OWNER, self._batch.id)

    def _is_over(self) -> bool:
        return self._record().is_terminal

    def _cancel(self) -> None:
        self._wish(CancelRequested())

    def _pause(self) -> None:
        self._wish(PauseWished())
        asyncio.get_running_loop().call_later(PAUSED_SECONDS, self._wish, ResumeWished())

    def _wish(self, wish: Event) -> None:
        """The caller's; all in one moment, as the one compare-and-swap of it is."""
        with suppress(WrongState):
            self._stores.batches.set_now(apply(self._record(), wish, self._clock()))

    def _surprised(self, _: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, Killed):
            self._surprises.append(f"{context['message']}: {error!r}")

    async def _aftermath(self, calls: int, unswept: list[str], *, owed: bool) -> Aftermath:
        batch = self._record()
        return Aftermath(
            day=self._day,
            batch=batch,
            output=await self._result_lines(batch.output_file_id),
            error=await self._result_lines(batch.error_file_id),
            blobs={name async for name in self._stores.blobs.names("")},
            uncommitted=self._stores.blobs.uncommitted(),
            files={file.id async for file in self._stores.files.every()},
            unswept=unswept,
            unsweepable=await self._remains(),
            upstream=self._upstream,
            runs=self._runs,
            store_calls=calls,
            store_faults=self._weather.faults,
            seconds=asyncio.get_running_loop().time(),
            surprises=self._surprises,
            owed=owed,
            spent_elsewhere=self._spent_elsewhere,
            ledger=self._stores.usage.all_rows(),
            accounts={
                account: self._stores.spending.now(account)
                for account in (
                    project_account("USD", OWNER),
                    model_account("USD", OWNER, "m"),
                    organization_account("USD"),
                )
            },
            rolled_up=[tally async for rollup in self._days() for tally in rollup.tallies],
        )

    def _days(self) -> AsyncIterator[Rollup]:
        return self._stores.usage.rollups(Width.DAY, BEGIN - timedelta(days=1), BEGIN + timedelta(days=60))

    async def _result_lines(self, file_id: str | None) -> list[dict[str, Any]]:
        file = await self._stores.files.get(OWNER, file_id) if file_id else None
        data = await read_all(self._stores.blobs, file.blob) if file else b""
        return [msgspec.json.decode(line) for line in data.splitlines()]


def request_line(number: int, prefixes: int = 0, alike: int = 3) -> bytes:
    """Line `number`: custom_id `c<number>`, prompt `p<number>`; before it one of so many prefixes, for `alike` lines."""
    before = [{"role": "system", "content": f"{number // alike % prefixes}" * LEAST_BYTES}] if prefixes else []
    body = {"model": "m", "messages": [*before, {"role": "user", "content": f"p{number}"}]}
    line = {"custom_id": f"c{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
    return msgspec.json.encode(line) + b"\n"


def odd_line(number: int, prefixes: int = 0, alike: int = 3) -> bytes:
    """The same, as nobody would write it: keys twice, escapes, white space, unknown fields."""
    line = request_line(number, prefixes, alike).strip()
    odd = (
        b'{"custom_id": 5, ' + line[1:],
        b'{"url": null, "method": [], "body": 1, ' + line[1:],
        b" \t" + line.replace(b'"c', b'"\\u0063') + b"\r",
        b'{"extra": {"custom_id": "x"}, ' + line[1:],
        line.replace(b'"model"', b'"model":"other","model"'),
    )
    return odd[number % len(odd)] + b"\n"
