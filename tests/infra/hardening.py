"""What every installation must have: no keys, no passwords, no plain text on the wire."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from tests.infra.bicep_tree import BicepFile, Declaration, properties, value

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


def soft_spots(file: BicepFile) -> list[str]:
    return [problem for each in file.of("resource") if not each.existing for problem in _of_resource(file, each)]


def passwords_left(file: BicepFile) -> list[str]:
    """An app is published with Entra ID only: the passwords of FTP and of the deployment site are off."""
    kinds = [each.source.split("@")[0] for each in file.of("resource") if not each.existing]
    if "Microsoft.Web/sites" not in kinds:
        return []
    off = {
        value(each.properties["name"])
        for each in file.of("resource")
        if each.source.startswith("Microsoft.Web/sites/basicPublishingCredentialsPolicies@")
    }
    return [f"{file.path.name}: publishing by password is not switched off for {name}" for name in {"ftp", "scm"} - off]


def _of_resource(file: BicepFile, resource: Declaration) -> Iterator[str]:
    for path, expected in MUST.get(resource.source.split("@")[0], {}).items():
        found = _at(resource.properties, path.split("."))
        if found is None or value(found) != expected:
            yield f"{file.path.name}:{resource.line}: {resource.name}.{path} must be {expected!r}"


def _at(given: dict[str, Node], path: list[str]) -> Node | None:
    node = given.get(path[0])
    return node if node is None or len(path) == 1 else _at(properties(node), path[1:])
