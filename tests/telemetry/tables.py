"""The tables of docs/telemetry.md, made from what is declared. `python -m tests.telemetry.tables` prints them."""

from __future__ import annotations

from shared.telemetry.actions import ACTIONS
from shared.telemetry.metrics import METRICS
from shared.telemetry.spans import SPANS


def metrics_table() -> str:
    head = "| metric | kind | unit | attributes | meaning |\n| --- | --- | --- | --- | --- |\n"
    return head + "".join(
        f"| `{each.name}` | {each.kind} | `{each.unit}` | {_names(each.attributes)} | {each.meaning} |\n"
        for each in METRICS
    )


def spans_table() -> str:
    head = "| span | kind | attributes | meaning |\n| --- | --- | --- | --- |\n"
    return head + "".join(
        f"| `{each.name}` | {each.kind.name} | {_names(each.attributes)} | {each.meaning} |\n" for each in SPANS
    )


def actions_table() -> str:
    head = "| action | beside it |\n| --- | --- |\n"
    return head + "".join(f"| `{action}` | {_names(keys)} |\n" for action, keys in ACTIONS.items())


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    print(metrics_table(), spans_table(), actions_table(), sep="\n")  # noqa: T201
