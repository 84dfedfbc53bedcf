"""An app to ask two hosts the same: orchestrations that fail, wait, take long and have children.

SEMANTICS_FOLDER is where its activities leave notes and find what was mended.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request

Course = Generator[Any, Any, Any]

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def in_folder(name: str) -> Path:
    return Path(os.environ["SEMANTICS_FOLDER"]) / name.replace(":", "-")


@app.route(route="client", methods=["GET"])
@app.durable_client_input(client_name="client")
async def client(req: Request, client: df.DurableOrchestrationClient) -> dict:
    """Where the durable client's calls go."""
    return {"rpc": client._orchestration_bindings.rpc_base_url}


@app.activity_trigger(input_name="input")
def echo(input: object) -> object:
    return input


@app.activity_trigger(input_name="input")
def boom(input: object) -> None:
    raise ValueError("nope")


@app.activity_trigger(input_name="name")
def flaky(name: str) -> str:
    """Fails until the instance of that name is mended."""
    if not in_folder(f"mended-{name}").exists():
        raise ValueError("not mended")
    return "fine"


@app.activity_trigger(input_name="input")
async def nap(input: dict) -> str:
    """Says when it begins and ends."""
    with in_folder(input["log"]).open("a") as log:
        log.write(f"begin {input['name']}\n")
        log.flush()
        await asyncio.sleep(input["seconds"])
        log.write(f"end {input['name']}\n")
    return str(input["name"])


@app.activity_trigger(input_name="input")
@app.durable_client_input(client_name="client")
async def start_other(input: str, client: df.DurableOrchestrationClient) -> str:
    return await client.start_new("echoes", input, 5)


@app.orchestration_trigger(context_name="context")
def starts_other(context: df.DurableOrchestrationContext) -> Course:
    return (yield context.call_activity("start_other", context.get_input()))


@app.orchestration_trigger(context_name="context")
def echoes(context: df.DurableOrchestrationContext) -> Course:
    return (yield context.call_activity("echo", context.get_input()))


@app.orchestration_trigger(context_name="context")
def waits(context: df.DurableOrchestrationContext) -> Course:
    return (yield context.wait_for_external_event("go"))


@app.orchestration_trigger(context_name="context")
def fails(context: df.DurableOrchestrationContext) -> Course:
    yield context.call_activity("boom", None)


@app.orchestration_trigger(context_name="context")
def mistaken(context: df.DurableOrchestrationContext) -> Course:
    yield context.call_activity("echo", None)
    raise ValueError("own mistake")


@app.orchestration_trigger(context_name="context")
def fragile(context: df.DurableOrchestrationContext) -> Course:
    first = yield context.call_activity("echo", 1)
    return [first, (yield context.call_activity("flaky", context.instance_id))]


@app.orchestration_trigger(context_name="context")
def quiet(context: df.DurableOrchestrationContext) -> Course:
    yield context.call_activity("flaky", context.instance_id)


@app.orchestration_trigger(context_name="context")
def persistent(context: df.DurableOrchestrationContext) -> Course:
    """Answers a failure with a timer."""
    try:
        return (yield context.call_activity("flaky", context.instance_id))
    except Exception:
        yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=100))
    return (yield context.call_activity("flaky", context.instance_id))


@app.orchestration_trigger(context_name="context")
def relies(context: df.DurableOrchestrationContext) -> Course:
    child = context.get_input()
    return (yield context.call_sub_orchestrator(child["name"], child.get("input"), child["id"]))


@app.orchestration_trigger(context_name="context")
def adopts(context: df.DurableOrchestrationContext) -> Course:
    """Returns what its child fails with."""
    child = context.get_input()
    try:
        return (yield context.call_sub_orchestrator(child["name"], child.get("input"), child["id"]))
    except Exception as error:
        return str(error)


@app.orchestration_trigger(context_name="context")
def naps(context: df.DurableOrchestrationContext) -> Course:
    """As many at once as asked for; returns what one fails with."""
    asked = context.get_input()
    names = [f"{context.instance_id}-{n}" for n in range(asked["count"])]
    try:
        return (yield context.task_all([context.call_activity("nap", {**asked, "name": name}) for name in names]))
    except Exception as error:
        return str(error)
