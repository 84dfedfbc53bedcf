"""The body of a create call: the literal messages of contract 1.3 and the limits of contract 2.8."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.domain.batches.new_batch import NewBatch, parse_new_batch
from shared.domain.errors import InvalidRequest
from shared.domain.keys.priority import Priority, parse_priority

ENDPOINTS = {f"/v1/{name}": f"/v1/{name}" for name in ("chat/completions", "completions", "embeddings", "responses")}
WINDOWS = {"24h": 86400}
VALID = {"input_file_id": "file-1", "endpoint": "/v1/responses", "completion_window": "24h"}


def parse(**changes: Any) -> NewBatch:
    body = {key: value for key, value in (VALID | changes).items() if value is not ...}
    return parse_new_batch(msgspec.json.encode(body), endpoints=ENDPOINTS, windows=WINDOWS)


def refusal(**changes: Any) -> tuple[str, str | None, str | None]:
    with pytest.raises(InvalidRequest) as caught:
        parse(**changes)
    return caught.value.message, caught.value.param, caught.value.code


def test_a_minimal_body_is_accepted() -> None:
    """The three required fields are enough."""
    assert parse() == NewBatch(
        input_file_id="file-1",
        input_url=None,
        output_folder=None,
        endpoint="/v1/responses",
        completion_window="24h",
        window_seconds=86400,
        metadata=None,
        output_expires_after_seconds=None,
        priority=Priority.NORMAL,
        leaders_first=True,
    )


def test_fields_this_service_does_not_know_are_ignored() -> None:
    """A newer SDK may send more."""
    assert parse(new_field={"a": [1]}) == parse()


@pytest.mark.parametrize(
    ("given", "priority"),
    [("low", Priority.LOW), ("high", Priority.HIGH), (None, Priority.NORMAL), (..., Priority.NORMAL)],
)
def test_priority(given: Any, priority: Priority) -> None:
    """Left out or null, it is normal."""
    assert parse(priority=given).priority is priority


@pytest.mark.parametrize(
    ("given", "found"), [(True, True), (False, False), (None, True), (..., True), ("neighbours", "neighbours")]
)
def test_leaders_first(given: Any, found: Any) -> None:
    """Left out or null, as the deployment says."""
    assert parse(leaders_first=given).leaders_first == found


@pytest.mark.parametrize("given", ["false", 0, [], "Neighbours"])
def test_leaders_first_is_true_or_false_or_for_neighbours(given: Any) -> None:
    """What might mean either is refused."""
    assert refusal(leaders_first=given)[1:] == ("leaders_first", "invalid_type")


@pytest.mark.parametrize(
    ("most", "allowed", "unsaid"),
    [
        (Priority.LOW, ["low"], Priority.LOW),
        (Priority.NORMAL, ["low", "normal"], Priority.NORMAL),
        (Priority.HIGH, ["low", "normal", "high"], Priority.NORMAL),
    ],
)
def test_a_key_bounds_the_priority(most: Priority, allowed: list[str], unsaid: Priority) -> None:
    """What is not said is normal, or what the key allows; the refusal names the field, and what to do."""
    for given in Priority:
        if given in allowed:
            assert parse_priority(given.value, most) is given
        else:
            with pytest.raises(InvalidRequest, match=f"send '{most}', or have an administrator raise") as refused:
                parse_priority(given.value, most)
            assert (refused.value.param, refused.value.code) == ("priority", "priority_not_allowed")
    assert parse_priority(None, most) is unsaid


@pytest.mark.parametrize("given", ["urgent", "HIGH", "", 1, ["low"], {"low": 1}])
def test_no_priority(given: Any) -> None:
    """The parameter is named, and for a text what it can be."""
    message, param, _ = refusal(priority=given)

    assert param == "priority"
    assert not isinstance(given, str) or "'high', 'low', and 'normal'" in message


@pytest.mark.parametrize("name", ["input_file_id", "endpoint", "completion_window"])
@pytest.mark.parametrize("absent", [..., None])
def test_required_fields(name: str, absent: Any) -> None:
    """Contract 1.3, "required create field absent"; an explicit null is absent."""
    assert refusal(**{name: absent}) == (f"Missing required parameter: '{name}'.", name, "missing_required_parameter")


def test_an_unsupported_endpoint() -> None:
    """Contract 1.3, literal: alphabetical, with an Oxford comma."""
    assert refusal(endpoint="/v1/invalid/endpoint") == (
        (
            "Invalid value: '/v1/invalid/endpoint'. Supported values are: '/v1/chat/completions', '/v1/completions', "
            "'/v1/embeddings', and '/v1/responses'."
        ),
        "endpoint",
        "invalid_value",
    )


def test_an_unsupported_completion_window() -> None:
    """Contract 1.3, literal."""
    assert refusal(completion_window="1h") == (
        "Invalid value: '1h'. Supported values are: '24h'.",
        "completion_window",
        "invalid_value",
    )


def test_azure_takes_any_window() -> None:
    """There the batch fails, not the call (contract 1.5.5); it keeps what was sent."""
    body = msgspec.json.encode(VALID | {"completion_window": "1h"})
    new = parse_new_batch(body, endpoints=ENDPOINTS, windows=WINDOWS, takes_any_window=True)

    assert (new.completion_window, new.window_seconds) == ("1h", 86400)


def test_a_metadata_value_that_is_no_string() -> None:
    """Contract 1.3, literal."""
    assert refusal(metadata={"tags": ["a"]}) == (
        "Invalid type for 'metadata.tags': expected a string, but got an array instead.",
        "metadata.tags",
        "invalid_type",
    )


@pytest.mark.parametrize(
    ("value", "noun"),
    [(None, "null"), (True, "a boolean"), (1, "an integer"), (1.5, "a decimal"), ({}, "an object"), ([], "an array")],
)
def test_the_type_found_is_named(value: Any, noun: str) -> None:
    """Every JSON type has its noun."""
    assert refusal(metadata={"k": value})[0].endswith(f"but got {noun} instead.")


def test_too_many_metadata_pairs() -> None:
    """Contract 1.3, literal: 17 pairs."""
    assert refusal(metadata={str(n): "" for n in range(17)}) == (
        (
            "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object "
            "with 17 properties instead."
        ),
        "metadata",
        "object_above_max_properties",
    )


def test_a_metadata_value_that_is_too_long() -> None:
    """Contract 1.3, literal: 513 characters."""
    assert refusal(metadata={"k": "v" * 513}) == (
        (
            "Invalid 'metadata.k': string too long. Expected a string with maximum length 512, but got a string with "
            "length 513 instead."
        ),
        "metadata.k",
        "string_above_max_length",
    )


def test_a_metadata_key_that_is_too_long() -> None:
    """Contract 1.3: 65 characters."""
    assert refusal(metadata={"k" * 65: ""})[2] == "property_name_above_max_length"


def test_metadata_at_its_limits_is_accepted() -> None:
    """16 pairs, keys of 64 and values of 512 characters, counted as characters and not as bytes (contract 2.8)."""
    metadata = {f"{n:02d}" + "ä" * 62: "ü" * 512 for n in range(16)}

    assert parse(metadata=metadata).metadata == metadata


@pytest.mark.parametrize("metadata", [[], "x", 1, True])
def test_metadata_that_is_no_object(metadata: Any) -> None:
    """Metadata is an object or null."""
    assert refusal(metadata=metadata)[1:] == ("metadata", "invalid_type")


def test_output_expires_after() -> None:
    """Seconds from 3600 to 2592000, anchored at creation (contract 1.5.5)."""
    expiry = {"anchor": "created_at", "seconds": 3600}

    assert parse(output_expires_after=expiry).output_expires_after_seconds == 3600


@pytest.mark.parametrize(
    ("expiry", "param", "code"),
    [
        ("1h", "output_expires_after", "invalid_type"),
        ({"seconds": 3600}, "output_expires_after.anchor", "missing_required_parameter"),
        ({"anchor": "created_at"}, "output_expires_after.seconds", "missing_required_parameter"),
        ({"anchor": "completed_at", "seconds": 3600}, "output_expires_after.anchor", "invalid_value"),
        ({"anchor": [1], "seconds": 3600}, "output_expires_after.anchor", "invalid_value"),
        ({"anchor": "created_at", "seconds": "3600"}, "output_expires_after.seconds", "invalid_type"),
        ({"anchor": "created_at", "seconds": True}, "output_expires_after.seconds", "invalid_type"),
        ({"anchor": "created_at", "seconds": 3599}, "output_expires_after.seconds", "integer_below_min_value"),
        ({"anchor": "created_at", "seconds": 2592001}, "output_expires_after.seconds", "integer_above_max_value"),
        ({"anchor": "created_at", "seconds": 10**30}, "output_expires_after.seconds", None),
    ],
)
def test_a_wrong_output_expires_after(expiry: Any, param: str, code: str | None) -> None:
    """Both parts are required, and each is checked."""
    found = refusal(output_expires_after=expiry)

    assert found[1] == param
    assert code is None or found[2] == code


@pytest.mark.parametrize("name", ["input_blob", "output_folder"])
def test_blob_mode_is_refused_by_name(name: str) -> None:
    """Azure's own-storage fields are not silently dropped: results would go where the caller does not look."""
    assert refusal(**{name: "https://x"})[1:] == (name, "unsupported_parameter")


@pytest.mark.parametrize("value", [1, ["file-1"], {"id": "x"}, True])
def test_ids_are_strings(value: Any) -> None:
    """A field of the wrong type is named with the type found."""
    assert refusal(input_file_id=value)[1:] == ("input_file_id", "invalid_type")


def test_an_absurdly_long_id_is_refused() -> None:
    """What goes into a record is bounded."""
    assert refusal(input_file_id="f" * 129)[1:] == ("input_file_id", "string_above_max_length")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"input_file_id=1",
        b"\xff\xfe",
        b'{"a": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\x00",
        b"NaN",
    ],
    ids=["empty", "cut", "form", "utf-16", "lone surrogate", "deep array", "deep object", "nul", "nan"],
)
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    """The message says what to send; nothing about the parser leaks."""
    with pytest.raises(InvalidRequest, match=r"not valid JSON\. Send a JSON object"):
        parse_new_batch(body, endpoints=ENDPOINTS, windows=WINDOWS)


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"1"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    """JSON alone is not enough."""
    with pytest.raises(InvalidRequest, match="expected an object"):
        parse_new_batch(body, endpoints=ENDPOINTS, windows=WINDOWS)
