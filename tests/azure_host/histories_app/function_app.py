"""The product's orchestrators over activities that answer as their course says: `tests/record_histories` has the courses.

HISTORIES_FOLDER is where every call of an orchestrator leaves what the durable extension gave it.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

import azure.durable_functions as df
import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request

from orchestrators import names
from orchestrators.deliver_webhook import deliver_webhook
from orchestrators.run_batch import run_batch
from orchestrators.run_lane import run_lane
from tests.courses import COURSES, FAULT

FOLDER = Path(os.environ["HISTORIES_FOLDER"])
told: Counter[tuple[str, str]] = Counter()
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="client", methods=["GET"])
@app.durable_client_input(client_name="client")
async def client(req: Request, client: df.DurableOrchestrationClient) -> dict:
    """Where the durable client's calls go."""
    return {"rpc": client._orchestration_bindings.rpc_base_url}


def answering(name: str) -> Callable[[dict], Any]:
    """The activity of that name: what its course has said so far is counted, a fault is raised."""

    def activity(input: dict) -> Any:
        course = (input.get("batch_id") or input["delivery_id"]).partition("@")[0]
        answers = COURSES[course].answers.get(name, [{"done": True, "wait": 0.0, "waited": 0.0}])
        said = answers[min(told[course, name], len(answers) - 1)]
        told[course, name] += 1
        if said == FAULT:
            raise RuntimeError(FAULT)
        return said

    return activity


def noting(handle: Callable[[func.OrchestrationContext], str]) -> Callable[[func.OrchestrationContext], str]:
    """The orchestrator; what it is given is kept, a line a call."""

    def orchestrator(context: func.OrchestrationContext) -> str:
        body = json.loads(context.body)
        with (FOLDER / body["instanceId"].partition(":")[0]).with_suffix(".jsonl").open("a") as notes:
            notes.write(json.dumps(body) + "\n")
        return handle(context)

    return orchestrator


for name, orchestrator in (
    (names.RUN_BATCH, run_batch),
    (names.RUN_LANE, run_lane),
    (names.DELIVER_WEBHOOK, deliver_webhook),
):
    function = app.function_name(name)(app.orchestration_trigger(context_name="context")(orchestrator))
    function._function._func = noting(function._function._func)
for name in (
    names.VALIDATE_INPUT,
    names.RESERVE_QUOTA,
    names.WORK_LANE,
    names.FINISH_BATCH,
    names.SEND_WEBHOOK,
):
    app.function_name(name)(app.activity_trigger(input_name="input")(answering(name)))
del function
