"""Uploads on the Functions host with no more memory than the instance that `infra/` deploys leaves to it.

The host keeps every body of a known length in memory, so `instanceMemoryMB`, `httpConcurrency` and the limit of a body
must fit together (docs/adr/0008). This is where somebody notices who changes one of them.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.programs import KEY
from bench.uploads import MIB, WAYS, Memory, Sent, heap_limit, send_whole
from tests import core_tools
from tests.infra.bicep_tree import INFRA, read

AT_ONCE = 4
SIZES_MIB = {"whole": 200}  # What is promised.
STREAMED_MIB = 100  # Four of these at once, announced, are more than this instance bears: enough to tell.
START_SECONDS = 300.0


def default_of(parameter: str) -> int:
    """What `infra/main.bicep` deploys if nobody says otherwise."""
    return int(str(read(INFRA / "main.bicep").variable(parameter)))


def default_body_limit() -> int:
    """FUNCTIONS_REQUEST_BODY_SIZE_LIMIT of a deployment that sets no limit of its own."""
    file = read(INFRA / "modules/settings.bicep")
    files = [int(text) for text in re.findall(r"extraSettings\.\?\w+ \?\? '(\d+)'", file.text)]
    return max(files) + int(str(file.variable("bodyMargin")))


class Instance:
    """A Functions host of the default size, to which the platform hands at most `httpConcurrency` calls at a time."""

    def __init__(self, service: core_tools.CoreTools) -> None:
        self.url = service.url
        self.memory = Memory(service)

    def send_at_once(self, way: str) -> list[Sent]:
        """Four files that begin together: whole ones as many at a time as the platform lets through."""
        at_a_time = min(AT_ONCE, default_of("httpConcurrency")) if way == "whole" else AT_ONCE
        with ThreadPoolExecutor(at_a_time) as pool:
            size_mib = SIZES_MIB.get(way, STREAMED_MIB)
            return list(pool.map(lambda number: WAYS[way](self.url, size_mib, f"{way} {number}"), range(AT_ONCE)))


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    if reason := core_tools.missing():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    limit = heap_limit(default_of("instanceMemoryMB"))
    service = core_tools.CoreTools(tmp_path_factory.mktemp("instance"), "http://127.0.0.1:9", **limit)
    service.start(START_SECONDS)
    found = Instance(service)
    yield found
    found.memory.stop()
    service.stop()


@pytest.mark.parametrize("way", WAYS)
def test_four_large_uploads_at_once_are_taken(instance, way):
    """Each is answered with 200, a file comes back as it was sent, and the host is the one that was started."""
    sent = instance.send_at_once(way)

    assert len({file.file_id for file in sent}) == AT_ONCE
    assert sha256_of(instance.url, sent[-1].file_id) == sent[-1].sha256  # One: each costs seconds, and they are alike.
    assert instance.memory.lives


def test_the_largest_body_that_the_platform_lets_in_is_survived(instance):
    """Anybody may send one, without a key: the host reads it before it asks the service."""
    with pytest.raises(http.client.HTTPException, match="File is too large"):
        send_whole(instance.url, default_body_limit() // MIB - 1, "largest")

    assert instance.memory.lives


def sha256_of(url: str, file_id: str) -> str:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    connection.request("GET", f"/v1/files/{file_id}/content", headers={"Authorization": f"Bearer {KEY}"})
    response = connection.getresponse()
    digest = hashlib.sha256()
    while piece := response.read(MIB):
        digest.update(piece)
    connection.close()
    return digest.hexdigest()
