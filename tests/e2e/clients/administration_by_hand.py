"""Administration by a release of the Python SDK that has no calls for it: `python administration_by_hand.py URL KEY`.

The paths are called as they are. Prints what came of it.
"""

from __future__ import annotations

import json
import sys

import openai

URL, KEY = sys.argv[1:]
administrator = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY)
project = administrator.post("/organization/projects", body={"name": "old"}, cast_to=object)
path = f"/organization/projects/{project['id']}"
account = administrator.post(f"{path}/service_accounts", body={"name": "job"}, cast_to=object)
listed = administrator.get("/organization/projects", cast_to=object)
worker = openai.OpenAI(base_url=f"{URL}/v1", api_key=account["api_key"]["value"])
line = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "messages": []}}
file = worker.files.create(file=("input.jsonl", f"{json.dumps(line)}\n".encode()), purpose="batch")
seen = {
    "listed": project["id"] in [one["id"] for one in listed["data"]],
    "mine": [one.id for one in worker.files.list()] == [file.id],
    "others": file.id in [one.id for one in administrator.files.list()],
    "archived": administrator.post(f"{path}/archive", cast_to=object)["status"],
}
try:
    worker.files.list()
except openai.AuthenticationError as error:
    seen["then"] = error.code
print(json.dumps(seen))
