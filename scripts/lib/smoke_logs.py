"""What the workspace says: do the alerts' queries compile there, and how much does the service tell while it idles?

Needs `az`, signed in as somebody with the role Log Analytics Reader. The token is never printed.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
from smoke_call import CheckFailed, call

QUERIES = Path(__file__).resolve().parents[2] / "docs/operations"
API = "https://api.loganalytics.io"
HOW = "give --workspace ID (its customerId: `az monitor log-analytics workspace list`), with `az` signed in"
TOKEN_SECONDS = 60
MOST_ROWS_A_MINUTE = 300
_READER = "Sign in with `az login` as somebody with the role Log Analytics Reader on the workspace, and check its ID."
_FLOOD = (
    "The service exports what its own exporter logs, without end: deploy a version whose loggers are silenced "
    "(CHANGELOG.md), and set logDailyCapGb until then."
)
_MUCH = "See which table and category it is: `union App* | summarize count() by Type`; docs/operations.md, Cost."
# The quietest tenth of the minutes is what the service tells when nobody asks anything of it.
_IDLE = """
union withsource=Source App*
| where TimeGenerated > ago(1h)
| summarize rows = count() by bin(TimeGenerated, 1m)
| summarize minutes = count(), idle = percentile(rows, 10)
"""
_EXPORTING = """
AppTraces
| where TimeGenerated > ago(1h)
| where Message startswith "Transmission succeeded"
    or tostring(Properties["logger.name"]) startswith "azure.monitor.opentelemetry"
| count
"""


class SmokeLogs:
    """One workspace, asked through the REST interface that `az monitor log-analytics query` uses."""

    def __init__(self, http: httpx.Client, workspace: str, api: str) -> None:
        self._http, self._url = http, f"{api.rstrip('/')}/v1/workspaces/{workspace}/query"
        self._headers = {"Authorization": f"Bearer {_token(api)}"}

    def check_queries(self) -> str:
        """Every query of an alert. Raises CheckFailed naming those that do not compile."""
        files = sorted(QUERIES.glob("alert-*.kql"))
        wrong = [f"{file.name}: {reason}" for file in files if (reason := self._mistake(file.read_text()))]
        if wrong:
            raise CheckFailed("; ".join(wrong), "An alert with such a query never rings: mend docs/operations/*.kql.")
        return f"all {len(files)} compile"

    def check_idle(self) -> str:
        """How many rows came in the quiet minutes of the last hour. Raises CheckFailed if it is a flood."""
        minutes, idle = self._row(_IDLE)
        exporting = self._row(_EXPORTING)[0]
        if exporting:
            raise CheckFailed(f"{exporting:,} rows of an hour are about exporting rows", _FLOOD)
        if not minutes:
            raise CheckFailed("no row in an hour", "New rows take some minutes; then see docs/telemetry.md.")
        if idle > MOST_ROWS_A_MINUTE:
            raise CheckFailed(f"{idle:,.0f} rows in a quiet minute", _MUCH)
        return f"{idle:,.0f} rows in a quiet minute (of {minutes} with any), none about exporting"

    def _mistake(self, query: str) -> str | None:
        answer = self._ask(query)
        return None if answer.status_code == 200 else _innermost(answer)

    def _row(self, query: str) -> list[Any]:
        answer = self._ask(query)
        if answer.status_code != 200:
            raise CheckFailed(_innermost(answer), _READER)
        rows: list[list[Any]] = answer.json()["tables"][0]["rows"]
        return rows[0] if rows else [0, 0]

    def _ask(self, query: str) -> httpx.Response:
        answer = call(self._http, "POST", self._url, json={"query": query}, headers=self._headers)
        if answer.status_code in (401, 403, 404):
            raise CheckFailed(f"the workspace answers {answer.status_code}: {_innermost(answer)}", _READER)
        return answer


def _token(api: str) -> str:
    """Raises CheckFailed if `az` gives none."""
    az = shutil.which("az")
    if az is None:
        raise CheckFailed("there is no `az` on the PATH", "Install the Azure CLI, or leave --workspace out.")
    command = [az, "account", "get-access-token", "--resource", api, "--query", "accessToken", "--output", "tsv"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=TOKEN_SECONDS)
    if done.returncode:
        raise CheckFailed(f"`az` gives no token: {' '.join(done.stderr.split())[:200]}", _READER)
    return done.stdout.strip()


def _innermost(answer: httpx.Response) -> str:
    """The last of the nested errors says which word of the query is wrong."""
    try:
        error = answer.json()["error"]
        while "innererror" in error:
            error = error["innererror"]
        return str(error["message"])
    except (ValueError, LookupError, TypeError):
        return " ".join(answer.text.split())[:200] or f"HTTP {answer.status_code}"
