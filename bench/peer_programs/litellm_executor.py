"""LiteLLM's own batch executor on its Router, with dictionaries for its database.

`python litellm_executor.py INPUT OUTPUT BASE_URL CONCURRENCY`, in an environment with litellm[proxy] 1.106.2. What its
database would cost is left out. Prints its own figures as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from litellm import Router
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.batches_endpoints.litellm_executed_batches import TERMINAL_BATCH_STATUSES, LiteLLMExecutedBatchRunner

MODEL = "m"


class Stores:
    """Everything the executor wants stored, in memory; result files go to `output`."""

    def __init__(self, source: Path, output: Path) -> None:
        self._source, self._output = source, output
        self.batch: Any = None

    def get_unified_batch_id(self, batch_id: str, **_: object) -> str:
        return batch_id

    async def get_unified_file_id(self, *_: object, **__: object) -> Any:
        return SimpleNamespace(storage_backend="file", storage_url=str(self._source))

    async def store_unified_object_id(self, *, file_object: Any, **_: object) -> None:
        self.batch = file_object

    async def download_file(self, storage_url: str) -> bytes:
        return await asyncio.to_thread(Path(storage_url).read_bytes)

    async def upload_result_file(self, *, file_data: Any, **_: object) -> Any:
        with self._output.open("ab") as file:
            file.write(file_data["content"])
        return SimpleNamespace(id=file_data["filename"])

    async def load_batch(self, _batch_id: str) -> Any:
        return self.batch

    async def load_status(self, _batch_id: str) -> str:
        return str(self.batch.status)

    async def compare_and_set(self, batch: Any, *_: object) -> bool:
        self.batch = batch
        return True

    async def touch(self, *_: object) -> None:
        pass


async def main(source: str, target: str, url: str, concurrency: int) -> None:
    stores: Any = Stores(Path(source), Path(target))
    upstream = {"model": f"hosted_vllm/{MODEL}", "api_base": f"{url}/v1", "api_key": "none"}
    runner = LiteLLMExecutedBatchRunner(
        llm_router=Router(model_list=[{"model_name": MODEL, "litellm_params": upstream}]),
        prisma_client=SimpleNamespace(),
        managed_files=stores,
        batches=stores,
        proxy_logging_obj=SimpleNamespace(),
        general_settings={},
        concurrency=concurrency,
        storage_backend_factory=lambda *_, **__: stores,
        upload_result_file=stores.upload_result_file,
    )
    since, cpu = time.perf_counter(), time.process_time()
    request = {"endpoint": "/v1/chat/completions", "completion_window": "24h", "input_file_id": "file"}
    await runner.create(request, "file", MODEL, "hosted_vllm", UserAPIKeyAuth(), None)
    while stores.batch.status not in TERMINAL_BATCH_STATUSES:  # noqa: ASYNC110 it tells nobody when it is done
        await asyncio.sleep(0.02)
    figures = {"seconds": time.perf_counter() - since, "cpu_seconds": time.process_time() - cpu}
    counts = stores.batch.request_counts
    print(json.dumps({**figures, "completed": counts.completed, "failed": counts.failed}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
