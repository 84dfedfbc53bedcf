"""What an installation costs at rest, from the snapshot of a parameter file."""

from __future__ import annotations

from typing import Any

import pytest

from bench import rest
from tests.infra.bicep_tree import INFRA
from tests.infra.compiler import resources

PRICES = rest.Prices()
TWICE_A_DAY = "0 0 */12 * * *"


def made(example: str) -> list[dict[str, Any]]:
    return resources(INFRA / f"{example}.bicepparam")


@pytest.mark.parametrize(
    ("example", "timers", "instances"),
    [("main", 3, 1), ("examples/small", 3, 0), ("examples/production", 3, 10), ("examples/production", 7, 18)],
)
def test_instances_kept_ready(example: str, timers: int, instances: int) -> None:
    """Those of the parameters; with zones two for each of HTTP, Durable and every timer, whatever the parameters say."""
    assert rest.ready_instances(made(example), timers) == instances


def test_a_timer_is_billed_by_the_second_and_the_instance() -> None:
    """60 runs a month of 2 GB for a second each, and the executions; with zones at the rate of instances kept ready."""
    on_demand = rest.timers_cost(made("main"), [TWICE_A_DAY], 2.0, PRICES)
    with_zones = rest.timers_cost(made("examples/production"), [TWICE_A_DAY], 2.0, PRICES)

    assert on_demand == pytest.approx(60 * (2 * 0.000026 + 0.0000004))
    assert with_zones == pytest.approx(60 * (2 * 0.000016 + 0.0000004))


def test_the_availability_test_is_billed_by_run() -> None:
    """Five places, every five minutes: 43,200 runs a month; none where the API is private."""
    assert rest.availability_cost(made("main"), PRICES) == pytest.approx(43_200 * 0.0005)
    assert rest.availability_cost(made("examples/private-network"), PRICES) == 0


def test_alerts_are_billed_by_how_often_they_look() -> None:
    """Of twelve queries one looks every five minutes; one alert is on a metric."""
    assert rest.alerts_cost(made("main"), PRICES) == pytest.approx(1.50 + 11 * 0.50 + 0.10)


def test_a_private_network_is_billed_by_endpoint_and_zone() -> None:
    """Endpoints by the hour, zones by the month; nothing without them."""
    private = made("examples/private-network")
    endpoints = [each for each in private if each["type"] == "Microsoft.Network/privateEndpoints"]

    assert len(endpoints) == 8  # host and files storage, vault, one account of models, the API
    assert rest.network_cost(private, PRICES) == pytest.approx(8 * 0.01 * 720 + 7 * 0.50)
    assert rest.network_cost(made("main"), PRICES) == 0
