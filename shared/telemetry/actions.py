"""Every log line's `action`, and what stands beside it in `extra`. A test compares this with the code, both ways."""

from __future__ import annotations

from collections.abc import Mapping

ACTIONS: Mapping[str, tuple[str, ...]] = {
    "abandon_upload": (),
    "batch_changed": (
        "batch_id", "from", "to", "model", "total", "completed", "failed", "input_tokens", "output_tokens", "seconds"
    ),
    "batch_damaged": ("batch_id", "what"),
    "batch_surveyed": (
        "batch_id", "status", "model", "total", "finished", "age_seconds", "running_seconds", "remaining_seconds"
    ),
    "batches_forgotten": ("count",),
    "count_tokens": ("method", "error"),
    "delivery_started": ("batch_id",),
    "delivery_stuck": ("batch_id",),
    "durable_check_failed": ("reason",),
    "entra_keys_failed": ("reason",),
    "files_expired": ("count",),
    "health_check": (),
    "history_purged": ("count",),
    "hold_failed": ("batch_id",),
    "host_stops": ("batch_id", "lane"),
    "keep_failed": ("batch_id",),
    "lane_paused": ("batch_id", "model", "lane", "seconds", "reason"),
    "lane_taken": ("batch_id", "lane"),
    "line_broke": ("batch_id",),
    "orphans_removed": ("count",),
    "readiness_check_broke": ("check",),
    "record_damaged": ("kind", "key"),
    "remains_removed": ("count",),
    "request_failed": ("request_id", "path"),
    "results_undelivered": ("batch_id",),
    "run_beat_failed": ("batch_id", "reason"),
    "run_fails": ("batch_id", "starts", "reason"),
    "run_not_seen": ("batch_id", "reason"),
    "run_restarted": ("batch_id",),
    "run_stuck": ("batch_id", "run_status"),
    "spend_alert_reached": (
        "event_id", "alert_id", "project_id", "threshold_amount", "currency", "interval", "window"
    ),
    "spending_forgotten": ("count",),
    "start_delivery": ("batch_id",),
    "start_run": ("batch_id",),
    "sweep_refused": ("count",),
    "unnamed_noted": ("kind", "count"),
    "upload_completed": ("bytes",),
    "upload_expired": (),
    "usage_forgotten": ("count",),
    "usage_owed": ("batch_id", "reason"),
    "usage_settled": ("batch_id",),
    "watch_failed": ("batch_id",),
    "webhook_failed": ("batch_id", "webhook_endpoint_id", "reason"),
}  # fmt: skip
