"""Usage: what is read of an answer beside the common counts, and what older versions stored."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import ChunkRow
from shared.domain.batches.cost import batch_cost
from shared.domain.upstream.answer_images import count_images
from shared.domain.usage.money import as_decimal, shown
from shared.domain.usage.usage import LongUsage, Usage, read_usage, total
from tests.contracts.samples import a_batch


@pytest.mark.parametrize(
    ("usage", "cached", "written"),
    [
        ({"input_tokens": 9, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3}}, 2, 3),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 2, "cache_creation_tokens": 3}}, 2, 3),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 10}}, 9, 0),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 5}}, 7, 2),
    ],
)
def test_what_a_cache_gave_and_took_is_part_of_the_input(usage: dict[str, Any], cached: int, written: int) -> None:
    """Contract 9.5: OpenAI's and OpenRouter's word for it, and LiteLLM's; never more than was sent."""
    found = read_usage(usage)
    assert (found.input_tokens, found.cached_tokens, found.cache_write_tokens) == (9, cached, written)


@pytest.mark.parametrize(
    ("body", "images"),
    [
        (b'{"created":1,"data":[{"b64_json":"aGk="},{"url":"https://x"}]}', 2),
        (b'{"data":[]}', 0),
        (b"{}", 0),
        (b'{"data":{"a":1}}', 0),
        (b'{"data":null}', 0),
    ],
)
def test_images_are_those_of_the_answer(body: bytes, images: int) -> None:
    """Contract 9.5: upstreams count none themselves."""
    assert count_images(body) == images


def test_sums_keep_the_parts_of_long_requests_apart() -> None:
    """One for each step, in ascending order; the sums hold them as well."""
    first = Usage(input_tokens=30, images=1).past(20) + Usage(input_tokens=5)
    both = total([Usage(input_tokens=90, output_tokens=2).past(80), first, Usage(input_tokens=21).past(20)])
    assert both == Usage(
        input_tokens=146,
        output_tokens=2,
        images=1,
        long=(
            LongUsage(above_input_tokens=20, input_tokens=51, images=1),
            LongUsage(above_input_tokens=80, input_tokens=90, output_tokens=2),
        ),
    )
    assert (both.short().input_tokens, both.short().images) == (5, 0)


def test_rows_of_0_4_0_are_read() -> None:
    """As they were stored, without the counts that came later; written again they have none of them."""
    stored = (
        b'{"batch_id":"b","index":3,"lane":0,"completed":2,"failed":1,"usage":{"input_tokens":4,"cached_tokens":1,'
        b'"output_tokens":7,"reasoning_tokens":2},"model":"m","seal":"ab","output_blocks":1,"error_blocks":1}'
    )
    row = msgspec.json.decode(stored, type=ChunkRow)
    assert row.usage == Usage(input_tokens=4, cached_tokens=1, output_tokens=7, reasoning_tokens=2)
    later = b',"output_bytes":0,"error_bytes":0,"sealed_at":null,"failures":[]}'
    assert msgspec.json.encode(row) == stored[:-1] + later


def test_a_batch_of_0_4_0_has_no_cost() -> None:
    """Its record has no price; today's is not put in its place."""
    fields = msgspec.json.decode(msgspec.json.encode(a_batch(1, total=3)))
    del fields["price"], fields["expected_picos"]
    batch = msgspec.convert(fields, Batch)
    assert batch == a_batch(1, total=3)
    assert batch_cost(batch) is None


@pytest.mark.parametrize(
    ("picos", "text", "number"),
    [
        (0, "0.000000000000", 0.0),
        (388_000_000, "0.000388000000", 0.000388),
        (10**40 + 1, f"1{'0' * 28}.{'0' * 11}1", 1e28),
        (-5 * 10**11, "-0.500000000000", -0.5),
    ],
)
def test_an_amount_is_shown_as_it_is(picos: int, text: str, number: float) -> None:
    """However large."""
    assert (f"{as_decimal(picos):f}", shown(picos)) == (text, number)
