"""A small app that uses everything the local host emulates."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from azurefunctions.extensions.http.fastapi import JSONResponse, Request, Response, StreamingResponse

PIECE = b"x" * 65536


async def hello(req: Request) -> dict:
    return {"name": req.path_params["name"], "query": dict(req.query_params)}


def text(req: Request) -> str:
    return "plain"


async def nothing(req: Request) -> None:
    return None


async def numbers(req: Request) -> list:
    return [1, 2]


async def created(req: Request) -> Response:
    return JSONResponse({"made": True}, status_code=201, headers={"x-made": "yes"})


async def boom(req: Request) -> None:
    raise RuntimeError("a secret detail")


async def known_file(req: Request) -> dict:
    return {"which": "literal"}


async def one_file(req: Request) -> dict:
    return {"which": "parameter", "id": req.path_params["id"]}


async def wild_file(req: Request) -> dict:
    return {"which": "wildcard", "path": req.path_params["path"]}


async def upload(req: Request) -> dict:
    return {"bytes": sum([len(piece) async for piece in req.stream()])}


async def download(req: Request) -> StreamingResponse:
    pieces = int(req.path_params["pieces"])

    async def body() -> AsyncIterator[bytes]:
        for _ in range(pieces):
            yield PIECE

    return StreamingResponse(body(), media_type="application/octet-stream")


async def start_count(req: Request, client: df.DurableOrchestrationClient) -> dict:
    name = req.query_params.get("by", "count_up")
    started = await client.start_new(name, req.path_params["id"], await req.json())
    return {"id": started}


async def read_count(req: Request, client: df.DurableOrchestrationClient) -> dict:
    status = await client.get_status(req.path_params["id"])
    return {"status": status.runtime_status.value if status else None, "output": status.output if status else None}


async def wait(req: Request) -> str:
    """Shows that it has begun by the file that WAITS names."""
    if begun := os.environ.get("WAITS"):
        Path(begun).touch()
    await asyncio.sleep(float(req.path_params["seconds"]))
    return "waited"


def count_up(context: df.DurableOrchestrationContext) -> Generator[Any, Any, int]:
    asked = context.get_input()
    total = 0
    for _ in range(asked["steps"]):
        total = yield context.call_activity("add_one", {"to": total, "seconds": asked["seconds"]})
    return total


def wait_for_go(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    context.set_custom_status({"waiting": True})
    return (yield context.wait_for_external_event("go"))


def copy_count(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    return (yield context.call_activity("start_copy", {"id": f"{context.instance_id}-copy", **context.get_input()}))


async def add_one(input: dict) -> int:
    await asyncio.sleep(input["seconds"])
    return int(input["to"]) + 1


async def start_copy(client: df.DurableOrchestrationClient, input: dict) -> str:
    return await client.start_new("count_up", input["id"], {"steps": input["steps"], "seconds": input["seconds"]})


async def tick(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    if "TICK_FILE" in os.environ:
        statuses = await client.get_status_all()
        note(f"{timer.past_due} {len(statuses)}\n")


def note(line: str) -> None:
    with Path(os.environ["TICK_FILE"]).open("a") as file:
        file.write(line)


HTTP = [
    (hello, "hello/{name}", ["GET"], False),
    (text, "text", ["GET"], False),
    (nothing, "nothing", ["GET"], False),
    (numbers, "numbers", ["GET"], False),
    (created, "created", ["POST"], False),
    (boom, "boom", ["GET"], False),
    (wild_file, "files/{*path}", ["GET"], False),
    (one_file, "files/{id}", ["GET"], False),
    (known_file, "files/special", ["GET"], False),
    (upload, "upload", ["POST"], False),
    (download, "download/{pieces}", ["GET"], False),
    (start_count, "counts/{id}", ["POST"], True),
    (read_count, "counts/{id}", ["GET"], True),
    (wait, "wait/{seconds}", ["GET"], False),
]


def build() -> df.DFApp:
    """A fresh app: `get_functions` may be called once on each."""
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for call, route, methods, takes_client in HTTP:
        handler = app.durable_client_input(client_name="client")(call) if takes_client else call
        app.function_name(call.__name__)(app.route(route=route, methods=methods)(handler))
    for orchestrator in (count_up, copy_count, wait_for_go):
        app.function_name(orchestrator.__name__)(app.orchestration_trigger(context_name="context")(orchestrator))
    app.function_name("add_one")(app.activity_trigger(input_name="input")(add_one))
    starter = app.durable_client_input(client_name="client")(start_copy)
    app.function_name("start_copy")(app.activity_trigger(input_name="input")(starter))
    timer = app.timer_trigger(arg_name="timer", schedule="%TICK_SCHEDULE%")
    app.function_name("tick")(timer(app.durable_client_input(client_name="client")(tick)))
    return app


app = build()
