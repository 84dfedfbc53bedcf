"""Groups of verbs: in the order in which they are used, and errors become sentences."""

from __future__ import annotations

from typing import Any

import click

from dbatch.exits import STOPPED, Failure
from dbatch.service import failure_of


class Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Failure("stopped.", "What was begun at the service goes on there.", code=STOPPED) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # Whatever the SDK raises: what it means is decided in one place.
            failure = failure_of(error)
            if failure is None:
                raise
            raise failure from error


def this_program() -> str:
    """The group whose verb runs, as it was called: `dbatch`, `dbatch admin`, `scripts/admin`."""
    parent = click.get_current_context().parent
    return parent.command_path if parent else "dbatch"
