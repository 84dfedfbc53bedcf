"""Names of attributes, and the few values that are ours to choose."""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.endpoints import ENDPOINTS

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

# gen_ai.operation.name of each endpoint.
OPERATIONS: Mapping[str, str] = {name: endpoint.operation for name, endpoint in ENDPOINTS.items()}
