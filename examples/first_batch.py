"""A whole batch: two questions, wait, read the answers. `python first_batch.py MODEL`; needs `pip install openai`."""

import json
import sys
import time

from openai import OpenAI

questions = ["Why is the sky blue?", "What is a batch, in one sentence?"]


def request_line(number: int) -> str:
    body = {"model": sys.argv[1], "messages": [{"role": "user", "content": questions[number]}]}
    return json.dumps({"custom_id": str(number), "method": "POST", "url": "/v1/chat/completions", "body": body})


client = OpenAI()  # OPENAI_BASE_URL says where, OPENAI_API_KEY lets in
lines = "\n".join(request_line(number) for number in range(len(questions)))
file = client.files.create(file=("questions.jsonl", lines.encode()), purpose="batch")
batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
while batch.status not in {"completed", "failed", "expired", "cancelled"}:
    time.sleep(1)
    batch = client.batches.retrieve(batch.id)
    print(batch.status, batch.request_counts)
if batch.output_file_id:
    for result in map(json.loads, client.files.content(batch.output_file_id).text.splitlines()):
        answer = result["response"]["body"]["choices"][0]["message"]["content"]
        print(questions[int(result["custom_id"])], "->", answer)
if batch.error_file_id:
    print(client.files.content(batch.error_file_id).text)
if batch.errors:
    print(batch.errors.data)
