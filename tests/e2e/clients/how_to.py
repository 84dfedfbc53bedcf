"""The vendors' how-to pages, call by call, as one release of the SDK runs them: `python how_to.py URL KEY`.

Only the pauses between polls are shorter than there. Prints what a reader of the pages would have at the end.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import openai

URL, KEY = sys.argv[1:]
PAUSE = 0.1
TAKES_PROVIDER = tuple(int(part) for part in openai.__version__.split(".")[:2]) >= (1, 106)


def written(folder, name, *lines):
    path = Path(folder) / name
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def chat(custom_id, question):
    messages = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": question}]
    body = {"model": "m", "messages": messages, "max_tokens": 1000}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


def response(custom_id, question):
    body = {"model": "m", "input": question}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/responses", "body": body}


def openai_guide(folder):
    """Upload, create, check the status, retrieve the results, cancel, list (OpenAI's Batch guide)."""
    client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY)
    path = written(folder, "batchinput.jsonl", chat("request-1", "Hello world!"), chat("request-2", "Hello again!"))
    with path.open("rb") as file:
        batch_input_file = client.files.create(file=file, purpose="batch")
    batch = client.batches.create(
        input_file_id=batch_input_file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"description": "nightly eval job"},
    )
    while batch.status not in ("completed", "failed", "expired", "cancelled"):
        time.sleep(PAUSE)
        batch = client.batches.retrieve(batch.id)
    answers = {}
    for line in client.files.content(batch.output_file_id).text.splitlines():
        result = json.loads(line)
        answers[result["custom_id"]] = result["response"]["body"]["choices"][0]["message"]["content"]
    downloaded = Path(folder) / "batch_output.jsonl"
    client.files.content(batch.output_file_id).write_to_file(downloaded)
    second = client.batches.create(
        input_file_id=batch_input_file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    cancelled = client.batches.cancel(second.id)
    return {
        "status": batch.status,
        "metadata": batch.metadata,
        "answers": answers,
        "downloaded": downloaded.read_text().count("\n"),
        "cancelled": cancelled.status,
        "listed": [item.id for item in client.batches.list(limit=10).data][:2] == [second.id, batch.id],
    }


def azure_how_to(folder):
    """Microsoft's page with the plain client on the v1 API: chat lines."""
    path = written(
        folder, "test.jsonl", chat("task-0", "When was Microsoft founded?"), chat("task-1", "What is Basic?")
    )
    return azure_flow(path, lambda body: body["choices"][0]["message"]["content"])


def azure_how_to_for_responses(folder):
    """The same page with lines for the Responses API: the `endpoint` of the create call stays as it is."""
    path = written(folder, "test.jsonl", response("task-0", "When was Microsoft founded, and by whom?"))
    return azure_flow(path, lambda body: body["output"][0]["content"][0]["text"])


def azure_flow(path, answer):
    client = openai.OpenAI(base_url=f"{URL}/openai/v1/", api_key=(lambda: KEY) if TAKES_PROVIDER else KEY)
    with path.open("rb") as opened:
        file = client.files.create(
            file=opened,
            purpose="batch",
            extra_body={"expires_after": {"seconds": 1209600, "anchor": "created_at"}},
        )
    days = (datetime.fromtimestamp(file.expires_at, UTC) - datetime.now(UTC)).days
    batch_response = client.batches.create(
        input_file_id=file.id,
        endpoint="/chat/completions",
        completion_window="24h",
        extra_body={"output_expires_after": {"seconds": 1209600, "anchor": "created_at"}},
    )
    batch_id = batch_response.id
    json.loads(batch_response.model_dump_json(indent=2))
    status = "validating"
    while status not in ("completed", "failed", "canceled"):
        time.sleep(PAUSE)
        batch_response = client.batches.retrieve(batch_id)
        status = batch_response.status
    if batch_response.status == "failed":
        for error in batch_response.errors.data:
            print(f"Error code {error.code} Message {error.message}", file=sys.stderr)
    output_file_id = batch_response.output_file_id
    if not output_file_id:
        output_file_id = batch_response.error_file_id
    raw_responses = client.files.content(output_file_id).text.strip().split("\n")
    results = [json.loads(raw_response) for raw_response in raw_responses]
    return {
        "status": status,
        "days": days,
        "answers": {result["custom_id"]: answer(result["response"]["body"]) for result in results},
        "listed": batch_id in [job.id for job in client.batches.list(limit=20)],
        "errors": client.files.content(batch_response.error_file_id).text,
    }


with tempfile.TemporaryDirectory() as folder:
    flows = (openai_guide, azure_how_to, azure_how_to_for_responses)
    print(json.dumps({flow.__name__: flow(folder) for flow in flows}))
