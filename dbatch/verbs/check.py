"""`dbatch check`: what is wrong with a file, before anything is spent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from dbatch.console import amount, money, say
from dbatch.exits import NOT_VALID, Failure
from dbatch.request_file import Findings, examine
from dbatch.service import connect, extension
from dbatch.uploading import upload

_MOST_ERRORS = 20


@click.command(short_help="Find mistakes in a file before it is sent.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--service", is_flag=True, help="Also ask the service: it reads all lines, and tells cost and end.")
@click.option("--window", default="24h", show_default=True, help="The completion window to ask the service about.")
def check(file: Path, *, service: bool, window: str) -> None:
    """Read FILE and name the mistakes for which a batch would be refused, each with its line.

    With --service the file is uploaded, validated there without a run (an extension of Durable Batch), and deleted.
    """
    found = checked(file)
    of = f"for {found.model} at {found.endpoint}"
    say(f"{file} is well: {amount(found.requests, 'request')}, {found.size:,} bytes, {of}.")
    if service:
        _ask(file, found, window)
    else:
        say(f"Next: dbatch check {file} --service, which tells cost and end;  or dbatch submit {file}")


def checked(file: Path) -> Findings:
    """What is in the file. Raises Failure with its mistakes."""
    found = examine(file)
    if found.mistakes:
        more = " at least" if found.is_full else ""
        lines = "\n".join(f"  {mistake}" for mistake in found.mistakes)
        raise Failure(
            f"{file} has{more} {amount(len(found.mistakes), 'mistake')}:\n{lines}",
            f"Mend the file; then: dbatch check {file}",
            code=NOT_VALID,
        )
    return found


def _ask(file: Path, found: Findings, window: str) -> None:
    with connect() as client:
        file_id = upload(client, file)
        try:
            answer = extension(
                client,
                "POST",
                "/batches/validate",
                what="validate a file without a run",
                instead="What can be seen without a run is well. `dbatch submit` sends it.",
                body={"input_file_id": file_id, "endpoint": found.endpoint, "completion_window": window},
            )
        finally:
            client.files.delete(file_id)
    if not answer.get("valid"):
        errors = (answer.get("errors") or {}).get("data") or []
        lines = "\n".join(f"  {_said(each)}" for each in errors[:_MOST_ERRORS])
        raise Failure(
            f"the service would refuse {file}:\n{lines}", "Mend these lines, then check again.", code=NOT_VALID
        )
    say(*_estimates(answer), f"Next: dbatch submit {file}")


def _said(error: Mapping[str, Any]) -> str:
    line = f"line {error['line']}: " if error.get("line") else ""
    return f"{line}{error.get('message') or error.get('code')}"


def _estimates(answer: Mapping[str, Any]) -> list[str]:
    exactly = "about " if answer.get("token_method") == "estimate" else ""
    lines = [f"The service takes it: {exactly}{answer.get('input_tokens') or 0:,} input tokens."]
    if cost := answer.get("estimated_cost"):
        whole = "" if cost.get("total") is not None else " for the input alone"
        value = cost.get("input") if cost.get("total") is None else cost["total"]
        lines.append(f"It will cost about {money(value or 0, cost['currency'])}{whole}.")
    if ends := answer.get("estimated_completion_at"):
        late = "" if answer.get("fits_completion_window") is not False else ", after its completion window"
        lines.append(f"Begun now, it would end at {datetime.fromtimestamp(ends).astimezone():%Y-%m-%d %H:%M}{late}.")
    if answer.get("fits_enqueued_token_limit") is False:
        lines.append(f"It is over the quota of {answer.get('enqueued_token_limit'):,} enqueued tokens at the moment.")
    return lines
