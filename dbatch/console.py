"""What a person or a program reads: answers on standard output, all else beside it, on standard error.

A terminal gets colours and tables that fit it; anything else plain lines, and tables with tabs between the cells.
NO_COLOR and TERM=dumb are respected, by rich.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

STYLES = {
    "completed": "green",
    "failed": "red",
    "expired": "red",
    "cancelled": "yellow",
    "cancelling": "yellow",
    "in_progress": "cyan",
}


def out() -> Console:
    return Console(highlight=False, markup=False, emoji=False)


def beside() -> Console:
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def is_lively(console: Console) -> bool:
    """Whether a line may be written over: on a terminal that can."""
    return console.is_terminal and not console.is_dumb_terminal


def say(*lines: str) -> None:
    for line in lines:
        click.echo(line, err=True)


def show(heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A table; numbers stand at the right. Without a terminal: a line with tabs for each row."""
    console = out()
    if not console.is_terminal:
        for row in (heads, *rows):
            click.echo("\t".join(row))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if head in right else "left", no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=_style(cell)) for cell in row))
    console.print(table)


def _style(cell: str) -> str:
    """Green is only what is wholly well: `completed, 38 of 40` is not."""
    state, comma, _ = cell.partition(",")
    return "yellow" if comma and state == "completed" else STYLES.get(state, "")


def moment(at: int | None, *, now: datetime | None = None) -> str:
    """Local time; with the day where it is another day than now."""
    if not at:
        return ""
    then = datetime.fromtimestamp(at).astimezone()
    today = (now or datetime.now().astimezone()).date()
    return then.strftime("%H:%M" if then.date() == today else "%Y-%m-%d %H:%M")


def amount(count: int, noun: str) -> str:
    """`1 line`, `2,000 lines`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def money(value: float | Decimal, currency: str) -> str:
    """All of it, with two decimals at least: `0.10 USD`, `0.000388 USD`, `1,234.50 EUR`."""
    exact = Decimal(str(value)).normalize()
    return f"{exact:,.{max(2, -int(exact.as_tuple().exponent))}f} {currency.upper()}"
