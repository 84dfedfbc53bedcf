"""Every route of every dialect. A further dialect is an entry of `MOUNTS`; it may bring routes of its own.

Rule of this file: lists only; each route names the scope that its callers need. A handler is the same for all
dialects; what differs is in `edge/dialect.py` and in the vendors' rules. A function is called as its mount and its
handler are, which is its identity on the platform.
"""

from __future__ import annotations

from typing import Final

from api.admin import (
    admin_keys,
    audit_logs,
    model_permissions,
    organization_spend_limit,
    project_keys,
    projects,
    rate_limits,
    service_accounts,
    spend_alerts,
    spend_limits,
)
from api.batches import batches, early_output, wishes
from api.batches.batch_deletion import delete_batch
from api.batches.batch_retry import retry_batch
from api.batches.batch_validation import validate_batch
from api.batches.deliveries import list_deliveries
from api.batches.results import list_results
from api.edge.dialect import AZURE_CLASSIC, AZURE_V1, COMPASS, DEEPINFRA, OPENAI, Dialect
from api.edge.mount import Mount, Route, StartingRoute
from api.files import files, uploads
from api.models import caller, models
from api.usage.dated_report import DATED_USAGE
from api.usage.usage import USAGE
from api.webhooks import webhooks
from shared.domain.keys.scopes import Scope

FILES: Final = (
    Route("POST", "files", files.create_file, Scope.FILES_WRITE),
    Route("GET", "files", files.list_files, Scope.FILES_READ),
    Route("GET", "files/{file_id}", files.retrieve_file, Scope.FILES_READ),
    Route("DELETE", "files/{file_id}", files.delete_file, Scope.FILES_WRITE),
    Route("GET", "files/{file_id}/content", early_output.download_file, Scope.FILES_READ),
    Route("HEAD", "files/{file_id}/content", files.inspect_file, Scope.FILES_READ),
    Route("POST", "files/import", files.import_file, Scope.FILES_WRITE),
)
UPLOADS: Final = (
    Route("POST", "uploads", uploads.create_upload, Scope.FILES_WRITE),
    Route("GET", "uploads/{upload_id}", uploads.retrieve_upload, Scope.FILES_READ),
    Route("POST", "uploads/{upload_id}/parts", uploads.add_part, Scope.FILES_WRITE),
    Route("POST", "uploads/{upload_id}/complete", uploads.complete_upload, Scope.FILES_WRITE),
    Route("POST", "uploads/{upload_id}/cancel", uploads.cancel_upload, Scope.FILES_WRITE),
)
BATCHES: Final = (
    Route("GET", "batches", batches.list_batches, Scope.BATCHES_READ),
    Route("GET", "batches/{batch_id}", batches.retrieve_batch, Scope.BATCHES_READ),
    Route("DELETE", "batches/{batch_id}", delete_batch, Scope.BATCHES_WRITE),
    Route("POST", "batches/{batch_id}/cancel", batches.cancel_batch, Scope.BATCHES_WRITE),
    Route("POST", "batches/{batch_id}/pause", wishes.pause_batch, Scope.BATCHES_WRITE),
    Route("POST", "batches/{batch_id}/resume", wishes.resume_batch, Scope.BATCHES_WRITE),
    Route("GET", "batches/{batch_id}/results", list_results, Scope.FILES_READ),
    Route("GET", "batches/{batch_id}/deliveries", list_deliveries, Scope.BATCHES_READ),
    Route("POST", "batches/validate", validate_batch, Scope.BATCHES_READ),
    # By its name it comes after the one before: the platform tries routes in that order (platform 1.4).
    Route("POST", "batches/{batch_id}", wishes.vary_batch, Scope.BATCHES_WRITE),
)
STARTING_BATCHES: Final = (
    StartingRoute("POST", "batches", batches.create_batch, Scope.BATCHES_WRITE),
    StartingRoute("POST", "batches/{batch_id}/retry", retry_batch, Scope.BATCHES_WRITE),
)
MODELS: Final = (
    Route("GET", "models", models.list_models, Scope.ANY),
    Route("GET", "models/{model}", models.retrieve_model, Scope.ANY),
    Route("GET", "caller", caller.retrieve_caller, Scope.ANY),
)
_WEBHOOK: Final = "webhook_endpoints/{webhook_endpoint_id}"
WEBHOOKS: Final = (
    Route("POST", "webhook_endpoints", webhooks.create_webhook_endpoint, Scope.BATCHES_WRITE),
    Route("GET", "webhook_endpoints", webhooks.list_webhook_endpoints, Scope.BATCHES_READ),
    Route("GET", _WEBHOOK, webhooks.retrieve_webhook_endpoint, Scope.BATCHES_READ),
    Route("POST", _WEBHOOK, webhooks.update_webhook_endpoint, Scope.BATCHES_WRITE),
    Route("DELETE", _WEBHOOK, webhooks.delete_webhook_endpoint, Scope.BATCHES_WRITE),
    Route("POST", f"{_WEBHOOK}/rotate_secret", webhooks.rotate_webhook_secret, Scope.BATCHES_WRITE),
    Route("POST", f"{_WEBHOOK}/test", webhooks.test_webhook_endpoint, Scope.BATCHES_WRITE),
    Route("GET", "webhook_event_types", webhooks.list_webhook_event_types, Scope.BATCHES_READ),
)
_PROJECT: Final = "projects/{project_id}"
_ALERT: Final = f"{_PROJECT}/spend_alerts/{{alert_id}}"
_ACCOUNT: Final = f"{_PROJECT}/service_accounts/{{service_account_id}}"
ADMINISTRATION: Final = (
    Route("POST", "projects", projects.create_project, Scope.ADMIN),
    Route("GET", "projects", projects.list_projects, Scope.ADMIN),
    Route("GET", _PROJECT, projects.retrieve_project, Scope.ADMIN),
    Route("POST", _PROJECT, projects.update_project, Scope.ADMIN),
    Route("POST", f"{_PROJECT}/archive", projects.archive_project, Scope.ADMIN),
    Route("GET", f"{_PROJECT}/model_permissions", model_permissions.retrieve_model_permissions, Scope.ADMIN),
    Route("POST", f"{_PROJECT}/model_permissions", model_permissions.update_model_permissions, Scope.ADMIN),
    Route("DELETE", f"{_PROJECT}/model_permissions", model_permissions.delete_model_permissions, Scope.ADMIN),
    Route("GET", f"{_PROJECT}/rate_limits", rate_limits.list_rate_limits, Scope.ADMIN),
    Route("POST", f"{_PROJECT}/rate_limits/{{rate_limit_id}}", rate_limits.update_rate_limit, Scope.ADMIN),
    Route("GET", f"{_PROJECT}/spend_limit", spend_limits.retrieve_spend_limit, Scope.ADMIN),
    Route("POST", f"{_PROJECT}/spend_limit", spend_limits.update_spend_limit, Scope.ADMIN),
    Route("DELETE", f"{_PROJECT}/spend_limit", spend_limits.delete_spend_limit, Scope.ADMIN),
    Route("POST", f"{_PROJECT}/spend_alerts", spend_alerts.create_spend_alert, Scope.ADMIN),
    Route("GET", f"{_PROJECT}/spend_alerts", spend_alerts.list_spend_alerts, Scope.ADMIN),
    Route("GET", _ALERT, spend_alerts.retrieve_spend_alert, Scope.ADMIN),
    Route("POST", _ALERT, spend_alerts.update_spend_alert, Scope.ADMIN),
    Route("DELETE", _ALERT, spend_alerts.delete_spend_alert, Scope.ADMIN),
    Route("POST", f"{_PROJECT}/service_accounts", service_accounts.create_service_account, Scope.ADMIN),
    Route("GET", f"{_PROJECT}/service_accounts", service_accounts.list_service_accounts, Scope.ADMIN),
    Route("GET", _ACCOUNT, service_accounts.retrieve_service_account, Scope.ADMIN),
    Route("POST", _ACCOUNT, service_accounts.update_service_account, Scope.ADMIN),
    Route("DELETE", _ACCOUNT, service_accounts.delete_service_account, Scope.ADMIN),
    Route("POST", f"{_ACCOUNT}/api_keys", service_accounts.create_api_key, Scope.ADMIN),
    Route("GET", f"{_PROJECT}/api_keys", project_keys.list_project_keys, Scope.ADMIN),
    Route("GET", f"{_PROJECT}/api_keys/{{key_id}}", project_keys.retrieve_project_key, Scope.ADMIN),
    Route("POST", f"{_PROJECT}/api_keys/{{key_id}}", project_keys.update_project_key, Scope.ADMIN),
    Route("DELETE", f"{_PROJECT}/api_keys/{{key_id}}", project_keys.delete_project_key, Scope.ADMIN),
    Route("POST", "admin_api_keys", admin_keys.create_admin_key, Scope.ADMIN),
    Route("GET", "admin_api_keys", admin_keys.list_admin_keys, Scope.ADMIN),
    Route("GET", "admin_api_keys/{key_id}", admin_keys.retrieve_admin_key, Scope.ADMIN),
    Route("DELETE", "admin_api_keys/{key_id}", admin_keys.delete_admin_key, Scope.ADMIN),
    Route("GET", "spend_limit", organization_spend_limit.retrieve_organization_spend_limit, Scope.ADMIN),
    Route("POST", "spend_limit", organization_spend_limit.update_organization_spend_limit, Scope.ADMIN),
    Route("DELETE", "spend_limit", organization_spend_limit.delete_organization_spend_limit, Scope.ADMIN),
    Route("POST", "spend_alerts", spend_alerts.create_organization_spend_alert, Scope.ADMIN),
    Route("GET", "spend_alerts", spend_alerts.list_organization_spend_alerts, Scope.ADMIN),
    Route("GET", "spend_alerts/{alert_id}", spend_alerts.retrieve_organization_spend_alert, Scope.ADMIN),
    Route("POST", "spend_alerts/{alert_id}", spend_alerts.update_organization_spend_alert, Scope.ADMIN),
    Route("DELETE", "spend_alerts/{alert_id}", spend_alerts.delete_organization_spend_alert, Scope.ADMIN),
    Route("GET", "audit_logs", audit_logs.list_audit_logs, Scope.ADMIN),
)


def _with_all_routes(name: str, prefix: str, dialect: Dialect) -> Mount:
    return Mount(
        name=name,
        prefix=prefix,
        dialect=dialect,
        routes=(*FILES, *UPLOADS, *BATCHES, *MODELS, *WEBHOOKS),
        starting_routes=STARTING_BATCHES,
    )


MOUNTS: Final = (
    _with_all_routes("openai", OPENAI.prefix, OPENAI),
    _with_all_routes("deepinfra", DEEPINFRA.prefix, DEEPINFRA),
    _with_all_routes("compass", COMPASS.prefix, COMPASS),
    _with_all_routes("azure_v1", AZURE_V1.prefix, AZURE_V1),
    _with_all_routes("azure", AZURE_CLASSIC.prefix, AZURE_CLASSIC),
    # SDKs before 1.65.2 put the deployment into the path (contract 6.3); it is accepted, unread.
    _with_all_routes("azure_deployment", f"{AZURE_CLASSIC.prefix}/deployments/{{deployment}}", AZURE_CLASSIC),
    Mount(
        name="organization",
        prefix=f"{OPENAI.prefix}/organization",
        dialect=OPENAI,
        routes=(*ADMINISTRATION, *USAGE),
        starting_routes=(),
    ),
    Mount(name="compass_logs", prefix="logs/v1/admin", dialect=COMPASS, routes=DATED_USAGE, starting_routes=()),
)
