"""The pass over a file: lines, limits, errors of the file, the chunk plan."""

from __future__ import annotations

import gzip
import json
import time
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.batches.batch import BatchError, Refused
from shared.domain.deployments.deployment import Deployment
from shared.domain.keys.model_access import ModelAccess
from shared.domain.usage.tokens import EstimatedTokens, TokenCounter, TokenMethod
from shared.domain.validation.input_scan import Accepted, InputScan, ScanRules
from shared.domain.vendors.vendor import Vendor

CHAT = "/v1/chat/completions"
NOT_JSON = "This line is not parseable as valid JSON."
EMPTY = "The input file is empty. Please ensure that the batch contains at least one request."
RULES = ScanRules(
    vendor=Vendor.OPENAI,
    endpoint=CHAT,
    deployments={"small": Deployment(name="small", base_url="http://upstream")},
    access=ModelAccess(project_id="default"),
    counter_for=lambda _: EstimatedTokens(),
    max_bytes=209_715_200,
    max_line_bytes=33_554_432,
    max_requests=50_000,
    max_embedding_inputs=50_000,
    max_reported_errors=100,
    chunk_lines=200,
    chunk_bytes=4_194_304,
)


def rules(**changes: object) -> ScanRules:
    values = {name: getattr(RULES, name) for name in RULES.__dataclass_fields__}
    return ScanRules(**(values | changes))


def request(custom_id: object, text: str = "Hi") -> bytes:
    body = {"model": "small", "messages": [{"role": "user", "content": text}]}
    return json.dumps({"custom_id": str(custom_id), "method": "POST", "url": CHAT, "body": body}).encode()


def scan(data: bytes, block: int = 0, **changes: object) -> Accepted | Refused:
    scanned = InputScan(rules(**changes))
    for start in range(0, len(data), block or len(data) or 1):
        scanned.feed(data[start : start + (block or len(data))])
    return scanned.finish()


def accepted(data: bytes, **changes: object) -> Accepted:
    outcome = scan(data, **changes)
    assert isinstance(outcome, Accepted), outcome
    return outcome


def errors(data: bytes, **changes: object) -> list[BatchError]:
    outcome = scan(data, **changes)
    assert isinstance(outcome, Refused)
    return list(outcome.errors)


LINES = [request(n) for n in range(5)]


@pytest.mark.parametrize(
    "data",
    [
        b"\n".join(LINES),
        b"\n".join(LINES) + b"\n",
        b"\r\n".join(LINES) + b"\r\n",
        b"\n\n" + b"\n \t\n".join(LINES) + b"\n\n\n",
    ],
)
def test_line_ends_and_blank_lines_do_not_matter(data: bytes) -> None:
    """With or without a final newline, LF or CRLF, blank lines anywhere."""
    assert accepted(data).validated.total == 5


def test_an_accepted_file_is_described_by_its_event() -> None:
    """Deployment, requests, chunks and input tokens are what the record takes over."""
    outcome = accepted(b"\n".join(LINES), chunk_lines=2)
    event = outcome.validated
    assert (event.deployment, event.total, event.chunks) == ("small", 5, 3)
    assert event.input_tokens == sum(chunk.tokens for chunk in outcome.plan.chunks) > 0


class _Letters:
    """A vocabulary in which every letter is a token."""

    method = TokenMethod.CL100K_BASE

    def count(self, texts: list[str]) -> int:
        return sum(map(len, texts))


def test_the_deployments_own_counter_counts() -> None:
    """Chosen once, by the deployment that the first line names; how it counted goes into the event."""
    chosen: list[str] = []

    def counter_for(deployment: Deployment) -> TokenCounter:
        chosen.append(deployment.name)
        return _Letters()

    event = accepted(b"\n".join(LINES), chunk_lines=2, counter_for=counter_for).validated
    assert (event.input_tokens, event.token_method) == (5 * (7 + len("Hi")), TokenMethod.CL100K_BASE)
    assert chosen == ["small"]


@pytest.mark.parametrize("blocks", [1, 7])
def test_a_chunk_has_the_tokens_of_its_own_lines(blocks: int) -> None:
    """Though texts are counted together, none counts for a neighbour."""
    texts = [7, 1, 100_000, 30, 2]
    data = b"\n".join(request(number, "x" * length) for number, length in enumerate(texts))
    outcome = scan(data, len(data) // blocks, chunk_lines=2, counter_for=lambda _: _Letters())

    assert isinstance(outcome, Accepted)
    assert [chunk.tokens for chunk in outcome.plan.chunks] == [2 * 7 + 8, 2 * 7 + 100_030, 7 + 2]


def test_errors_are_numbered_by_physical_line() -> None:
    """Contract 3.2: 1-based, blank lines counted."""
    data = b"\n\r\n" + LINES[0] + b"\nbroken\n\n" + LINES[0]
    assert [(error.line, error.code) for error in errors(data)] == [
        (4, "invalid_json_line"),
        (6, "duplicate_custom_id"),
    ]


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n \n\t"])
def test_a_file_without_requests_is_empty(data: bytes) -> None:
    """Code and literal of contract 3.4, for both vendors."""
    assert errors(data) == [BatchError(code="empty_file", message=EMPTY)]


def test_a_cut_last_line_is_refused() -> None:
    """A file cut in the middle of a line loses nothing silently."""
    data = b"\n".join(LINES)[:-10]
    message = f"{NOT_JSON} It is cut off: a request has to be on one line, from {{ to }}."
    assert [(error.line, error.message) for error in errors(data)] == [(5, message)]


def test_a_byte_order_mark_fails_line_1_at_openai() -> None:
    """Contract 3.4, and the message says what to do."""
    (error,) = errors(b"\xef\xbb\xbf" + LINES[0])
    assert (error.code, error.line) == ("invalid_json_line", 1)
    assert error.message == f"{NOT_JSON} The file begins with a byte order mark (BOM): save it as UTF-8 without one."


def test_a_byte_order_mark_hides_the_deployment_from_azure() -> None:
    """Literal of contract 3.4, followed by what it really is."""
    (error,) = errors(b"\xef\xbb\xbf" + LINES[0], vendor=Vendor.AZURE)
    assert (error.code, error.line) == ("invalid_request", None)
    assert error.message == (
        "Validation failed: A valid model deployment name couldn't be extracted from the input file. "
        "Please ensure that each row in the input file has a valid deployment name specified in the 'model' field, "
        "and that the deployment name is consistent across all rows. "
        "The file begins with a byte order mark (BOM): save it as UTF-8 without one."
    )


@pytest.mark.parametrize("vendor", Vendor)
@pytest.mark.parametrize("block", [1, 0])
@pytest.mark.parametrize(
    ("data", "what"),
    [
        (gzip.compress(b"\n".join(LINES) * 100, mtime=0), "this is gzip. Unpack it, and send the JSON lines in it."),
        (b"\n".join(LINES).decode().encode("utf-16"), "this is UTF-16. Save it as UTF-8."),
        (b"\n".join(LINES).decode().encode("utf-16-be"), "this is UTF-16. Save it as UTF-8."),
    ],
)
def test_a_file_of_another_format_is_one_error(data: bytes, what: str, block: int, vendor: Vendor) -> None:
    """A blob is looked at here only; a hundred of its lines with a message each would tell less."""
    assert errors(data, block=block, vendor=vendor) == [
        BatchError(code="invalid_json_line", message=f"{NOT_JSON} In fact {what}", line=1)
    ]


def test_what_follows_the_first_line_of_another_format_is_not_looked_at() -> None:
    """The pass may stop there."""
    scanned = InputScan(rules())
    scanned.feed(b"\x1f\x8b\n")
    assert scanned.is_over


def test_a_file_larger_than_allowed_is_one_literal() -> None:
    """Contract 3.3: the limit in bytes, the file's model."""
    data = b"\n".join(LINES)
    assert errors(data, max_bytes=len(data) - 1) == [
        BatchError(
            code="file_too_large",
            message=f"The batch input file is larger than the {len(data) - 1} maximum for the small model.",
        )
    ]


def test_a_file_as_large_as_allowed_passes() -> None:
    """The limit itself is allowed."""
    data = b"\n".join(LINES)
    assert accepted(data, max_bytes=len(data)).validated.total == 5


def test_what_follows_the_largest_size_is_not_looked_at() -> None:
    """The pass may stop there."""
    scanned = InputScan(rules(max_bytes=10))
    scanned.feed(b"x" * 10)
    before = scanned.is_over
    scanned.feed(b"x")
    assert (before, scanned.is_over) == (False, True)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_too_many_requests_says_how_many_lines_there_are(end: bytes) -> None:
    """Azure's code (contract 3.4); the message helps to split the file."""
    assert errors(b"\n".join(LINES) + end, max_requests=3) == [
        BatchError(
            code="too_many_tasks",
            message="The input file holds more than the maximum of 3 requests: it has 5 lines. "
            "Split it into several files and create a batch for each.",
        )
    ]


def test_as_many_requests_as_allowed_pass() -> None:
    """The limit itself is allowed."""
    assert accepted(b"\n".join(LINES), max_requests=5).validated.total == 5


def test_a_line_too_long_is_named_and_skipped() -> None:
    """Its line and the limit are named; the lines after it are judged as ever."""
    data = b"\n".join([LINES[0], request("long", "x" * 1000), b"broken", LINES[1]])
    found = errors(data, max_line_bytes=1000, block=64)
    assert [(error.line, error.message) for error in found] == [
        (2, "This line is longer than the maximum of 1,000 bytes. Shorten the request."),
        (3, f"{NOT_JSON} It begins with 'broken'."),
    ]


def test_a_line_as_long_as_allowed_passes() -> None:
    """The line feed is not counted."""
    assert accepted(LINES[0] + b"\n", max_line_bytes=len(LINES[0])).validated.total == 1


def test_at_most_so_many_errors_are_kept_and_all_are_counted() -> None:
    """The first ones in order, then how many more there are."""
    found = errors(b"\n".join([b"x"] * 1234), max_reported_errors=3)
    assert [error.line for error in found] == [1, 2, 3, None]
    assert found[-1].message == "1,231 more problems were found. Correct those listed and validate the file again."


def test_as_many_errors_as_are_kept_are_not_more() -> None:
    """No entry about nothing."""
    assert [error.line for error in errors(b"x\nx", max_reported_errors=2)] == [1, 2]


def test_a_huge_line_in_small_blocks_is_read_in_linear_time() -> None:
    """30 MB in 128 KiB pieces: held in pieces, joined once."""
    data = request("big", "x" * 30_000_000) + b"\n"
    started = time.process_time()
    outcome = scan(data, block=131_072)
    assert isinstance(outcome, Accepted)
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize("line", [b"\n", b" \n", b"\r\n", b"\t\x0b\x0c\n", b" " * 499 + b"\n"])
def test_blank_lines_cost_next_to_nothing(line: bytes) -> None:
    """A file of nothing else is read as fast as it comes, white space on its lines or not."""
    data = line * (8_000_000 // len(line)) + LINES[0]
    started = time.process_time()
    outcome = scan(data, block=1_000_003)
    assert time.process_time() - started < 0.5
    assert isinstance(outcome, Accepted)
    assert outcome.plan.chunks[0].first_line == 8_000_000 // len(line) + 1


def test_one_long_line_is_a_chunk_of_its_own() -> None:
    """A chunk is larger than allowed only if it is one line."""
    data = b"\n".join([LINES[0], request("long", "x" * 5000), LINES[1]])
    plan = accepted(data, chunk_bytes=1000).plan
    assert [(chunk.lines, chunk.length > 1000) for chunk in plan.chunks] == [(1, False), (1, True), (1, False)]


def test_blank_lines_do_not_swell_a_chunk() -> None:
    """A long run of them falls between two chunks."""
    data = LINES[0] + b"\n" * 5000 + LINES[1]
    assert [(chunk.length, chunk.first_line) for chunk in accepted(data, chunk_bytes=1000).plan.chunks] == [
        (len(LINES[0]) + 1, 1),
        (len(LINES[1]), 5001),
    ]


pieces = st.sampled_from(
    [
        *(request(n, "ä" * n) for n in range(4)),
        b"",
        b" ",
        b"\r",
        b" " * 251,
        b"PK\x03\x04",
        b"broken",
        b"\xff",
        b"x" * 300,
    ]
)
files = st.builds(
    lambda lines, ends, final: b"".join(a + b for a, b in zip(lines, ends, strict=False)) + final,
    st.lists(pieces, max_size=12),
    st.lists(st.sampled_from([b"\n", b"\r\n"]), min_size=12, max_size=12),
    pieces,
)
limits = {"max_line_bytes": 250, "max_requests": 8, "max_bytes": 1500, "max_reported_errors": 4, "chunk_bytes": 300}


@given(files, st.lists(st.integers(0, 2000), max_size=20))
def test_how_the_bytes_are_cut_makes_no_difference(data: bytes, cuts: list[int]) -> None:
    """Any split of the same bytes gives the same outcome, empty blocks included."""
    scanned = InputScan(rules(**limits))
    for start, end in pairwise([0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]):
        scanned.feed(data[start:end])
    assert scanned.finish() == scan(data, **limits)


good_files = st.lists(st.tuples(st.integers(0, 300), st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n \n"])), min_size=1)


@given(good_files, st.integers(1, 5), st.integers(1, 2000), st.booleans())
def test_chunks_hold_every_request_line_once_and_in_order(
    shape: list[tuple[int, bytes]], chunk_lines: int, chunk_bytes: int, final: bool
) -> None:
    """Lines read back by byte range are the file's; between chunks there is nothing but blanks; limits hold."""
    data = b"".join(request(n, "x" * size) + end for n, (size, end) in enumerate(shape))
    data = data if final else data.rstrip()
    plan = accepted(data, chunk_lines=chunk_lines, chunk_bytes=chunk_bytes).plan
    ranges = [data[chunk.start : chunk.start + chunk.length] for chunk in plan.chunks]
    read_back = [[line.strip() for line in part.split(b"\n") if line.strip()] for part in ranges]
    assert [line for lines in read_back for line in lines] == [
        line.strip() for line in data.split(b"\n") if line.strip()
    ]
    assert [len(lines) for lines in read_back] == [chunk.lines for chunk in plan.chunks]
    assert [chunk.index for chunk in plan.chunks] == list(range(len(plan.chunks)))
    for chunk in plan.chunks:
        assert chunk.lines <= chunk_lines
        assert chunk.length <= chunk_bytes or chunk.lines == 1
        assert chunk.first_line == data.count(b"\n", 0, chunk.start) + 1
    for one, other in pairwise(plan.chunks):
        assert not data[one.start + one.length : other.start].strip()


def test_a_file_without_blank_lines_is_tiled_without_gaps() -> None:
    """Every byte belongs to exactly one chunk."""
    data = b"\n".join(LINES)
    plan = accepted(data, chunk_lines=2).plan
    assert [chunk.start for chunk in plan.chunks] == [0, *(chunk.start + chunk.length for chunk in plan.chunks[:-1])]
    assert sum(chunk.length for chunk in plan.chunks) == len(data)


def test_a_plan_survives_its_blob() -> None:
    """What validation writes is what a lane reads."""
    plan = accepted(b"\n".join(LINES), chunk_lines=2).plan
    assert msgspec.json.decode(msgspec.json.encode(plan), type=type(plan)) == plan
