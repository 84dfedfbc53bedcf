"""What one release of the Python SDK sees of a live service: `python flow.py URL KEY KIND…`, run by its own Python.

Prints one JSON object: way of connecting -> step -> what the step saw. It asserts nothing and imports nothing of ours;
a step that raises shows as `{"raised": …}`.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import time
import traceback

import openai

ENDED = ("completed", "failed", "expired", "cancelled")
URL, KEY, *KINDS = sys.argv[1:]


def openai_client(**options):
    return openai.OpenAI(**{"base_url": f"{URL}/v1", "api_key": KEY, **options})


def azure_client(**options):
    version = {"azure_endpoint": URL, "api_version": "2024-10-21"}
    return openai.AzureOpenAI(**{"api_key": KEY, **version, **options})


# Every way a caller may build a client for this service (contract 6.3).
CLIENTS = {
    "openai": openai_client,
    "azure": azure_client,
    "azure_preview": lambda **options: azure_client(api_version="2025-04-01-preview", **options),
    "azure_deployment": lambda **options: azure_client(azure_deployment="m", **options),
    "azure_v1": lambda **options: openai_client(base_url=f"{URL}/openai/v1/", **options),
    "azure_token": lambda **options: openai.AzureOpenAI(
        azure_endpoint=URL, api_version="2024-10-21", azure_ad_token=options.get("api_key", KEY)
    ),
    "deepinfra": lambda **options: openai_client(base_url=f"{URL}/v1/openai", **options),
}


class Retries(logging.Handler):
    """Counts how often the SDK tries a call again: it says so in its log."""

    count = 0

    def emit(self, record):
        self.count += record.getMessage().startswith("Retrying")


retries = Retries(logging.INFO)
logging.getLogger("openai").addHandler(retries)
logging.getLogger("openai").setLevel(logging.INFO)


def line(number, text="hello", **changes):
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return {"custom_id": f"c{number}", "method": "POST", "url": "/v1/chat/completions", "body": body, **changes}


def jsonl(*lines):
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def refused(call, *arguments, **options):
    """What the SDK raises, as a user's `except` sees it."""
    before = retries.count
    try:
        call(*arguments, **options)
    except openai.APIStatusError as error:
        return {
            "class": type(error).__name__,
            "status": error.status_code,
            "message": (error.body or {}).get("message"),
            "code": error.code,
            "param": error.param,
            "type": error.type,
            "text": str(error),
            "request_id": error.response.headers.get("x-request-id"),
            "retries": retries.count - before,
        }
    return None


class Flow:
    """One client's whole visit. Steps run in the order of their definition and may build on the ones before."""

    def __init__(self, kind):
        self.build = CLIENTS[kind]
        self.client = self.build()

    def upload(self, *lines, name="input.jsonl", **options):
        return self.client.files.create(file=(name, jsonl(*lines)), purpose="batch", **options)

    def create(self, file_id, **options):
        arguments = {"endpoint": "/v1/chat/completions", "completion_window": "24h", **options}
        return self.client.batches.create(input_file_id=file_id, **arguments)

    def wait(self, batch):
        until = time.monotonic() + 240
        while batch.status not in ENDED:
            if time.monotonic() > until:
                raise TimeoutError(f"still {batch.status}")
            time.sleep(0.05)
            batch = self.client.batches.retrieve(batch.id)
        return batch

    def lines(self, file_id):
        return [json.loads(text) for text in self.client.files.content(file_id).text.splitlines()] if file_id else []

    def step_upload(self):
        expiry = {"expires_after": {"anchor": "created_at", "seconds": 1_209_600}}
        self.file = self.upload(line(1), line(2, "[[status=400]] no"), line(3), extra_body=expiry)
        ready = self.client.files.wait_for_processing(self.file.id, poll_interval=0.1, max_wait_seconds=5)
        return {"file": self.file.model_dump(), "ready": ready.status}

    def step_create(self):
        raw = self.client.batches.with_raw_response.create(
            input_file_id=self.file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"made": "by hand"},
            extra_body={"output_expires_after": {"anchor": "created_at", "seconds": 1_209_600}},
        )
        self.batch = raw.parse()
        return {
            "batch": self.batch.model_dump(),
            "status": raw.http_response.status_code,
            "request_id": raw.headers.get("x-request-id"),
            "on_model": getattr(self.batch, "_request_id", None),
        }

    def step_poll(self):
        self.batch = self.wait(self.batch)
        seen = {"batch": self.batch.model_dump()}
        for kind in ("output", "error"):
            file_id = getattr(self.batch, f"{kind}_file_id")
            seen[kind] = self.lines(file_id)
            seen[f"{kind}_file"] = self.client.files.retrieve(file_id).model_dump()
        return seen

    def step_content(self):
        """The same bytes through every way to read them."""
        content = self.client.files.content(self.file.id)
        with self.client.files.with_streaming_response.content(self.file.id) as streamed:
            pieces = b"".join(streamed.iter_bytes())
        return {"bytes": len(content.read()), "same": content.content == pieces, "sent": self.file.bytes}

    def step_page_batches(self):
        """More than one page; releases before 1.62 stop at an empty one only (contract 1.6)."""
        made = [self.create(self.file.id).id for _ in range(3)]
        listed = [batch.id for batch in self.client.batches.list(limit=5)]
        first = self.client.batches.list(limit=2)
        second = self.client.batches.list(limit=2, after=first.data[-1].id)
        return {
            "made": made,
            "listed": listed,
            "pages": [batch.id for batch in first.data + second.data],
            "async": asyncio.run(self.page_asynchronously()),
        }

    async def page_asynchronously(self):
        kinds = {openai.OpenAI: openai.AsyncOpenAI, openai.AzureOpenAI: openai.AsyncAzureOpenAI}
        options = {"base_url": self.client.base_url, "api_key": KEY}
        if isinstance(self.client, openai.AzureOpenAI):
            options["api_version"] = "2024-10-21"
        async with kinds[type(self.client)](**options) as client:
            return [batch.id async for batch in client.batches.list(limit=7)]

    def step_page_files(self):
        made = [self.upload(line(1), name=f"{number}.jsonl").id for number in range(3)]
        listed = [file.id for file in self.client.files.list(purpose="batch")]
        paged = [file.id for file in self.client.files.list(purpose="batch", extra_query={"limit": 2})]
        results = [file.id for file in self.client.files.list(purpose="batch_output")]
        return {"made": made, "listed": listed, "paged": paged, "results": results}

    def step_inline(self):
        """Requests in the call, with what all have in common said once (an extension)."""
        nothing = getattr(openai, "omit", openai.NOT_GIVEN)
        requests = [{"custom_id": f"c{n}", "body": line(n)["body"]} for n in range(1, 3)]
        common = {"model": "m", "body": {"max_tokens": 5}, "requests": [*requests, {"custom_id": "c3"}]}
        failed = self.wait(self.create(nothing, extra_body=common))
        ended = self.wait(self.create(nothing, extra_body=common | {"requests": requests}))
        return {
            "custom_ids": [entry["custom_id"] for entry in self.lines(ended.output_file_id)],
            "input": self.lines(ended.input_file_id),
            "errors": [[error.code, error.line, error.param] for error in failed.errors.data],
        }

    def step_cancel(self):
        batch = self.create(self.upload(*(line(n, "[[latency=300]] x") for n in range(300))).id)
        while batch.status == "validating":
            time.sleep(0.05)
            batch = self.client.batches.retrieve(batch.id)
        cancelled = self.client.batches.cancel(batch.id)
        ended = self.wait(cancelled)
        again = self.client.batches.cancel(batch.id)
        ids = [entry["custom_id"] for entry in self.lines(ended.output_file_id) + self.lines(ended.error_file_id)]
        return {"answer": cancelled.status, "ended": ended.status, "again": again.status, "custom_ids": sorted(ids)}

    def step_fail(self):
        """Two bad lines among good ones: the batch fails and says where (contract 3.2)."""
        ended = self.wait(self.create(self.upload(line(1), line(2, url="/v1/other"), {"custom_id": "c3"}).id))
        return {
            "status": ended.status,
            "errors": [[error.code, error.line, error.param] for error in ended.errors.data],
            "files": [ended.output_file_id, ended.error_file_id],
        }

    def step_errors(self):
        batches, files = self.client.batches, self.client.files
        with self.build(api_key="wrong") as stranger:
            unauthenticated = refused(stranger.files.list)
        return {
            "unknown_batch": refused(batches.retrieve, "batch_none"),
            "unknown_batch_cancel": refused(batches.cancel, "batch_none"),
            "unknown_file": refused(files.retrieve, "file-none"),
            "unknown_content": refused(files.content, "file-none"),
            "cancel_ended": refused(batches.cancel, self.batch.id),
            "endpoint": refused(self.create, self.file.id, endpoint="/v1/invalid/endpoint"),
            "window": refused(self.create, self.file.id, completion_window="1h"),
            "metadata": refused(self.create, self.file.id, metadata={"tags": ["a"]}),
            "extension": refused(self.upload, line(1), name="input.txt"),
            "empty": refused(self.upload),
            "purpose": refused(files.create, file=("a.jsonl", jsonl(line(1))), purpose="vector_store"),
            "limit": refused(batches.list, limit=101),
            "unauthenticated": unauthenticated,
        }

    def step_uploads(self):
        """Releases that have it: parts, and what of them becomes a file that a batch can read."""
        if not hasattr(self.client, "uploads"):
            return None
        data = jsonl(*(line(n) for n in range(20)))
        upload = self.client.uploads.create(
            filename="parts.jsonl", purpose="batch", bytes=len(data), mime_type="application/jsonl"
        )
        halves = (data[:700], data[700:])
        parts = [self.client.uploads.parts.create(upload.id, data=io.BytesIO(half)).id for half in halves]
        done = self.client.uploads.complete(upload.id, part_ids=parts)
        ended = self.wait(self.create(done.file.id))
        other = self.client.uploads.create(filename="b.jsonl", purpose="batch", bytes=9, mime_type="application/jsonl")
        seen = {
            "pending": upload.status,
            "completed": done.status,
            "same": self.client.files.content(done.file.id).read() == data,
            "batch": ended.status,
            "cancelled": self.client.uploads.cancel(other.id).status,
        }
        if hasattr(self.client.uploads, "upload_file_chunked"):
            whole = self.client.uploads.upload_file_chunked(
                file=data,
                filename="whole.jsonl",
                bytes=len(data),
                mime_type="application/jsonl",
                purpose="batch",
                part_size=1000,
            )
            seen["chunked"] = self.client.files.content(whole.file.id).read() == data
        return seen

    def step_delete(self):
        deleted = self.client.files.delete(self.file.id)
        return {
            "answer": deleted.model_dump(),
            "again": refused(self.client.files.delete, self.file.id),
            "batch": self.client.batches.retrieve(self.batch.id).status,
        }


def visit(kind):
    flow, seen = Flow(kind), {}
    for name in [name for name in vars(Flow) if name.startswith("step_")]:
        try:
            seen[name.removeprefix("step_")] = getattr(flow, name)()
        except Exception:
            seen[name.removeprefix("step_")] = {"raised": traceback.format_exc()}
    return seen


print(json.dumps({"version": openai.__version__, "clients": {kind: visit(kind) for kind in KINDS}}))
