"""What one release of the Python SDK sees with tokens in place of a key: `python token_flow.py URL TOKEN WAY…`.

Prints one JSON object: way of connecting -> what came of a batch. It asserts nothing and imports nothing of ours.
"""

from __future__ import annotations

import json
import sys
import time

import openai

URL, TOKEN, *WAYS = sys.argv[1:]
asked = []


def provider():
    asked.append(1)
    return TOKEN


# Every way to hand over a token.
CLIENTS = {
    "provider": lambda: openai.AzureOpenAI(
        azure_endpoint=URL, api_version="2024-10-21", azure_ad_token_provider=provider
    ),
    "token": lambda: openai.AzureOpenAI(azure_endpoint=URL, api_version="2024-10-21", azure_ad_token=TOKEN),
    "bearer": lambda: openai.OpenAI(base_url=f"{URL}/v1", api_key=TOKEN),
    "bearer_azure_v1": lambda: openai.OpenAI(base_url=f"{URL}/openai/v1/", api_key=TOKEN),
    "callable_key": lambda: openai.OpenAI(base_url=f"{URL}/v1", api_key=provider),
}


def visit(client):
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    line = {"custom_id": "c1", "method": "POST", "url": "/v1/chat/completions", "body": body}
    file = client.files.create(file=("in.jsonl", json.dumps(line).encode()), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    until = time.monotonic() + 240
    while batch.status not in ("completed", "failed", "expired", "cancelled") and time.monotonic() < until:
        time.sleep(0.05)
        batch = client.batches.retrieve(batch.id)
    lines = client.files.content(batch.output_file_id).text.splitlines() if batch.output_file_id else []
    return {"status": batch.status, "custom_ids": [json.loads(text)["custom_id"] for text in lines]}


seen = {}
for way in WAYS:
    asked.clear()
    try:
        seen[way] = visit(CLIENTS[way]()) | {"asked": len(asked) > 0}
    except openai.APIStatusError as error:
        seen[way] = {"refused": error.status_code, "text": str(error)}
print(json.dumps(seen))
