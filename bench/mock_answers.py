"""What the mock upstream says: the body of each endpoint's answer, echoing the prompt, with its usage."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec

# What `[[says=NAME]]` orders: odd answers of real upstreams and gateways, status and body.
ODD: dict[str, tuple[int, bytes]] = {
    "error": (200, b'{"choices":null,"error":{"message":"Context too long.","code":400}}'),
    "failed_choice": (200, b'{"model":"m","choices":[{"finish_reason":"error","error":{"message":"No.","code":400}}]}'),
    "flagged": (403, b'{"error":{"code":403,"message":"Your input was flagged.","metadata":{"reasons":["violence"]}}}'),
    "array": (400, b'[{"error":{"code":400,"message":"Unknown name.","status":"INVALID_ARGUMENT"}}]'),
    "too_large": (
        429,
        b'{"error":{"message":"Request too large for m: Limit 30000, Requested 46000.","type":"tokens"}}',
    ),
    "mark": (200, b'\xef\xbb\xbf{"model":"m","choices":[{"message":{"content":"marked"}}]}'),
    "no_number": (200, b'{"model":"m","choices":[{"logprobs":{"content":[{"logprob":-Infinity}]}}]}'),
}


class Body(msgspec.Struct):
    model: str = "mock"
    messages: list[dict[str, Any]] = []
    prompt: Any = None
    input: Any = None


def prompt(body: Body) -> str:
    content = (
        body.messages[-1].get("content", "") if body.messages else body.input if body.prompt is None else body.prompt
    )
    return content if isinstance(content, str) else msgspec.json.encode(content).decode()


def tokens_of(text: str) -> tuple[int, int]:
    """Tokens asked and said, as the usage of an answer to `text` tells them: a token is four characters."""
    return len(text) // 4 + 1, len(text) // 4 + 2


def answer(operation: str, model: str, text: str, number: int) -> dict[str, Any]:
    """The answer to `text`, with its usage."""
    asked, said = tokens_of(text)
    chat_usage = {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
        "prompt_tokens_details": {"cached_tokens": asked // 2},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }
    head: dict[str, Any] = {"id": f"mock-{number}", "created": 1_700_000_000, "model": model}
    if operation == "chat/completions":
        message = {"role": "assistant", "content": f"echo: {text}", "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {**head, "object": "chat.completion", "choices": [choice], "usage": chat_usage}
    if operation == "completions":
        choice = {"index": 0, "text": f"echo: {text}", "logprobs": None, "finish_reason": "stop"}
        return {**head, "object": "text_completion", "choices": [choice], "usage": chat_usage}
    if operation == "embeddings":
        vector = [byte / 255 for byte in zlib.crc32(text.encode()).to_bytes(4, "big")] * 4
        data = [{"object": "embedding", "index": 0, "embedding": vector}]
        return {
            "object": "list",
            "model": model,
            "data": data,
            "usage": {"prompt_tokens": asked, "total_tokens": asked},
        }
    if operation == "moderations":
        return {"id": f"mock-{number}", "model": model, "results": [{"flagged": False, "echo": text}]}
    if operation == "videos":
        return {"id": f"video-{number}", "object": "video", "model": model, "status": "queued", "prompt": text}
    usage = {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": asked // 2},
        "output_tokens": said,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": asked + said,
    }
    if operation.startswith("images/"):
        return {"created": 1_700_000_000, "model": model, "data": [{"revised_prompt": text}], "usage": usage}
    part = {"type": "output_text", "text": f"echo: {text}", "annotations": []}
    item = {"type": "message", "id": f"msg-{number}", "status": "completed", "role": "assistant", "content": [part]}
    return {**head, "object": "response", "status": "completed", "error": None, "output": [item], "usage": usage}
