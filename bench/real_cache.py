"""How many prompt tokens a real model computes: `python -m bench.real_cache [--documents 12] [--cache-mib 0]`.

The demo's model on llama.cpp (`requirements-demo.txt` must be installed), with four slots, each of which remembers the
prompt it had last. A shuffled file of questions about documents runs through the service in the order of the file, and
with leaders first; llama.cpp tells of each answer how many tokens of its prompt it has computed.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from bench.programs import Program, Service, jsonl
from bench.report import print_table

MODEL, SLOTS = "smollm2", 4
CONTEXT_TOKENS = 2048 * SLOTS
DOCUMENT_BYTES = 4400
WORDS = [
    "the",
    "sea",
    "was",
    "calm",
    "and",
    "a",
    "ship",
    "went",
    "north",
    "with",
    "salt",
    "iron",
    "wool",
    "or",
    "wine",
    "for",
    "people",
    "of",
    "old",
    "towns",
    "on",
    "rivers",
]


def file_of(documents: int, questions: int) -> bytes:
    """Shuffled. Each document is words in an order of its own."""
    dice = random.Random(5)
    texts = []
    for number in range(documents):
        text = f"Document {number}:"
        while len(text) < DOCUMENT_BYTES:
            text += f" {dice.choice(WORDS)}"
        texts.append(text)
    pairs = [(document, question) for document in range(documents) for question in range(questions)]
    dice.shuffle(pairs)
    return jsonl(*(_line(texts[document], f"{document}-{question}") for document, question in pairs))


def _line(document: str, name: str) -> dict[str, Any]:
    question = f"Question {name}: what is it about?"
    messages = [{"role": "system", "content": document}, {"role": "user", "content": question}]
    body = {"model": "m", "max_tokens": 4, "messages": messages}
    return {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}


def measure(data: bytes, leaders_first: Any, cache_mib: int) -> list[Any]:
    """Tokens of all prompts, those of them that were computed, and seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = ["--context", str(CONTEXT_TOKENS), "--cache-mib", str(cache_mib)]
        model = Program(["scripts.lib.model_server", *options], folder / "model.log")
        model.start()
        deployment = {"model": MODEL, "max_concurrency": SLOTS, "leaders_first": leaders_first}
        service = Service(folder, model.url, deployment=deployment)
        service.start()
        try:
            since = time.perf_counter()
            batch = service.wait(service.create(service.upload(data)), seconds=3600, pause=0.5)
            seconds = time.perf_counter() - since
            with service.openai as client:
                lines = client.files.content(batch.output_file_id).text.splitlines()
        finally:
            service.stop()
            model.stop()
    bodies = [msgspec.json.decode(line)["response"]["body"] for line in lines]
    computed = sum(body["timings"]["prompt_n"] for body in bodies)
    return [len(bodies), sum(body["usage"]["prompt_tokens"] for body in bodies), computed, seconds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=12)
    parser.add_argument("--questions", type=int, default=8)
    parser.add_argument(
        "--cache-mib", type=int, default=0, help="prompts that llama.cpp keeps beside those of its slots"
    )
    options = parser.parse_args()
    data = file_of(options.documents, options.questions)
    orders = {"as in the file": False, "among neighbours": "neighbours", "leaders first": True}
    rows = [[name, *measure(data, order, options.cache_mib)] for name, order in orders.items()]
    heads = ["order", "answers", "prompt tokens", "computed", "seconds"]
    print_table(f"{options.documents} documents, {options.questions} questions each", heads, rows)


if __name__ == "__main__":
    main()
