"""Every benchmark, one after another: `scripts/bench [--quick] [NAME ...]`.

Tables go to the screen, all figures to bench/results/latest.json. One that breaks says so and the others still run.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from typing import Any

from bench import calls, latency, limits, matrix, peers, recovery, scale, transfer
from bench.report import load, machine, write_results
from bench.simulation import sweep

PROGRAMS = {
    "matrix": matrix.run,
    "scale": scale.run,
    "latency": latency.run,
    "calls": calls.run,
    "limits": limits.run,
    "recovery": recovery.run,
    "transfer": transfer.run,
    "simulation": sweep.run,
    "peers": peers.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="some minutes in all; figures are rougher")
    parser.add_argument("names", nargs="*", help=f"only these of {', '.join(PROGRAMS)}")
    options = parser.parse_args()
    if unknown := set(options.names) - set(PROGRAMS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(PROGRAMS)}")
    figures: dict[str, Any] = {"machine": machine(), "quick": options.quick}
    broken = []
    for name in options.names or PROGRAMS:
        since, before = time.perf_counter(), load()
        try:
            found = PROGRAMS[name](quick=options.quick)
        except Exception:  # whatever it is, the figures of the others count
            traceback.print_exc()
            broken.append(name)
            continue
        figures[name] = {**found, "load_before": before, "took_seconds": round(time.perf_counter() - since, 1)}
        write_results(figures)
    if broken:
        print(f"These broke: {', '.join(broken)}.", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
