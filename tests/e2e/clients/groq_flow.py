"""What Groq's SDK sees of a live service: `python groq_flow.py URL KEY`, run by its own Python.

Its addresses begin with `/openai/v1` at the root of the service. Prints one JSON object: step -> what it saw.
"""

from __future__ import annotations

import json
import sys
import time

import groq

URL, KEY = sys.argv[1:]
ENDED = ("completed", "failed", "expired", "cancelled")


def jsonl(*texts):
    bodies = [{"model": "m", "messages": [{"role": "user", "content": text}]} for text in texts]
    lines = [
        {"custom_id": f"c{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
        for number, body in enumerate(bodies)
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


class Flow:
    """Steps build on the ones before."""

    def __init__(self):
        self.client = groq.Groq(base_url=URL, api_key=KEY)

    def create(self, *texts):
        self.file = self.client.files.create(file=("in.jsonl", jsonl(*texts)), purpose="batch")
        return self.client.batches.create(
            input_file_id=self.file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"by": "groq"},
        )

    def wait(self, batch_id):
        until = time.monotonic() + 240
        while (batch := self.client.batches.retrieve(batch_id)).status not in ENDED:
            if time.monotonic() > until:
                raise TimeoutError(f"still {batch.status}")
            time.sleep(0.05)
        return batch

    def custom_ids(self, file_id):
        text = self.client.files.content(file_id).text() if file_id else ""
        return [json.loads(line)["custom_id"] for line in text.splitlines()]

    def whole(self):
        made = self.create("hello", "[[status=400]] no", "hello")
        ended = self.wait(made.id)
        return {
            "file": self.file.to_dict(),
            "made": made.to_dict(),
            "ended": ended.to_dict(),
            "output": self.custom_ids(ended.output_file_id),
            "error": self.custom_ids(ended.error_file_id),
            "input": self.client.files.content(self.file.id).read() == jsonl("hello", "[[status=400]] no", "hello"),
        }

    def lists(self):
        batches, files = self.client.batches.list(), self.client.files.list()
        return {
            "batches": [batch.id for batch in batches.data],
            "files": [file.id for file in files.data],
            "limited": len(self.client.files.list(extra_query={"limit": 1}).data),
            "info": self.client.files.info(self.file.id).to_dict(),
        }

    def cancel(self):
        batch = self.create(*(f"[[latency=300]] {n}" for n in range(300)))
        while batch.status == "validating":
            time.sleep(0.05)
            batch = self.client.batches.retrieve(batch.id)
        answer = self.client.batches.cancel(batch.id)
        ended = self.wait(batch.id)
        found = self.custom_ids(ended.output_file_id) + self.custom_ids(ended.error_file_id)
        return {"answer": answer.status, "ended": ended.status, "found": sorted(found)}

    def errors(self):
        seen = {}
        for name, call in {"batch": self.client.batches.retrieve, "file": self.client.files.info}.items():
            try:
                call("none")
            except groq.NotFoundError as error:
                seen[name] = error.body["error"]["message"]
        return seen

    def delete(self):
        return self.client.files.delete(self.file.id).to_dict()


flow = Flow()
steps = {name: getattr(flow, name)() for name in ("whole", "lists", "cancel", "errors", "delete")}
print(json.dumps({"version": groq.__version__, **steps}))
