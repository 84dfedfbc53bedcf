"""Which log lines are exported: our own from INFO, anybody's from WARNING, and none about exporting.

The worker hangs OpenTelemetry's handler on the root logger, at INFO, and then imports the app (platform 4.4).
The exporter tells of each export, so each export leaves something for the next; libraries and the worker tell of each
call. Rule: what is said while something is exported, or by those who export, is never exported, at whatever level: an
endpoint that is ill would be told of its illness without end. It goes to standard error instead, from WARNING.
"""

from __future__ import annotations

import logging

from opentelemetry import context

OURS = frozenset({"activities", "api", "orchestrators", "shared", "timers"})
EXPORTERS = ("azure.monitor.", "opentelemetry.")
# Every part of the SDK that exports sets this while it does; instrumentations look at it as well.
_EXPORTING = context._SUPPRESS_INSTRUMENTATION_KEY  # noqa: SLF001 - has no public name in the API
_console = logging.StreamHandler()


def choose_exported_lines() -> None:
    """To be called once, when the worker has set up telemetry. Does nothing to handlers that do not export."""
    for handler in logging.getLogger().handlers:
        if type(handler).__module__.startswith("opentelemetry."):
            handler.addFilter(_is_worth_exporting)
    # The worker's web server writes path and query of every call to standard output, which the host takes for a log.
    # Its own set-up comes later and sets levels, but leaves filters.
    logging.getLogger("uvicorn.access").addFilter(_is_warning)


def _is_worth_exporting(record: logging.LogRecord) -> bool:
    if context.get_value(_EXPORTING) or record.name.startswith(EXPORTERS):
        if _is_warning(record):
            _console.handle(record)
        return False
    return _is_warning(record) or record.name.partition(".")[0] in OURS


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
