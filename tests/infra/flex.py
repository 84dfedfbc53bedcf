"""What Flex Consumption refuses or ignores: it moved to functionAppConfig, or is not supported there."""

from __future__ import annotations

import re

from tests.infra.bicep_tree import BicepFile, named, text_of, walk

SETTINGS = [
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_PROCESS_COUNT",
    "FUNCTIONS_MAX_HTTP_CONCURRENCY",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTOVERVNET",
    "WEBSITE_VNET_ROUTE_ALL",
    "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "ENABLE_ORYX_BUILD",
    "WEBSITE_MOUNT_ENABLED",
    "WEBSITE_TIME_ZONE",
]
SITE_PROPERTIES = [
    "alwaysOn",
    "containerSize",
    "ftpsState",
    "functionAppScaleLimit",
    "healthCheckPath",
    "isXenon",
    "javaVersion",
    "linuxFxVersion",
    "netFrameworkVersion",
    "nodeVersion",
    "phpVersion",
    "powerShellVersion",
    "preWarmedInstanceCount",
    "use32BitWorkerProcess",
    "vnetBackupRestoreEnabled",
    "vnetContentShareEnabled",
    "vnetImagePullEnabled",
    "vnetRouteAllEnabled",
    "windowsFxVersion",
]


def not_on_flex(file: BicepFile) -> list[str]:
    given = [text_of(named(node)[0]) for node in walk(file.root) if node.type == "object_property"]
    return [f"{file.path.name}: {name} has no place on Flex" for name in SITE_PROPERTIES if name in given] + [
        f"{file.path.name}: setting {name} has no place on Flex"
        for name in SETTINGS
        if re.search(rf"\b{name}\b", file.text)
    ]
