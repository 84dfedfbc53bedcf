"""`dbatch fetch`: the answers of a batch, as they came or as a table."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from dbatch.batch_words import ENDED, counts
from dbatch.console import say
from dbatch.downloading import chunks_of, lines_of, whole_file
from dbatch.exits import Failure
from dbatch.result_lines import HEADS, harmless, read_result
from dbatch.service import connect

if TYPE_CHECKING:
    from openai import OpenAI


@click.command(short_help="Download the answers of a batch.")
@click.argument("batch_id", metavar="ID")
@click.option("--csv", "as_csv", is_flag=True, help="A table: custom_id, answer, error, status, model, tokens.")
@click.option("--errors", is_flag=True, help="Only what failed.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file, instead of standard output.")
@click.option("--exact", is_flag=True, help="With --csv: put no ' before texts that a spreadsheet takes for formulas.")
def fetch(batch_id: str, *, as_csv: bool, errors: bool, out: Path | None, exact: bool) -> None:
    """Download the answers of a batch: the output file as it is, or with --csv a table of answers and failures.

    A file given by --out appears whole or not at all.
    """
    with connect() as client:
        batch = client.batches.retrieve(batch_id).to_dict()
        files = _files(batch, as_csv=as_csv, errors=errors)
        with whole_file(out) as target:
            if as_csv:
                _table(client, files, target, exact=exact)
            else:
                for file_id in files:
                    for data in chunks_of(client, file_id):
                        target.write(data)
    _tell(batch, out, errors=errors or as_csv)


def _files(batch: dict[str, Any], *, as_csv: bool, errors: bool) -> list[str]:
    """Which files to read. Raises Failure if there is none."""
    both = {"output": batch.get("output_file_id"), "error": batch.get("error_file_id")}
    wanted = ["error"] if errors else ["output", "error"] if as_csv else ["output"]
    found = [str(both[which]) for which in wanted if both[which]]
    if found:
        return found
    identifier = batch["id"]
    if batch["status"] not in ENDED:
        raise Failure(f"{identifier} has not ended: {batch['status']}.", f"Next: dbatch watch {identifier}")
    if errors:
        raise Failure(f"{identifier} has no failures.", f"Its answers: dbatch fetch {identifier}")
    why = f"see why: dbatch fetch {identifier} --errors" if both["error"] else f"see why: dbatch watch {identifier}"
    raise Failure(f"{identifier} is {batch['status']} and has no answers.", f"{why[0].upper()}{why[1:]}")


def _table(client: OpenAI, files: list[str], target: IO[bytes], *, exact: bool) -> None:
    text = io.TextIOWrapper(target, encoding="utf-8", newline="", write_through=True)
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(HEADS)
    for file_id in files:
        for line in lines_of(client, file_id):
            cells = read_result(line).cells()
            rows.writerow(cells if exact else map(harmless, cells))
    text.detach()


def _tell(batch: dict[str, Any], out: Path | None, *, errors: bool) -> None:
    _, failed, _ = counts(batch)
    if out is not None:
        say(f"Written to {out}.")
    if failed and not errors:
        say(f"{failed:,} failed and are not in it: dbatch fetch {batch['id']} --errors, or dbatch retry {batch['id']}")
