"""How the program ends: its exit codes, and the error that says what to do next.

2 is click's own, for a command line that cannot be understood.
"""

from __future__ import annotations

from typing import IO, Any

import click

DONE = 0
NOT_DONE = 1  # The service refused or could not be reached, or a file cannot be read or written.
NOT_ALL_ANSWERED = 3  # The batch has ended, and not every line has an answer.
NOT_VALID = 4  # A check found mistakes in the file.
STOPPED = 130  # Ctrl-C: what a shell reports of a program that SIGINT ended.


class Failure(click.ClickException):
    """What went wrong, and what to do about it."""

    def __init__(self, seen: str, advice: str = "", *, code: int = NOT_DONE) -> None:
        super().__init__(seen)
        self.advice = advice
        self.exit_code = code  # type: ignore[misc] # click's own classes do so as well

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002 - click's signature
        click.echo(f"Not done: {self.message}", err=True)
        if self.advice:
            click.echo(self.advice, err=True)
