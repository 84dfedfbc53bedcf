"""Embeddings of the lines of a text file, as JSON lines. `python embeddings.py MODEL texts.txt vectors.jsonl`"""

import json
import sys
import time
from pathlib import Path

from openai import OpenAI

model, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
texts = [text for text in source.read_text().splitlines() if text.strip()]
lines = [
    {"custom_id": str(number), "method": "POST", "url": "/v1/embeddings", "body": {"model": model, "input": text}}
    for number, text in enumerate(texts)
]
client = OpenAI()  # OPENAI_BASE_URL says where, OPENAI_API_KEY lets in
content = "\n".join(map(json.dumps, lines)).encode()
file = client.files.create(file=("texts.jsonl", content), purpose="batch")
batch = client.batches.create(input_file_id=file.id, endpoint="/v1/embeddings", completion_window="24h")
while batch.status not in {"completed", "failed", "expired", "cancelled"}:
    time.sleep(1)
    batch = client.batches.retrieve(batch.id)
if batch.output_file_id is None:
    sys.exit(f"No text was embedded: {batch.errors or client.files.content(batch.error_file_id or '').text}")
with target.open("w") as out:
    for result in map(json.loads, client.files.content(batch.output_file_id).text.splitlines()):
        (embedding,) = result["response"]["body"]["data"]
        row = {"text": texts[int(result["custom_id"])], "embedding": embedding["embedding"]}
        out.write(json.dumps(row) + "\n")
print(f"{batch.request_counts.completed} of {len(texts)} texts are in {target}." if batch.request_counts else target)
