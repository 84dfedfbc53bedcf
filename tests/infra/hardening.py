"""What every installation must have: no keys, no passwords, no plain text on the wire. Read from snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Resource = dict[str, Any]
# Resource type -> property -> value.
MUST: dict[str, dict[str, object]] = {
    "Microsoft.Storage/storageAccounts": {
        "properties.allowSharedKeyAccess": False,
        "properties.allowBlobPublicAccess": False,
        "properties.allowCrossTenantReplication": False,
        "properties.isLocalUserEnabled": False,
        "properties.minimumTlsVersion": "TLS1_2",
        "properties.supportsHttpsTrafficOnly": True,
    },
    "Microsoft.Storage/storageAccounts/blobServices/containers": {"properties.publicAccess": "None"},
    "Microsoft.Insights/components": {"properties.DisableLocalAuth": True},
    "Microsoft.OperationalInsights/workspaces": {"properties.features.disableLocalAuth": True},
    "Microsoft.KeyVault/vaults": {
        "properties.enableRbacAuthorization": True,
        "properties.enableSoftDelete": True,
    },
    "Microsoft.Web/sites": {
        "properties.httpsOnly": True,
        "properties.siteConfig.minTlsVersion": "1.2",
        "properties.siteConfig.scmMinTlsVersion": "1.2",
        "identity.type": "UserAssigned",
    },
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"properties.allow": False},
}
# Where everything is private: what must not answer from outside.
PRIVATE = {
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.Web/sites",
    "Microsoft.DurableTask/schedulers",
}


def soft_spots(resources: list[Resource]) -> list[str]:
    return [problem for each in resources for problem in _of_resource(each)]


def passwords_left(resources: list[Resource]) -> list[str]:
    """An app is published with Entra ID only: the passwords of FTP and of the deployment site are off."""
    apps = [each["name"] for each in resources if each["type"] == "Microsoft.Web/sites"]
    off = [each["name"] for each in resources if each["type"].endswith("/basicPublishingCredentialsPolicies")]
    return [
        f"{app}: publishing by password is not switched off for {way}"
        for app in apps
        for way in ("ftp", "scm")
        if f"{app}/{way}" not in off
    ]


def open_to_the_public(resources: list[Resource]) -> list[str]:
    return [
        each["name"]
        for each in resources
        if each["type"] in PRIVATE and each["properties"].get("publicNetworkAccess") != "Disabled"
    ]


def _of_resource(resource: Resource) -> Iterator[str]:
    for path, expected in MUST.get(resource["type"], {}).items():
        if _at(resource, path) != expected:
            yield f"{resource['name']}: {path} must be {expected!r}"


def _at(resource: Resource, path: str) -> object:
    found: Any = resource
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
