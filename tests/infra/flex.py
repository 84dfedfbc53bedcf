"""What Flex Consumption refuses, ignores or does not have. Read from snapshots."""

from __future__ import annotations

from tests.infra.hardening import Resource

# They moved to functionAppConfig, or are not supported there.
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


# All that Azure Monitor has of an app on Flex. An alert on any other fails the whole deployment.
METRICS = [
    "AlwaysReadyFunctionExecutionCount",
    "AlwaysReadyFunctionExecutionUnits",
    "AlwaysReadyUnits",
    "AverageMemoryWorkingSet",
    "CpuPercentage",
    "InstanceCount",
    "MemoryWorkingSet",
    "OnDemandFunctionExecutionCount",
    "OnDemandFunctionExecutionUnits",
]


def not_on_flex(resources: list[Resource]) -> list[str]:
    apps = [each for each in resources if each["type"] == "Microsoft.Web/sites"]
    settings = settings_of(resources)
    return [
        f"{app['name']}: {name} has no place on Flex"
        for app in apps
        for name in SITE_PROPERTIES
        if name in app["properties"].get("siteConfig", {}) or name in app["properties"]
    ] + [f"setting {name} has no place on Flex" for name in SETTINGS if name in settings]


def foreign_metrics(resources: list[Resource]) -> list[str]:
    """Metrics that an alert asks the app for and Flex does not publish."""
    return [
        f"{alert['name']}: Flex has no metric {criterion['metricName']}"
        for alert in resources
        if alert["type"] == "Microsoft.Insights/metricAlerts"
        and any("/Microsoft.Web/sites/" in scope for scope in alert["properties"]["scopes"])
        for criterion in alert["properties"]["criteria"].get("allOf", [])
        if criterion["metricName"] not in METRICS
    ]


def settings_of(resources: list[Resource]) -> dict[str, str]:
    """App settings by name; what only a deployment knows is an expression in brackets."""
    found: dict[str, str] = next(each["properties"] for each in resources if each["name"].endswith("/appsettings"))
    return found
