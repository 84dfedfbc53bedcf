"""What a person or a program reads: answers on standard output, all else beside it, on standard error.

A terminal gets colours and tables that fit it; anything else plain lines, and tables with tabs between the cells.
NO_COLOR and TERM=dumb are respected, by rich.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {
    "completed": "green",
    "failed": "red",
    "expired": "red",
    "cancelled": "yellow",
    "cancelling": "yellow",
    "in_progress": "cyan",
}


def lively() -> Console | None:
    """Standard error, if a line may be written over there: on a terminal that can."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console  # Only a terminal needs it, and it takes a while to load.

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    return console if console.is_terminal and not console.is_dumb_terminal else None


def say(*lines: str) -> None:
    for line in lines:
        click.echo(line, err=True)


def show(heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A table; numbers stand at the right. Without a terminal: a line with tabs for each row."""
    if not sys.stdout.isatty():
        for row in (heads, *rows):
            click.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if head in right else "left", no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=_style(cell)) for cell in row))
    Console(highlight=False, markup=False, emoji=False).print(table)


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
    """All of it: `0.10 USD`, `0.000388 USD`, `1,234.50 EUR`."""
    return f"{exact(value)} {currency.upper()}"


def exact(value: float | Decimal) -> str:
    """Every digit, two decimals at least."""
    number = Decimal(str(value)).normalize()
    return f"{number:,.{max(2, -int(number.as_tuple().exponent))}f}"
