"""What autobatcher sees of a live service: `python autobatcher_flow.py URL KEY`, run by its own Python.

It makes a batch of single calls, and answers each as soon as the running batch's output file has it. Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import sys
from importlib.metadata import version

from autobatcher import BatchOpenAI
from loguru import logger

URL, KEY = sys.argv[1:]
CALLS = 1000  # Of 0.3 s each, 64 at once: some five seconds at least.


async def main():
    seen = {"version": version("autobatcher"), "answered": 0, "wrong": 0, "answered_before_the_end": 0}

    def note(event):
        """How many calls had their answer when the batch was last seen running."""
        if event["event"] == "batch_progress" and event["status"] != "completed":
            seen["answered_before_the_end"] = seen["answered"]

    client = BatchOpenAI(
        base_url=f"{URL}/v1",
        api_key=KEY,
        batch_size=CALLS,
        completion_window="24h",
        poll_interval_seconds=0.2,
        batch_event_handler=note,
        default_headers={"X-Early-Output": "true"},
    )

    async def call(number):
        text = f"[[latency=300]] number {number}."
        answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
        seen["wrong"] += f"number {number}." not in answer.choices[0].message.content
        seen["answered"] += 1

    await asyncio.gather(*(call(number) for number in range(CALLS)))
    await client.close()
    return seen


logger.remove()
print(json.dumps(asyncio.run(main())))
