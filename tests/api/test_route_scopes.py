"""Which scope each route asks for."""

from __future__ import annotations

import pytest

from api.mounts import MOUNTS
from shared.domain.keys.scopes import Scope
from tests.api.harness import ROOT

SCOPES = {
    Scope.FILES_READ: {
        "list_files",
        "retrieve_file",
        "download_file",
        "inspect_file",
        "retrieve_upload",
        "list_results",
    },
    Scope.FILES_WRITE: {
        "create_file",
        "delete_file",
        "import_file",
        "create_upload",
        "add_part",
        "complete_upload",
        "cancel_upload",
    },
    Scope.BATCHES_READ: {
        "list_deliveries",
        "list_batches",
        "retrieve_batch",
        "validate_batch",
        "list_webhook_endpoints",
        "retrieve_webhook_endpoint",
        "list_webhook_event_types",
    },
    Scope.BATCHES_WRITE: {
        "create_batch",
        "cancel_batch",
        "delete_batch",
        "retry_batch",
        "pause_batch",
        "resume_batch",
        "vary_batch",
        "create_webhook_endpoint",
        "update_webhook_endpoint",
        "delete_webhook_endpoint",
        "rotate_webhook_secret",
        "test_webhook_endpoint",
    },
    Scope.ADMIN: {
        "create_project",
        "list_projects",
        "retrieve_project",
        "update_project",
        "archive_project",
        "retrieve_model_permissions",
        "update_model_permissions",
        "delete_model_permissions",
        "list_rate_limits",
        "update_rate_limit",
        "retrieve_spend_limit",
        "update_spend_limit",
        "delete_spend_limit",
        "retrieve_organization_spend_limit",
        "update_organization_spend_limit",
        "delete_organization_spend_limit",
        "create_spend_alert",
        "list_spend_alerts",
        "retrieve_spend_alert",
        "update_spend_alert",
        "delete_spend_alert",
        "create_organization_spend_alert",
        "list_organization_spend_alerts",
        "retrieve_organization_spend_alert",
        "update_organization_spend_alert",
        "delete_organization_spend_alert",
        "create_service_account",
        "list_service_accounts",
        "retrieve_service_account",
        "update_service_account",
        "delete_service_account",
        "create_api_key",
        "list_project_keys",
        "retrieve_project_key",
        "update_project_key",
        "delete_project_key",
        "create_admin_key",
        "list_admin_keys",
        "retrieve_admin_key",
        "delete_admin_key",
        "list_audit_logs",
    },
    Scope.ANY: {"list_models", "retrieve_model", "retrieve_caller"},
    Scope.USAGE: {
        "report_completions",
        "report_embeddings",
        "report_moderations",
        "report_images",
        "report_costs",
        "report_usage",
    },
}
ROUTES = sorted(
    {
        (route.method, mount.at(route.path), route.handler.__name__): route
        for mount in MOUNTS
        for route in mount.all_routes
    }.items()
)


@pytest.mark.parametrize(("name", "route"), ROUTES, ids=[" ".join(name[:2]) for name, _ in ROUTES])
def test_every_route_names_the_scope_of_what_it_does(name: tuple[str, str, str], route: object) -> None:
    """A new handler has to be put into the table above: nothing is open because somebody forgot to think of it."""
    expected = [scope for scope, handlers in SCOPES.items() if name[2] in handlers]

    assert [route.scope] == expected


OF_PROJECTS = [(name, route) for name, route in ROUTES if route.scope is not Scope.ADMIN]


@pytest.mark.parametrize(("name", "route"), OF_PROJECTS, ids=[" ".join(name[:2]) for name, _ in OF_PROJECTS])
def test_reading_is_enough_only_for_what_changes_nothing(name: tuple[str, str, str], route: object) -> None:
    """Validating and a report of which much is asked are the POSTs that store nothing."""
    reads = name[0] in ("GET", "HEAD") or name[2] in ("validate_batch", "report_usage")

    assert reads == (route.scope in (Scope.FILES_READ, Scope.BATCHES_READ, Scope.USAGE, Scope.ANY))


@pytest.mark.parametrize("scope", list(Scope))
def test_every_scope_is_described(scope: Scope) -> None:
    """For callers, who read it in a refusal."""
    assert f"| `{scope.value}`" in (ROOT / "docs" / "api.md").read_text()
