"""Names of attributes, and the few values that are ours to choose."""

from __future__ import annotations

from collections.abc import Mapping

SCOPE = "durable_batch"

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - a name
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
SERVER = "server.address"
ERROR_TYPE = "error.type"
STATUS_CODE = "http.response.status_code"
BATCH_ID = "batch.id"
STATUS = "batch.status"
ENDPOINT = "batch.endpoint"
OUTCOME = "batch.outcome"
PURPOSE = "batch.file.purpose"
DIRECTION = "batch.file.direction"
LANE = "batch.lane"
COMPLETED = "batch.lane.completed"
FAILED = "batch.lane.failed"
THROTTLED = "batch.lane.throttled"
RETRIES = "batch.lane.retries"

Attributes = Mapping[str, str | int | float]

# gen_ai.operation.name of each endpoint; the conventions name the first three.
OPERATIONS: Mapping[str, str] = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "text_completion",
    "/v1/embeddings": "embeddings",
    "/v1/images/edits": "image_edit",
    "/v1/images/generations": "image_generation",
    "/v1/moderations": "moderation",
    "/v1/responses": "responses",
    "/v1/videos": "video_generation",
}
