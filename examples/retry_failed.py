"""Send a file, say how it gets on, and send again what failed. `python retry_failed.py requests.jsonl`

Extensions of this service: the check beforehand, `progress`, `failures` and the retry.
"""

import sys
import time
from pathlib import Path

from openai import OpenAI
from openai.types import Batch

MOST_TRIES = 3


def wait(client: OpenAI, batch: Batch) -> Batch:
    while batch.status not in {"completed", "failed", "expired", "cancelled"}:
        time.sleep(1)
        batch = client.batches.retrieve(batch.id)
        progress = getattr(batch, "progress", None) or {}
        why = (progress.get("held_up") or {}).get("reason") or progress.get("reason") or ""
        print(batch.status, batch.request_counts, why)
    return batch


client = OpenAI()  # OPENAI_BASE_URL says where, OPENAI_API_KEY lets in
file = client.files.create(file=Path(sys.argv[1]), purpose="batch")
wishes = {"input_file_id": file.id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
found = client.post("/batches/validate", body=wishes, cast_to=object)
if not found["valid"]:
    sys.exit("\n".join(f"line {error['line']}: {error['message']}" for error in found["errors"]["data"]))
batch = wait(client, client.post("/batches", body=wishes, cast_to=Batch))
for _ in range(MOST_TRIES - 1):
    if not batch.error_file_id:
        break
    for failure in getattr(batch, "failures", None) or []:
        print(f"{failure['count']} x {failure['code']}: {failure['advice']}")
    batch = wait(client, client.post(f"/batches/{batch.id}/retry", cast_to=Batch))
print(batch.id, batch.status, batch.request_counts)
