"""The ledger of one large batch against a recount of its files: `python -m bench.ledger --lines 100000`.

A batch on a bad day, in virtual time (`tests/faults`): faults before and after writes, two outages of storage, an
upstream that refuses, breaks and retries, kills, activities that run twice or are cut. Then tokens and cost of the
ledger and of its rollups must be those of the output file, line by line; the program fails where they are not. It takes
minutes of one processor.
"""

from __future__ import annotations

import argparse

from shared.domain.deployments.price import cost_of
from shared.domain.usage.ledger import total
from shared.domain.vendors.vendor import Vendor
from tests.faults.simulation import Aftermath, Day, simulate


def bad_day(lines: int, seed: int) -> Day:
    return Day(
        seed=seed,
        vendor=Vendor.AZURE,  # Its files have up to 100,000 lines.
        lines=lines,
        chunk_lines=500,
        lanes=8,
        concurrency=16,
        journal_results=32,
        workers=3,
        upstream_faults=0.05,
        weather={"before": 0.02, "after": 0.02, "slow_share": 0.01, "outages": ((50.0, 80.0), (300.0, 330.0))},
        twice=0.1,
        twin_after=5.0,
        cut=0.02,
        kills_at=tuple(60.0 * number for number in range(1, 10)),
    )


def show(aftermath: Aftermath) -> None:
    batch, faults = aftermath.batch, aftermath.store_faults
    amounts = total([row.tally.amounts for row in aftermath.ledger])
    picos = sum(charge.picos for charge in amounts.charges)
    assert batch.price is not None
    if picos != cost_of(batch.usage, batch.price):  # The sum over the lines: `check` has compared it.
        raise SystemExit(f"The ledger has {picos:,} picos, the lines cost something else.")
    print(f"answered {len(aftermath.output):,}, failed {len(aftermath.error):,}")
    print(
        f"store calls {aftermath.store_calls:,}: {faults['early']:,} failed before, {faults['late']:,} after the write"
    )
    print(f"kills {aftermath.runs.kills}, requests paid again {aftermath.paid_again:,}")
    print(f"tokens: {amounts.usage.input_tokens:,} input, {amounts.usage.output_tokens:,} output; {picos:,} picos")
    print("Ledger, rollups and the recount over the files agree.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    aftermath = simulate(bad_day(options.lines, options.seed))
    aftermath.check()
    show(aftermath)


if __name__ == "__main__":
    main()
