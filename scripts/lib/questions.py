"""The batch of the demo: three questions, sent, watched and read through the official OpenAI SDK.

Knows nothing of how the service was started; any address, key and deployment will do.
"""

from __future__ import annotations

import json
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import openai
from openai.types import Batch

QUESTIONS = {
    "question-1": "When was Microsoft founded?",
    "question-2": "When was the first XBOX released?",
    "question-3": "What is Altair Basic?",
}
ENDED = {"completed", "failed", "expired", "cancelled"}
POLL_SECONDS = 0.25
PATIENCE_SECONDS = 300.0


class NotAnswered(Exception):
    """The batch did not answer every question; the message is for the reader."""


def ask(base_url: str, key: str, questions: Path) -> None:
    """Send the input file, show progress, print answers and output file. Raises NotAnswered."""
    client = openai.OpenAI(base_url=base_url, api_key=key)
    try:
        batch = _watch(client, _create(client, questions))
        _refuse_anything_but_success(client, batch)
        _show(client.files.content(batch.output_file_id or "").text)
    except openai.APIError as error:
        raise NotAnswered(f"The service refused a call: {error}") from error


def input_file(model: str) -> bytes:
    """The input file: one request line for each question."""
    return b"".join(json.dumps(_request_line(model, *item)).encode() + b"\n" for item in QUESTIONS.items())


def _request_line(model: str, custom_id: str, question: str) -> dict[str, Any]:
    messages = [
        {"role": "system", "content": "You are an AI assistant that helps people find information."},
        {"role": "user", "content": question},
    ]
    body = {"model": model, "messages": messages, "max_tokens": 96, "temperature": 0}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


def _create(client: openai.OpenAI, questions: Path) -> Batch:
    file = client.files.create(file=questions, purpose="batch")
    print(f"Uploaded {file.filename}: {file.id}, {file.bytes} bytes.")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    print(f"Created  {batch.id}.", flush=True)
    return batch


def _watch(client: openai.OpenAI, batch: Batch) -> Batch:
    began, last = time.monotonic(), ""
    while batch.status not in ENDED:
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise NotAnswered(f"{batch.id} is still {batch.status} after {PATIENCE_SECONDS:.0f} s; see service.log.")
        last = _progress(batch, time.monotonic() - began, last)
        time.sleep(POLL_SECONDS)
        batch = client.batches.retrieve(batch.id)
    _progress(batch, time.monotonic() - began, last)
    print(flush=True)
    return batch


def _progress(batch: Batch, seconds: float, last: str) -> str:
    """One line that moves on a terminal; elsewhere a line for each change."""
    counts = batch.request_counts
    state = (
        f"{batch.status:<11} {counts.completed}/{counts.total} answered, {counts.failed} failed"
        if counts and counts.total  # 0 until the file is read
        else batch.status
    )
    if sys.stdout.isatty():
        print(f"\r\033[K  {seconds:5.1f} s  {state}", end="", flush=True)
    elif state != last:
        print(f"  {seconds:5.1f} s  {state}", flush=True)
    return state


def _refuse_anything_but_success(client: openai.OpenAI, batch: Batch) -> None:
    problems = [f"{batch.id} ended as {batch.status}."] if batch.status != "completed" else []
    for error in (batch.errors and batch.errors.data) or []:
        problems.append(f"{error.code}: {error.message} (line {error.line}, {error.param})")
    if batch.error_file_id:
        problems += ["These lines failed:", client.files.content(batch.error_file_id).text.rstrip()]
    if not problems and not batch.output_file_id:
        problems.append(f"{batch.id} completed without an output file.")
    if problems:
        raise NotAnswered("\n".join(problems))


def _show(output: str) -> None:
    results = [json.loads(line) for line in output.splitlines()]
    missing = QUESTIONS.keys() - {result["custom_id"] for result in results}
    for result in results:
        body = result["response"]["body"]
        answer = body["choices"][0]["message"]["content"].strip()
        print(f"{QUESTIONS[result['custom_id']]}")
        print(textwrap.fill(answer, 100, initial_indent="  ", subsequent_indent="  "))
        print(f"  ({body['usage']['completion_tokens']} tokens)\n")
    print("(The model is very small: fluent, often wrong.) The output file as it is:\n")
    print(output, flush=True)
    if missing:
        raise NotAnswered(f"The output file has no line for {', '.join(sorted(missing))}.")
