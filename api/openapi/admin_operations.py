"""The operations of administration, by the handler's name (contract 10.2)."""

from __future__ import annotations

from collections.abc import Mapping

from api.openapi import admin_bodies as bodies
from api.openapi.operation import Operation, ok
from shared.domain.errors import InvalidRequest, NotFound, WrongState

_PROJECTS: Mapping[str, Operation] = {
    "create_project": Operation(
        tag="Projects", summary="Create a project", answers=ok("Project"), body=bodies.new_project
    ),
    "list_projects": Operation(
        tag="Projects", summary="List projects", answers=ok("Projects"), parameters=bodies.project_query
    ),
    "retrieve_project": Operation(tag="Projects", summary="Retrieve a project", answers=ok("Project")),
    "update_project": Operation(
        tag="Projects",
        summary="Change a project",
        answers=ok("Project"),
        body=bodies.project_changes,
        raises=(WrongState,),
    ),
    "archive_project": Operation(
        tag="Projects",
        summary="Archive a project: its keys open nothing any more",
        answers=ok("Project"),
        raises=(InvalidRequest,),
    ),
    "retrieve_model_permissions": Operation(
        tag="Projects", summary="Which models a project may use", answers=ok("ModelPermissions")
    ),
    "update_model_permissions": Operation(
        tag="Projects",
        summary="Say which models a project may use",
        answers=ok("ModelPermissions"),
        body=bodies.model_permissions,
        raises=(WrongState,),
    ),
    "list_rate_limits": Operation(
        tag="Projects",
        summary="What a project may have at each deployment",
        answers=ok("RateLimits"),
        parameters=bodies.rate_limit_query,
    ),
    "update_rate_limit": Operation(
        tag="Projects",
        summary="Limit the input tokens that a project's unfinished batches may have at a deployment",
        answers=ok("RateLimit"),
        body=bodies.rate_limit,
        raises=(InvalidRequest, WrongState),
    ),
    "retrieve_spend_limit": Operation(
        tag="Projects", summary="What a project may spend, and has spent", answers=ok("SpendLimit")
    ),
    "update_spend_limit": Operation(
        tag="Projects",
        summary="Limit what a project may spend",
        answers=ok("SpendLimit"),
        body=bodies.spend_limits,
        raises=(WrongState,),
    ),
    "delete_spend_limit": Operation(
        tag="Projects",
        summary="Let a project spend without limit",
        answers=ok("DeletedSpendLimit"),
        raises=(WrongState,),
    ),
    "retrieve_organization_spend_limit": Operation(
        tag="Projects",
        summary="What all projects may spend together, and have spent",
        answers=ok("OrganizationLimit"),
        raises=(NotFound,),
    ),
    "update_organization_spend_limit": Operation(
        tag="Projects",
        summary="Limit what all projects may spend together",
        answers=ok("OrganizationLimit"),
        body=bodies.organization_limit,
    ),
    "delete_organization_spend_limit": Operation(
        tag="Projects",
        summary="Let the organization spend without limit",
        answers=ok("DeletedOrganizationLimit"),
    ),
    "delete_model_permissions": Operation(
        tag="Projects",
        summary="Let a project use every model",
        answers=ok("DeletedModelPermissions"),
        raises=(WrongState,),
    ),
}
_ACCOUNTS: Mapping[str, Operation] = {
    "create_service_account": Operation(
        tag="Keys",
        summary="Create a service account, with its first key",
        answers=ok("ServiceAccountWithKey"),
        body=bodies.new_account,
        raises=(WrongState,),
    ),
    "list_service_accounts": Operation(
        tag="Keys", summary="List service accounts", answers=ok("ServiceAccounts"), parameters=bodies.list_query
    ),
    "retrieve_service_account": Operation(
        tag="Keys", summary="Retrieve a service account", answers=ok("ServiceAccount")
    ),
    "update_service_account": Operation(
        tag="Keys",
        summary="Change a service account",
        answers=ok("ServiceAccount"),
        body=bodies.account_changes,
        raises=(WrongState,),
    ),
    "delete_service_account": Operation(
        tag="Keys", summary="Delete a service account and its keys", answers=ok("DeletedServiceAccount")
    ),
}
_KEYS: Mapping[str, Operation] = {
    "create_api_key": Operation(
        tag="Keys",
        summary="Create a further key of a service account",
        answers=ok("NewApiKey"),
        body=bodies.new_key,
        raises=(WrongState,),
    ),
    "list_project_keys": Operation(
        tag="Keys", summary="List a project's keys", answers=ok("ApiKeys"), parameters=bodies.key_query
    ),
    "retrieve_project_key": Operation(tag="Keys", summary="Retrieve a key", answers=ok("ApiKey")),
    "update_project_key": Operation(
        tag="Keys",
        summary="Change what a key may do, and until when",
        answers=ok("ApiKey"),
        body=bodies.key_changes,
        raises=(WrongState,),
    ),
    "delete_project_key": Operation(tag="Keys", summary="Delete a key", answers=ok("DeletedApiKey")),
    "create_admin_key": Operation(
        tag="Keys",
        summary="Create an administrator's key",
        answers=ok("NewAdminApiKey"),
        body=bodies.new_admin_key,
        raises=(WrongState,),
    ),
    "list_admin_keys": Operation(
        tag="Keys",
        summary="List administrators' keys",
        answers=ok("AdminApiKeys"),
        parameters=bodies.admin_key_query,
    ),
    "retrieve_admin_key": Operation(tag="Keys", summary="Retrieve an administrator's key", answers=ok("AdminApiKey")),
    "delete_admin_key": Operation(
        tag="Keys", summary="Delete an administrator's key", answers=ok("DeletedAdminApiKey")
    ),
}
_ALERTS: Mapping[str, Operation] = {
    "create_spend_alert": Operation(
        tag="Projects",
        summary="Have it told when a project has spent so much",
        answers=ok("SpendAlert"),
        body=bodies.spend_alert,
        raises=(WrongState,),
    ),
    "list_spend_alerts": Operation(
        tag="Projects",
        summary="List a project's spend alerts",
        answers=ok("SpendAlerts"),
        parameters=bodies.alert_query,
    ),
    "retrieve_spend_alert": Operation(tag="Projects", summary="Retrieve a spend alert", answers=ok("SpendAlert")),
    "update_spend_alert": Operation(
        tag="Projects",
        summary="Change a spend alert",
        answers=ok("SpendAlert"),
        body=bodies.spend_alert,
        raises=(WrongState,),
    ),
    "delete_spend_alert": Operation(
        tag="Projects", summary="Delete a spend alert", answers=ok("DeletedSpendAlert"), raises=(WrongState,)
    ),
    "create_organization_spend_alert": Operation(
        tag="Projects",
        summary="Have it told when all projects together have spent so much",
        answers=ok("OrganizationAlert"),
        body=bodies.spend_alert,
    ),
    "list_organization_spend_alerts": Operation(
        tag="Projects",
        summary="List the organization's spend alerts",
        answers=ok("OrganizationAlerts"),
        parameters=bodies.alert_query,
    ),
    "retrieve_organization_spend_alert": Operation(
        tag="Projects", summary="Retrieve a spend alert of the organization", answers=ok("OrganizationAlert")
    ),
    "update_organization_spend_alert": Operation(
        tag="Projects",
        summary="Change a spend alert of the organization",
        answers=ok("OrganizationAlert"),
        body=bodies.spend_alert,
    ),
    "delete_organization_spend_alert": Operation(
        tag="Projects", summary="Delete a spend alert of the organization", answers=ok("DeletedOrganizationAlert")
    ),
}
_AUDIT: Mapping[str, Operation] = {
    "list_audit_logs": Operation(
        tag="Audit", summary="What administrators did", answers=ok("AuditLogs"), parameters=bodies.audit_query
    ),
}

ADMINISTRATION: Mapping[str, Operation] = {**_PROJECTS, **_ALERTS, **_ACCOUNTS, **_KEYS, **_AUDIT}
