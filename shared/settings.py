"""Every setting: its name in the environment, its default, its meaning. `shared/environment.py` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.domain.batches.quota import QuotaMode
from shared.domain.deployments.deployment import Deployment
from shared.domain.keys.blob_hosts import origins_of, parse_hosts
from shared.domain.keys.entra_rules import PUBLIC_AUTHORITY, EntraRules
from shared.domain.keys.pepper import Peppers
from shared.domain.pace.heartbeat import STALE_BEATS, LaneTimes
from shared.domain.vendors.vendor import Vendor


def _setting(name: str, default: object, doc: str) -> Any:
    return field(default=default, metadata={"name": name, "doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)  # A repr would show keys.
class Settings:
    """The service's configuration. Sizes in bytes, times in seconds."""

    bootstrap_key: str = _setting(
        "BATCH_BOOTSTRAP_KEY",
        "",
        "The first API key, or sha256: and the SHA-256 of it in hex. Without it every call is refused.",
    )
    key_peppers: str = _setting(
        "BATCH_KEY_PEPPERS",
        "",
        "Secrets under which keys are stored: name:secret, comma-separated. New keys get the first; the others still "
        "open keys made under them. Without it no key can be made.",
    )
    storage: str = _setting(
        "BATCH_STORAGE",
        "AzureWebJobsStorage",
        "Prefix of the settings that name the storage account for files and batches: a connection string in the "
        "setting itself, or <prefix>__blobServiceUri, <prefix>__tableServiceUri and <prefix>__clientId.",
    )
    max_file_bytes: int = _setting("BATCH_MAX_FILE_BYTES", 209_715_200, "Largest input file.")
    max_other_file_bytes: int = _setting(
        "BATCH_MAX_OTHER_FILE_BYTES", 536_870_912, "Largest file that is not for batches, sent in one call."
    )
    max_upload_bytes: int = _setting(
        "BATCH_MAX_UPLOAD_BYTES", 8_589_934_592, "Largest file that is not for batches, sent in parts."
    )
    max_files_without_expiry: int = _setting(
        "BATCH_MAX_FILES_WITHOUT_EXPIRY", 0, "Files of an owner that never expire, results aside; 0: no limit."
    )
    max_files_with_expiry: int = _setting(
        "BATCH_MAX_FILES_WITH_EXPIRY", 0, "Files of an owner that expire, results aside; 0: no limit."
    )
    max_stored_bytes: int = _setting(
        "BATCH_MAX_STORED_BYTES", 0, "Bytes of all files of an owner, results aside; 0: no limit."
    )
    max_line_bytes: int = _setting("BATCH_MAX_LINE_BYTES", 33_554_432, "Longest line of an input file.")
    max_requests_openai: int = _setting("BATCH_MAX_REQUESTS_OPENAI", 50_000, "Lines of a file, OpenAI dialect.")
    max_requests_azure: int = _setting("BATCH_MAX_REQUESTS_AZURE", 100_000, "Lines of a file, Azure dialects.")
    max_requests_deepinfra: int = _setting(
        "BATCH_MAX_REQUESTS_DEEPINFRA", 50_000, "Lines of a file, DeepInfra dialect."
    )
    max_requests_compass: int = _setting("BATCH_MAX_REQUESTS_COMPASS", 10_000, "Lines of a file, Compass dialect.")
    max_input_bytes_openai: int = _setting(
        "BATCH_MAX_INPUT_BYTES_OPENAI", 209_715_200, "Largest input file of a batch, OpenAI dialect."
    )
    max_input_bytes_azure: int = _setting(
        "BATCH_MAX_INPUT_BYTES_AZURE", 209_715_200, "Largest input file of a batch, Azure dialects."
    )
    max_input_bytes_deepinfra: int = _setting(
        "BATCH_MAX_INPUT_BYTES_DEEPINFRA", 209_715_200, "Largest input file of a batch, DeepInfra dialect."
    )
    max_input_bytes_compass: int = _setting(
        "BATCH_MAX_INPUT_BYTES_COMPASS", 52_428_800, "Largest input file of a batch, Compass dialect."
    )
    blob_hosts: str = _setting(
        "BATCH_BLOB_HOSTS",
        "",
        "Hosts of storage accounts, comma-separated, whose blobs callers may name as input_blob and output_folder: "
        "`host` for every project, `host=proj_…|proj_…` for these (`default` is the first). A key reaches all that the "
        "service's identity may read there.",
    )
    max_blob_bytes: int = _setting("BATCH_MAX_BLOB_BYTES", 1_073_741_824, "Largest input blob.")
    max_embedding_inputs: int = _setting(
        "BATCH_MAX_EMBEDDING_INPUTS", 50_000, "Embedding inputs of all lines of a file together."
    )
    max_reported_errors: int = _setting("BATCH_MAX_REPORTED_ERRORS", 100, "Validation problems kept for a batch.")
    quota_mode: QuotaMode = _setting(  # noqa: RUF009 - it is `field`
        "BATCH_QUOTA_MODE",
        QuotaMode.REFUSE_CREATE,
        "What becomes of a batch over the enqueued token limit: fail_batch fails it; refuse_create does too, and in "
        "Azure dialects answers 400 at once, as far as the beginning of the file tells; wait queues it until there is "
        "room, in order.",
    )
    completion_windows: str = _setting(
        "BATCH_COMPLETION_WINDOWS",
        "24h",
        "Accepted completion windows, comma-separated: whole numbers of s, m, h or d.",
    )
    record_days: int = _setting(
        "BATCH_RECORD_DAYS", 365, "Days after its creation for which the record of an ended batch is kept; 0: for ever."
    )
    usage_row_days: int = _setting(
        "BATCH_USAGE_ROW_DAYS",
        400,
        "Days for which rows of the ledger, and what single batches spent of limits, is kept; 0: for ever. Sums stay.",
    )
    spend_limit_stops: bool = _setting(
        "BATCH_SPEND_LIMIT_STOPS",
        False,
        "true: a spend limit that is reached also stops batches that run. A limit may say otherwise of itself.",
    )
    expected_output_tokens: int = _setting(
        "BATCH_EXPECTED_OUTPUT_TOKENS",
        500,
        "Output tokens reserved of a spend limit for an answer whose length nobody bounds or knows.",
    )
    file_expiry_seconds: int = _setting(
        "BATCH_FILE_EXPIRY_SECONDS", 2_592_000, "Life of input and result files that were given no expiry."
    )
    upload_block_bytes: int = _setting("BATCH_UPLOAD_BLOCK_BYTES", 4_194_304, "Bytes of an upload held in memory.")
    chunk_lines: int = _setting("BATCH_CHUNK_LINES", 200, "Most lines of a chunk.")
    chunk_bytes: int = _setting("BATCH_CHUNK_BYTES", 4_194_304, "Bytes after which a chunk is closed.")
    lanes: int = _setting("BATCH_LANES", 4, "Most lanes of a batch working side by side.")
    slice_seconds: float = _setting("BATCH_SLICE_SECONDS", 240.0, "Longest work of one activity call.")
    drain_seconds: float = _setting(
        "BATCH_DRAIN_SECONDS", 60.0, "Longest wait for requests in flight after a cancel or the deadline."
    )
    pause_seconds: float = _setting(
        "BATCH_PAUSE_SECONDS", 30.0, "An upstream's Retry-After from here on is slept on a durable timer, in naps."
    )
    patience_seconds: float = _setting(
        "BATCH_PATIENCE_SECONDS", 1800.0, "How long a failing upstream is waited for before lines fail one by one."
    )
    stuck_seconds: float = _setting(
        "BATCH_STUCK_SECONDS",
        180.0,
        "How long a run may show no sign of life before it is ended and started anew, more than 90: a healthy one "
        "pauses up to a minute.",
    )
    lanes_per_process: int = _setting(
        "BATCH_LANES_PER_PROCESS",
        8,
        "Most lanes at work in one process, of all batches. At most half of the host's activity slots, "
        "so that they never keep validation, results and webhooks waiting.",
    )
    kept_result_bytes: int = _setting(
        "BATCH_KEPT_RESULT_BYTES",
        67_108_864,
        "Results held in memory until their chunk is sealed, of all lanes of a process.",
    )
    max_inflight_bytes: int = _setting(
        "BATCH_MAX_INFLIGHT_BYTES", 134_217_728, "Request bytes in flight, of all lanes of a process."
    )
    max_response_bytes: int = _setting(
        "BATCH_MAX_RESPONSE_BYTES",
        100_000_000,
        "Largest answer of an upstream: 2,048 embeddings of 3,072 numbers are 88 MB. Blob Storage takes no more in one "
        "entry of a journal.",
    )
    max_inflight_response_bytes: int = _setting(
        "BATCH_MAX_INFLIGHT_RESPONSE_BYTES",
        268_435_456,
        "Bytes of large answers from when they are read until they are stored, of all lanes of a process. Past them "
        "reading waits; one answer is always read on.",
    )
    journal_seconds: float = _setting(
        "BATCH_JOURNAL_SECONDS",
        0.8,
        "Longest time a result waits for the journal; where a write is cheap, it is written at once.",
    )
    journal_results: int = _setting("BATCH_JOURNAL_RESULTS", 64, "Results after which the journal is always written.")
    heartbeat_seconds: float = _setting("BATCH_HEARTBEAT_SECONDS", 3.0, "Between two heartbeats of a lane.")
    max_attempts: int = _setting("BATCH_MAX_ATTEMPTS", 5, "Calls to the upstream for one line, retries included.")
    max_throttled_attempts: int = _setting(
        "BATCH_MAX_THROTTLED_ATTEMPTS", 50, "Answers 429 or 503 to one line before it fails; they are no attempts."
    )
    retry_first_seconds: float = _setting("BATCH_RETRY_FIRST_SECONDS", 0.5, "Back-off before the first retry.")
    retry_max_seconds: float = _setting("BATCH_RETRY_MAX_SECONDS", 30.0, "Longest back-off between two attempts.")
    webhook_allow_http: bool = _setting(
        "BATCH_WEBHOOK_ALLOW_HTTP", False, "true: webhook endpoints may have URLs that begin with http://."
    )
    webhook_allow_private: bool = _setting(
        "BATCH_WEBHOOK_ALLOW_PRIVATE", False, "true: webhooks may go to private and loopback addresses."
    )
    max_webhook_endpoints: int = _setting("BATCH_MAX_WEBHOOK_ENDPOINTS", 20, "Webhook endpoints of one owner.")
    webhook_timeout_seconds: float = _setting("BATCH_WEBHOOK_TIMEOUT_SECONDS", 10.0, "Longest attempt of a delivery.")
    webhook_retry_seconds: float = _setting(
        "BATCH_WEBHOOK_RETRY_SECONDS", 5.0, "Pause after the first failed attempt of a delivery; pauses double."
    )
    entra_tenant: str = _setting(
        "BATCH_ENTRA_TENANT", "", "Id of the Entra tenant whose access tokens are taken beside API keys: docs/entra.md."
    )
    entra_audience: str = _setting(
        "BATCH_ENTRA_AUDIENCE",
        "",
        "What tokens must be made for, comma-separated: client id and application ID URI of the app registration.",
    )
    entra_authority: str = _setting("BATCH_ENTRA_AUTHORITY", PUBLIC_AUTHORITY, "Who signs the tenant's tokens.")
    entra_projects: str = _setting(
        "BATCH_ENTRA_PROJECTS",
        "{}",
        "Projects of tokens: a JSON object, groups:<object id>, roles:<name> or azp:<client id> -> proj_….",
    )
    entra_page_client: str = _setting(
        "BATCH_ENTRA_PAGE_CLIENT",
        "",
        "Client id of the app registration as which the page lets people sign in with Microsoft. None: it asks for a "
        "key or token.",
    )
    trust_client_principal: bool = _setting(
        "BATCH_TRUST_CLIENT_PRINCIPAL",
        False,
        "true: whom App Service authentication names in X-MS-CLIENT-PRINCIPAL is let in. Only where it stands before "
        "every path of this service, for else anybody can send it.",
    )
    deployments_json: str = _setting("BATCH_DEPLOYMENTS", "{}", "Deployments: a JSON object, name -> settings.")
    deployments_file: str = _setting(
        "BATCH_DEPLOYMENTS_FILE",
        "",
        "A file of deployments in place of BATCH_DEPLOYMENTS, TOML or JSON, called .toml or .json. It is read at the "
        "start.",
    )
    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    peppers: Peppers = field(default_factory=Peppers)
    entra: EntraRules | None = None  # What the five settings say; None: no tokens are taken.
    proof_seconds: float = 1.0  # Between the two looks after which something counts as gone. No variable sets it.
    lane_times: LaneTimes = field(default_factory=LaneTimes)

    @property
    def stale_seconds(self) -> float:
        """After its last heartbeat a lane counts as gone."""
        return STALE_BEATS * self.heartbeat_seconds

    def max_requests(self, vendor: Vendor) -> int:
        """Lines of a file, in the dialect of the batch."""
        limit: int = getattr(self, f"max_requests_{vendor}")
        return limit

    def max_input_bytes(self, vendor: Vendor) -> int:
        """Bytes of an input file, in the dialect of the batch; never more than may be uploaded."""
        limit: int = getattr(self, f"max_input_bytes_{vendor}")
        return min(limit, self.max_file_bytes)

    def blob_origins(self, project_id: str) -> frozenset[str]:
        """Storage accounts whose blobs callers of the project may name, as `https://host`."""
        return origins_of(parse_hosts(self.blob_hosts), project_id)

    def windows(self) -> dict[str, int]:
        """Accepted completion windows -> seconds."""
        return {window: window_seconds(window) for window in self.completion_windows.replace(" ", "").split(",")}


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def window_seconds(window: str) -> int:
    """`24h` -> 86400. Raises ValueError."""
    if window[-1:] not in _UNITS or not window[:-1].isdigit() or int(window[:-1]) == 0:
        raise ValueError(f"{window!r} is not a whole number of s, m, h or d, such as 24h")
    return int(window[:-1]) * _UNITS[window[-1]]
