"""bespokelabs-curator in its online mode: `python curator.py INPUT OUTPUT BASE_URL CONCURRENCY`.

For an environment with bespokelabs-curator 0.1.31; its cache lies beside OUTPUT and is found again by the same command.
Prints its own figures as JSON.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

SOURCE, TARGET, URL, CONCURRENCY = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
os.environ |= {
    "CURATOR_CACHE_DIR": str(TARGET.parent / "curator-cache"),
    "HF_HOME": str(TARGET.parent / "hugging-face"),
    "TELEMETRY_ENABLED": "0",
    "CURATOR_VIEWER": "0",
    "CURATOR_DISABLE_RICH_DISPLAY": "1",
    "HF_DATASETS_OFFLINE": "1",
    "OPENAI_API_KEY": "none",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}

if litellm := importlib.util.find_spec("litellm"):  # It carries the tables that would be downloaded.
    os.environ["TIKTOKEN_CACHE_DIR"] = str(Path(str(litellm.origin)).parent / "litellm_core_utils" / "tokenizers")

from bespokelabs import curator  # noqa: E402 after its settings
from datasets import Dataset  # noqa: E402


class Asker(curator.LLM):
    def prompt(self, line: dict[str, Any]) -> str:
        return str(line["text"])

    def parse(self, line: dict[str, Any], response: str) -> dict[str, Any]:
        return {"custom_id": line["custom_id"], "answer": response}


def main() -> None:
    lines = [json.loads(line) for line in SOURCE.read_text().splitlines()]
    asked = [{"custom_id": one["custom_id"], "text": one["body"]["messages"][0]["content"]} for one in lines]
    settings = {
        "base_url": f"{URL}/v1",
        "max_requests_per_minute": 10_000_000,
        "max_tokens_per_minute": 1_000_000_000,
        "max_concurrent_requests": CONCURRENCY,
        "require_all_responses": False,
    }
    asker = Asker(model_name="m", backend="openai", backend_params=settings)
    since, cpu = time.perf_counter(), time.process_time()
    found = asker(Dataset.from_list(asked))
    figures = {"seconds": time.perf_counter() - since, "cpu_seconds": time.process_time() - cpu}
    answered = len(getattr(found, "dataset", found))
    print("\n" + json.dumps({**figures, "completed": answered, "failed": len(lines) - answered}))


if __name__ == "__main__":
    main()
