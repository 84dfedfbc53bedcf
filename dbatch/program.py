"""The program `dbatch`: its verbs, its version, and what it says when something goes wrong."""

from __future__ import annotations

import click

from dbatch.groups import Verbs
from dbatch.verbs import admin, batches, check, fetch, models, results, run, submit, usage, watch

_EPILOG = """OPENAI_BASE_URL names the service, such as http://127.0.0.1:7071/v1 (without it, OpenAI itself is asked);
OPENAI_API_KEY has the key.

\b
Exit codes:
    0  done; of a batch that was watched, or a run: every request was answered
    1  the service or a file refused
    2  the command line is wrong
    3  the batch or the run has ended, and not every request was answered
    4  a check found mistakes in the file
  130  stopped by Ctrl-C; what was begun at the service goes on
"""


def _show_version(ctx: click.Context, _: click.Parameter, is_wanted: bool) -> None:
    if not is_wanted:
        return
    from importlib.metadata import PackageNotFoundError, version  # As slow to load as all the rest but the SDK.

    try:
        click.echo(f"dbatch {version('durable-batch')}")
    except PackageNotFoundError:
        click.echo("dbatch (not installed: run from a clone)")
    ctx.exit()


@click.group(cls=Verbs, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show it and exit."
)
def program() -> None:
    """Send a file of requests to a Batch API, watch it, and fetch the answers."""


for verb in (
    models.models,
    run.run,
    check.check,
    submit.submit,
    watch.watch,
    results.results,
    fetch.fetch,
    batches.list_batches,
    batches.retry,
    batches.pause,
    batches.resume,
    batches.change,
    batches.cancel,
    batches.delete,
    usage.usage,
    admin.admin,
):
    program.add_command(verb)
