"""What a lane bills: each answer at the rates of its own request, summed in rows, journals and the record."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import msgspec

from shared.answer_room import ResultMemory
from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import ChunkRow
from shared.domain.deployments.price import Price, Rates, cost_of
from shared.domain.deployments.price_setting import read_price
from shared.domain.usage.money import PICOS
from shared.domain.usage.usage import LongUsage, Usage
from shared.ports.blobs import BlobStore
from shared.run.chunks.journal import Entry, Journal
from shared.services import use
from tests.run.conftest import World, answer
from tests.run.test_lane import run_to_end

PRICE, _ = read_price(
    {
        "input": 5,
        "cached_input": 0.5,
        "cache_write": 6.25,
        "output": 30,
        "steps": [{"above_input_tokens": 1500, "input": 10, "cached_input": 1, "cache_write": 12.5, "output": 45}],
    }
)


def said(prompt: str, _: int) -> Any:
    """Line n sends 100 n tokens: from the 16th on the requests are long."""
    sent = 100 * int(prompt[1:])
    details = {"cached_tokens": sent // 3, "cache_write_tokens": sent // 7}
    usage = {"prompt_tokens": sent, "completion_tokens": sent + 1, "prompt_tokens_details": details}
    return answer(body={"model": "m-2026", "usage": usage})


def recounted(usage: dict[str, Any]) -> Fraction:
    """The cost of one answer, from what its line in the output file says."""
    sent, details = usage["prompt_tokens"], usage["prompt_tokens_details"]
    cached, written = details["cached_tokens"], details["cache_write_tokens"]
    input_price, output_price = (10, 45) if sent > 1500 else (5, 30)
    tokens = sent - cached - written + cached * Fraction(1, 10) + written * Fraction(5, 4)
    return (tokens * input_price + usage["completion_tokens"] * output_price) / 1_000_000


async def recount(world: World, batch: Batch) -> Fraction:
    lines = await world.lines(batch.output_file_id)
    return sum((recounted(line["response"]["body"]["usage"]) for line in lines), Fraction(0))


async def test_the_cost_of_a_batch_is_that_of_its_output_file(world: World) -> None:
    """Recounted line by line, short and long ones, with a cache; the rows of its chunks come to the same."""
    world.upstream.script = said
    batch = await run_to_end(world, await world.batch(25, price=PRICE))
    rows = await world.service.stores.chunks.list(batch.id)

    assert batch.completed == 25
    assert batch.usage.long[0].above_input_tokens == 1500
    assert cost_of(batch.usage, PRICE) == sum(cost_of(row.usage, PRICE) for row in rows)
    assert cost_of(batch.usage, PRICE) == await recount(world, batch) * PICOS


async def test_a_batch_keeps_its_price(world: World) -> None:
    """Also its steps: the deployment has another price by now."""
    world.upstream.script = said
    (deployment,) = world.service.settings.deployments.values()
    dearer = msgspec.structs.replace(deployment, price=Price(rates=Rates(input=9)))
    settings = replace(world.service.settings, deployments={"m": dearer})
    with use(replace(world.service, settings=settings)):
        batch = await run_to_end(world, await world.batch(25, price=PRICE))

    assert batch.price == PRICE
    assert cost_of(batch.usage, PRICE) == await recount(world, batch) * PICOS


async def test_without_steps_no_request_is_long(world: World) -> None:
    """Rows are as they were."""
    world.upstream.script = said
    batch = await run_to_end(world, await world.batch(25))

    assert (batch.usage.input_tokens, batch.usage.long) == (32_500, ())


async def test_images_are_counted_where_they_are_made(world: World) -> None:
    """And nowhere else: embeddings are `data` as well."""
    made = answer(body={"created": 1, "data": [{"b64_json": "aGk="}] * 3, "usage": {"input_tokens": 7}})
    world.upstream.script = lambda *_: made
    images = await run_to_end(world, await world.batch(4, endpoint="/v1/images/generations"))
    others = await run_to_end(world, await world.batch(4, endpoint="/v1/embeddings"))

    assert images.usage == Usage(input_tokens=28, images=12)
    assert others.usage == Usage(input_tokens=28)


async def test_a_journal_keeps_what_was_long(world: World) -> None:
    """After a crash the sums are made of it."""
    blobs, row = world.service.stores.blobs, ChunkRow(batch_id="b", index=0)
    journal = Journal(blobs, row, ResultMemory(1000))
    journal.add(Entry(1, True, Usage(input_tokens=9, images=2).past(8), "m", msgspec.Raw(b"{}")))
    journal.add(Entry(2, True, Usage(input_tokens=5, cache_write_tokens=3), "m", msgspec.Raw(b"{}")))
    await journal.write()

    assert (await Journal.open(blobs, row, ResultMemory(1000))).row.usage == Usage(
        input_tokens=14,
        cache_write_tokens=3,
        images=2,
        long=(LongUsage(above_input_tokens=8, input_tokens=9, images=2),),
    )


async def test_a_journal_of_0_4_0_goes_on(world: World) -> None:
    """Its entries know no images and no long requests; they count as they did."""
    blobs: BlobStore = world.service.stores.blobs
    row = ChunkRow(batch_id="b", index=0)
    await blobs.append(
        "journals/b/000000",
        b'[1,true,{"input_tokens":2,"cached_tokens":1,"output_tokens":3},"m",{"custom_id":"c1"}]\n'
        b'{"line":2,"attempts":{"errors":1,"throttles":0}}\n[3,false,{},null,{"custom_id":"c3"}]\n',
    )
    journal = await Journal.open(blobs, row, ResultMemory(1000))

    assert journal.finished == {1: True, 3: False}
    assert journal.row.usage == Usage(input_tokens=2, cached_tokens=1, output_tokens=3)
