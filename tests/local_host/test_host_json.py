"""What the local host takes from host.json, and from the environment in its place."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import pytest

from local_host.app.function_index import InvalidApp
from local_host.app.host_json import read_host_json

SLOTS = "AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions"


@pytest.fixture
def read(tmp_path):
    """Writes a host.json and reads it."""

    def read(settings, environment=None):
        (tmp_path / "host.json").write_text(json.dumps(settings))
        return read_host_json(tmp_path / "host.json", environment or {})

    return read


def durable(**settings):
    return {"extensions": {"durableTask": settings}}


def test_defaults_are_the_platforms(read) -> None:
    """Prefix `api`, ten slots for each core, half an hour."""
    host = read({})
    assert (host.route_prefix, host.activity_slots) == ("api", 10 * os.cpu_count())
    assert host.function_timeout == timedelta(minutes=30)


def test_settings_are_read(read) -> None:
    """Slots and timeout; -1 is no timeout."""
    host = read({**durable(maxConcurrentActivityFunctions=3), "functionTimeout": "1.02:03:04"})
    assert (host.activity_slots, host.function_timeout) == (3, timedelta(days=1, hours=2, minutes=3, seconds=4))
    assert read({"functionTimeout": "-1"}).function_timeout == timedelta.max


def test_the_environment_comes_first(read) -> None:
    """As on the platform, where app settings override host.json."""
    assert read(durable(maxConcurrentActivityFunctions=3), {SLOTS: "5"}).activity_slots == 5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (durable(maxConcurrentActivityFunctions=0), "maxConcurrentActivityFunctions must be a positive integer"),
        (durable(maxConcurrentOrchestratorFunctions="x"), "maxConcurrentOrchestratorFunctions must be a positive"),
        ({"functionTimeout": "5 minutes"}, "functionTimeout must be hh:mm:ss"),
    ],
)
def test_what_the_real_host_refuses_is_refused(read, settings, words) -> None:
    """The message names the setting and what it must be."""
    with pytest.raises(InvalidApp, match=words):
        read(settings)
