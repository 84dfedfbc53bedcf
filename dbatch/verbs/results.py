"""`dbatch results`: result lines as they come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dbatch.console import say
from dbatch.downloading import whole_file
from dbatch.exits import STOPPED, Failure
from dbatch.service import connect, results_page
from dbatch.watching import patiently

if TYPE_CHECKING:
    from openai import OpenAI

    from dbatch.service import ResultsPage

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
_LARGE = 1_000_000  # A page of so many bytes was cut: more is there already.
_MOST = 50_000  # The service ends a page at some megabytes anyway.


@click.command(short_help="Read results as they come, in input order.")
@click.argument("batch_id", metavar="ID")
@click.option("--failed", "status", flag_value="failed", help="Only what failed.")
@click.option("--succeeded", "status", flag_value="succeeded", help="Only what was answered.")
@click.option("--custom-id", help="Only this one's.")
@click.option("--after", type=click.IntRange(0), default=0, help="Only results past this line of the input.")
@click.option("--no-follow", is_flag=True, help="Only what is there now.")
def results(
    batch_id: str,
    *,
    status: str | None,
    custom_id: str | None,
    after: int,
    no_follow: bool,
) -> None:
    """Write the result lines of a batch in the order of its input, answers and failures alike, as JSON Lines.

    Of a batch that runs each comes when all before it are there, until the batch has ended. An extension of Durable
    Batch; elsewhere `dbatch fetch` has the answers at the end.
    """
    wanted: dict[str, Any] = {"status": status, "custom_id": custom_id, "limit": _MOST}
    query = {name: value for name, value in wanted.items() if value is not None}
    reading = _Reading(batch_id, query, after)
    with connect() as client, whole_file(None) as target:
        batch: Any = client.batches.retrieve(batch_id).to_dict()  # A 404 of the next call: there is no such call.
        if (batch.get("progress") or {}).get("results_at_end") and not custom_id:
            say("Requests that begin alike are sent side by side: results come in order when the batch has ended.")
        try:
            for page in reading.pages(client):
                target.write(page.data)
                target.flush()
                if no_follow and len(page.data) < _LARGE:
                    break
        except KeyboardInterrupt:
            again = f"dbatch results {batch_id} --after {reading.after}"
            raise Failure("stopped reading.", f"The batch goes on. Again: {again}", code=STOPPED) from None


class _Reading:
    """Where in a batch's results we are: `after` is the last line that was taken."""

    def __init__(self, batch_id: str, query: dict[str, Any], after: int) -> None:
        self._batch_id, self._query, self.after = batch_id, query, after

    def pages(self, client: OpenAI) -> Iterator[ResultsPage]:
        """To the last one: at once after a large one."""
        pause = _FIRST_PAUSE
        while True:
            query = {**self._query, "after": self.after}
            page = patiently(lambda: results_page(client, self._batch_id, query), say)  # noqa: B023 - called here
            yield page
            self.after = page.last_line
            if not page.is_incomplete:
                return
            pause = _FIRST_PAUSE if page.data else min(pause * 1.5, _LONGEST_PAUSE)
            if len(page.data) < _LARGE:
                time.sleep(pause)
