"""`dbatch run`: a table of questions becomes a table of answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from dbatch.console import amount, money, say
from dbatch.downloading import whole_file
from dbatch.exits import NOT_ALL_ANSWERED, STOPPED, Failure
from dbatch.options import extras, of_a_new_batch
from dbatch.prompts import ENDPOINTS, Question, Template, properties, read_schema
from dbatch.request_file import MOST_BYTES, MOST_LINES
from dbatch.result_lines import harmless
from dbatch.run_state import RunState
from dbatch.service import connect
from dbatch.tables import OUT_KINDS, check_sink, open_sink, open_table
from dbatch.whole_run import Limits, Run

_file = click.Path(path_type=Path, dir_okay=False)
_there = click.Path(path_type=Path, dir_okay=False, exists=True)
_AT_ONCE = 4
_GROUPS = 5


def _fields(_: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    """`name=value`, where value is JSON, or else text."""
    found: dict[str, Any] = {}
    for each in given:
        name, is_there, value = each.partition("=")
        if not is_there or not name:
            raise click.BadParameter("write it as NAME=VALUE, such as temperature=0", param=parameter)
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


@click.command(short_help="From a table of questions to a table of answers.")
@click.argument("table", type=_there, metavar="INPUT")
@click.option("--model", help="`dbatch models` lists them.")
@click.option("--prompt", help='What to ask of each row, such as "Classify: {{text}}".')
@click.option("--system", help="The system's message; may have {{column}} too.")
@click.option("--schema", type=_there, help="A JSON Schema of an object: answers get a column for each property.")
@click.option("--set", "fields", multiple=True, callback=_fields, metavar="NAME=VALUE", help="In each request's body.")
@click.option("--endpoint", type=click.Choice(ENDPOINTS), default=ENDPOINTS[0], show_default=True)
@click.option("--out", type=_file, required=True, help=f"By its ending: {', '.join(OUT_KINDS)}.")
@click.option("--state", type=_file, help="What the run has done so far.  [default: OUT.state]")
@click.option("--fresh", is_flag=True, help="Forget what a run before has done, and pay for it again.")
@click.option("--window", default="24h", show_default=True, help="How long each batch may take.")
@of_a_new_batch
@click.option("--batch-requests", type=click.IntRange(1), default=MOST_LINES, show_default=True, help="In one batch.")
@click.option("--batch-bytes", type=click.IntRange(1), default=MOST_BYTES, show_default=True, help="In one batch.")
@click.option("--at-once", type=click.IntRange(1), default=_AT_ONCE, show_default=True, help="Batches under way.")
@click.option("--exact", is_flag=True, help="Put no ' before answers that a spreadsheet takes for formulas.")
def run(table: Path, *, out: Path, exact: bool, **chosen: Any) -> None:
    """Ask a model about each row of INPUT, and write the answers beside its columns to --out.

    INPUT is a CSV, TSV, JSON Lines or Parquet file, or a text file with a prompt on each line. JSON Lines may be
    requests of a batch already. Started again after whatever ended it, the same command goes on where it was and
    sends nothing twice; after a run that left rows without an answer, it sends only those.

    Exits with 0 only if every row was answered.
    """
    question = _question(**chosen)
    check_sink(out)
    read = open_table(table)
    question.check(read.columns)
    if next(iter(read.rows()), None) is None:
        raise Failure(f"{table.name} has no rows.", "There is nothing to ask.")
    with connect() as client:
        about = {"input": _digest(table), "service": str(client.base_url), **_about(question)}
        kept = RunState(chosen["state"] or out.with_name(f"{out.name}.state"), about, fresh=chosen["fresh"])
        limits = Limits(chosen["batch_requests"], chosen["batch_bytes"], chosen["at_once"])
        going = Run(
            client,
            read,
            question,
            kept,
            out.with_name(f"{out.name}.part"),
            limits,
            {"window": chosen["window"], **extras(**chosen)},
        )
        try:
            going.go()
            _write(out, going, exact=exact or out.suffix.lower() not in (".csv", ".tsv"))
            _tell(out, going)
        except KeyboardInterrupt:
            raise Failure("stopped.", "Batches go on. The same command goes on with them.", code=STOPPED) from None
        finally:
            going.draft.unlink(missing_ok=True)
            kept.close()


def _question(
    *,
    endpoint: str,
    model: str | None,
    prompt: str | None,
    system: str | None,
    schema: Path | None,
    fields: dict[str, Any],
    **_: Any,
) -> Question:
    return Question(
        endpoint,
        model,
        Template(prompt) if prompt else None,
        Template(system) if system else None,
        read_schema(schema.read_text(), schema.name) if schema else None,
        fields,
    )


def _about(question: Question) -> dict[str, Any]:
    """What must be the same for a run to go on, by the names that a person knows it by."""
    templates = {"prompt": question.prompt, "system": question.system}
    return {
        "endpoint": question.endpoint,
        "model": question.model,
        "schema": question.schema,
        "set": question.fields,
        **{name: template.text if template else None for name, template in templates.items()},
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _columns(taken: Sequence[str], question: Question) -> Iterator[str]:
    """What an answer adds; a name that the input has already gets a number."""
    for name in (*(properties(question.schema) if question.schema else ["answer"]), "error"):
        number, found = 1, name
        while found in taken:
            number += 1
            found = f"{name}_{number}"
        yield found


def _write(out: Path, run: Run, *, exact: bool) -> None:
    table, question = run.table, run.question
    names = properties(question.schema) if question.schema else None
    columns = list(_columns(table.columns, question))
    with whole_file(out) as file, open_sink(out, file, table, columns) as sink:
        for row, (_, answer, error) in zip(table.rows(), run.state.answers(), strict=True):
            found = json.loads(answer) if names is not None and answer is not None else {}
            values = [answer] if names is None else [found.get(name) for name in names]
            added = values if exact else [harmless(each) if isinstance(each, str) else each for each in values]
            sink.write({**row, **dict(zip(columns, [*added, error], strict=True))})


def _tell(out: Path, run: Run) -> None:
    """Raises click's Exit if a row has no answer."""
    answered, _, total = run.state.counts()
    say(f"{answered:,} of {amount(total, 'row')} answered: {out}")
    for currency, cost in run.costs.items():
        say(f"It cost {money(cost, currency)}.")
    if answered == total:
        return
    for error, count, first in run.state.failures(_GROUPS):
        say(f"  {count:,} x {error}  (first: row {first})")
    say("The same command sends again what has no answer, and nothing else.")
    raise click.exceptions.Exit(NOT_ALL_ANSWERED)
