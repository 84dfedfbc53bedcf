"""What an installation costs in a month in which nobody calls it: `python -m bench.rest [--gb-second 0.00003 ...]`.

Counted from the snapshots of the parameter files (infra/**/*.snapshot.json), so it is what would be deployed. Prices
are US list prices of November 2026 as far as public sources agree, and parameters: check your region's. Storage, the
log and a dedicated scheduler are not in it. The table is in docs/operations.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bench.cost import LEAST_BILLED_SECONDS, MONTH_SECONDS, executions_a_month, timer_schedules
from bench.report import print_table

ROOT = Path(__file__).parents[1]
GROUPS = ("http", "durable")  # Every timer is a scale group besides.
EXAMPLES = ("infra/main", "infra/examples/small", "infra/examples/production", "infra/examples/private-network")
HEADS = ["example", "GB", "ready", "ready $", "timers $", "test $", "alerts $", "network $", "together $"]
Resource = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Prices:
    """In US dollars; of a month where nothing else is said."""

    gb_second: float = 0.000026
    ready_gb_second: float = 0.000004
    ready_working_gb_second: float = 0.000016
    million_executions: float = 0.40
    test_run: float = 0.0005
    query_alert_5_minutes: float = 1.50
    query_alert: float = 0.50  # looks every 15 minutes or less often
    metric_alert: float = 0.10
    private_endpoint_hour: float = 0.01
    private_zone: float = 0.50


def of_type(resources: Iterable[Resource], name: str) -> list[Resource]:
    return [each for each in resources if each["type"] == name]


def ready_instances(resources: list[Resource], timers: int) -> int:
    """Instances kept ready; with zones at least two for each scale group."""
    app = of_type(resources, "Microsoft.Web/sites")[0]["properties"]
    given = {
        each["name"]: each["instanceCount"] for each in app["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"]
    }
    if not _zones(resources):
        return sum(given.values())
    return sum(max(given.get(group, 0), 2) for group in GROUPS) + 2 * timers


def timers_cost(resources: list[Resource], schedules: Iterable[str], memory_gb: float, prices: Prices) -> float:
    runs = sum(map(executions_a_month, schedules))
    second = prices.ready_working_gb_second if _zones(resources) else prices.gb_second
    return runs * (LEAST_BILLED_SECONDS * memory_gb * second + prices.million_executions / 1e6)


def availability_cost(resources: list[Resource], prices: Prices) -> float:
    tests = [each["properties"] for each in of_type(resources, "Microsoft.Insights/webtests")]
    runs = sum(len(each["Locations"]) * MONTH_SECONDS / each["Frequency"] for each in tests if each["Enabled"])
    return runs * prices.test_run


def alerts_cost(resources: list[Resource], prices: Prices) -> float:
    every = [
        each["properties"]["evaluationFrequency"]
        for each in of_type(resources, "Microsoft.Insights/scheduledQueryRules")
    ]
    often = every.count("PT5M")
    metric = len(of_type(resources, "Microsoft.Insights/metricAlerts"))
    return (
        often * prices.query_alert_5_minutes + (len(every) - often) * prices.query_alert + metric * prices.metric_alert
    )


def network_cost(resources: list[Resource], prices: Prices) -> float:
    endpoints = len(of_type(resources, "Microsoft.Network/privateEndpoints"))
    zones = len(of_type(resources, "Microsoft.Network/privateDnsZones"))
    return endpoints * prices.private_endpoint_hour * MONTH_SECONDS / 3600 + zones * prices.private_zone


def row(name: str, resources: list[Resource], schedules: list[str], memory_gb: float, prices: Prices) -> list[Any]:
    ready = ready_instances(resources, len(schedules))
    cells = [
        ready * memory_gb * MONTH_SECONDS * prices.ready_gb_second,
        timers_cost(resources, schedules, memory_gb, prices),
        availability_cost(resources, prices),
        alerts_cost(resources, prices),
        network_cost(resources, prices),
    ]
    return [name, round(memory_gb), ready, *(round(cell, 2) for cell in [*cells, sum(cells)])]


def rows(prices: Prices) -> list[list[Any]]:
    schedules = list(timer_schedules().values())
    found: list[list[Any]] = []
    for example in EXAMPLES:
        resources = json.loads((ROOT / f"{example}.snapshot.json").read_text())["predictedResources"]
        found += [row(Path(example).name, resources, schedules, memory, prices) for memory in (2.0, 4.0)]
    return found


def _zones(resources: list[Resource]) -> bool:
    return bool(of_type(resources, "Microsoft.Web/serverfarms")[0]["properties"]["zoneRedundant"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.rest", description=__doc__)
    for item in fields(Prices):
        parser.add_argument(f"--{item.name.replace('_', '-')}", type=float, default=item.default)
    print_table("A month of nothing, by example", HEADS, rows(Prices(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
