"""What every benchmark shares: readable tables, facts of the machine, and figures written as JSON.

Rule of this file: a figure that depends on the machine is written beside the load it was taken under.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "latest.json"
LIBRARIES = ("aiohttp", "pyreqwest", "uvloop", "msgspec", "azure-functions", "azure-functions-durable", "uvicorn")

Cell = str | int | float | None


def machine() -> dict[str, Any]:
    """What ran the figures; no name of the machine, no path."""
    return {
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "load": load(),
    }


def load() -> float:
    """Processes that wanted a core over the last minute, ours included; more than the cores means a noisy machine."""
    return round(os.getloadavg()[0], 1)


def print_table(title: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """A Markdown table under its title, to be pasted into bench/README.md as it is."""
    shown = [[_text(cell) for cell in row] for row in rows]
    widths = [max(len(head), *(len(row[i]) for row in shown), 3) for i, head in enumerate(heads)]
    print(f"\n{title} (load {load()})\n")
    for cells in (heads, ["-" * (width - 1) + ":" for width in widths], *shown):
        padded = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
        print(f"| {' | '.join(padded)} |", flush=True)


def _text(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}" if abs(cell) < 1 else f"{cell:.2f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def spread(values: Sequence[float]) -> dict[str, float]:
    """Smallest, median and largest of some figures."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def write_results(figures: dict[str, Any]) -> None:
    """Everything measured in one run, to `bench/results/latest.json`."""
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")


def run_alone(run: Callable[..., dict[str, Any]], description: str | None) -> None:
    """The command line of one benchmark by itself: `python -m bench.NAME [--quick]`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true")
    run(quick=parser.parse_args().quick)
