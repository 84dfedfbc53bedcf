"""Standard error of the host and its workers: for a person, or, with `--log json`, an object of JSON a line.

A person reads what the console says (`local_host/console`) and, of the service's own log, warnings and errors: the
console tells in its own words what the log has as news. A program gets everything, with the fields that
docs/telemetry.md names.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from local_host.app.options import LogForm

_OWN = ("local_host", "api", "activities", "orchestrators", "timers", "shared")
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_TOLD = ("lane_paused",)  # By the console, batch by batch.
# What a person is told a record is about; all else is for programs.
_ABOUT = ("function", "reason", "count", "webhook_endpoint_id")


def configure_logging(form: LogForm) -> None:
    """Our own log and, from warnings on, that of libraries."""
    handler = logging.StreamHandler(sys.stderr)
    if form is LogForm.JSON:
        handler.setFormatter(_ForPrograms())
    else:
        handler.setFormatter(_ForPeople())
        handler.addFilter(lambda record: getattr(record, "action", None) not in _TOLD)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in _OWN:
        logging.getLogger(name).setLevel(logging.INFO if form is LogForm.JSON else logging.WARNING)


def speaker(form: LogForm, level: str = "INFO") -> Callable[[str], None]:
    """What says the console's lines."""

    def say(text: str) -> None:
        line = text
        if form is LogForm.JSON:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            line = json.dumps({"at": at, "level": level, "message": text})
        print(line, file=sys.stderr, flush=True)

    return say


class _ForPeople(logging.Formatter):
    """When, how bad, a sentence, and the batch by the id that a caller knows."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        first, _, rest = text.partition("\n")
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        line = f"{at}  {record.levelname.lower()}: {first}"
        if batch_id := getattr(record, "batch_id", None):
            line += f"  batch_{batch_id}"
        line += "".join(f"  {name}={getattr(record, name)}" for name in _ABOUT if hasattr(record, name))
        return f"{line}\n{rest}" if rest else line


class _ForPrograms(logging.Formatter):
    """Everything that the record has."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        own = {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
        line = {"at": at, "level": record.levelname, "message": record.getMessage(), **own}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
