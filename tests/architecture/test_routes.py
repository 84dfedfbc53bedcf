"""What `function_app.py` registers, walked as a whole."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import azure.functions as func
import httpx
import pytest
from azurefunctions.extensions.http.fastapi import web

from local_host.app.function_index import ALL_METHODS, FunctionIndex, index
from local_host.http.http_server import build_app, compile_routes
from orchestrators import names
from shared.services import Services, use
from shared.settings import Settings
from tests.architecture.product import ROOT

MOUNTS = ("v1", "v1/openai", "batch-api/v1", "openai", "openai/v1", "openai/deployments/{deployment}")
ROOTS = ("v1", "batch-api", "logs", "openai")
ROUTES = {
    ("POST", "files"),
    ("GET", "files"),
    ("GET", "files/{file_id}"),
    ("DELETE", "files/{file_id}"),
    ("GET", "files/{file_id}/content"),
    ("HEAD", "files/{file_id}/content"),
    ("POST", "files/import"),
    ("POST", "uploads"),
    ("GET", "uploads/{upload_id}"),
    ("POST", "uploads/{upload_id}/parts"),
    ("POST", "uploads/{upload_id}/complete"),
    ("POST", "uploads/{upload_id}/cancel"),
    ("POST", "batches"),
    ("GET", "batches"),
    ("GET", "batches/{batch_id}"),
    ("DELETE", "batches/{batch_id}"),
    ("POST", "batches/{batch_id}/cancel"),
    ("POST", "batches/{batch_id}/retry"),
    ("POST", "batches/{batch_id}"),
    ("POST", "batches/{batch_id}/pause"),
    ("POST", "batches/{batch_id}/resume"),
    ("GET", "batches/{batch_id}/results"),
    ("GET", "batches/{batch_id}/deliveries"),
    ("POST", "batches/validate"),
    ("GET", "models"),
    ("GET", "models/{model}"),
    ("GET", "caller"),
    ("POST", "webhook_endpoints"),
    ("GET", "webhook_endpoints"),
    ("GET", "webhook_endpoints/{webhook_endpoint_id}"),
    ("POST", "webhook_endpoints/{webhook_endpoint_id}"),
    ("DELETE", "webhook_endpoints/{webhook_endpoint_id}"),
    ("POST", "webhook_endpoints/{webhook_endpoint_id}/rotate_secret"),
    ("POST", "webhook_endpoints/{webhook_endpoint_id}/test"),
    ("GET", "webhook_event_types"),
}
_PROJECT = "v1/organization/projects/{project_id}"
_ACCOUNT = f"{_PROJECT}/service_accounts/{{service_account_id}}"
_ADMIN_KEYS = "v1/organization/admin_api_keys"
USAGE = {
    *(("GET", f"v1/organization/usage/{kind}") for kind in ("completions", "embeddings", "moderations", "images")),
    ("GET", "v1/organization/costs"),
    ("POST", "logs/v1/admin/usage_reports"),
}
ADMINISTRATION = {  # OpenAI's alone (contract 10.2)
    ("POST", "v1/organization/projects"),
    ("GET", "v1/organization/projects"),
    ("GET", _PROJECT),
    ("POST", _PROJECT),
    ("POST", f"{_PROJECT}/archive"),
    ("GET", f"{_PROJECT}/rate_limits"),
    ("POST", f"{_PROJECT}/rate_limits/{{rate_limit_id}}"),
    ("GET", f"{_PROJECT}/spend_limit"),
    ("POST", f"{_PROJECT}/spend_limit"),
    ("DELETE", f"{_PROJECT}/spend_limit"),
    ("GET", f"{_PROJECT}/model_permissions"),
    ("POST", f"{_PROJECT}/model_permissions"),
    ("DELETE", f"{_PROJECT}/model_permissions"),
    ("POST", f"{_PROJECT}/service_accounts"),
    ("GET", f"{_PROJECT}/service_accounts"),
    ("GET", _ACCOUNT),
    ("POST", _ACCOUNT),
    ("DELETE", _ACCOUNT),
    ("POST", f"{_ACCOUNT}/api_keys"),
    ("GET", f"{_PROJECT}/api_keys"),
    ("GET", f"{_PROJECT}/api_keys/{{key_id}}"),
    ("POST", f"{_PROJECT}/api_keys/{{key_id}}"),
    ("DELETE", f"{_PROJECT}/api_keys/{{key_id}}"),
    ("POST", _ADMIN_KEYS),
    ("GET", _ADMIN_KEYS),
    ("GET", f"{_ADMIN_KEYS}/{{key_id}}"),
    ("DELETE", f"{_ADMIN_KEYS}/{{key_id}}"),
    ("GET", "v1/organization/spend_limit"),
    ("POST", "v1/organization/spend_limit"),
    ("DELETE", "v1/organization/spend_limit"),
    ("POST", f"{_PROJECT}/spend_alerts"),
    ("GET", f"{_PROJECT}/spend_alerts"),
    ("GET", f"{_PROJECT}/spend_alerts/{{alert_id}}"),
    ("POST", f"{_PROJECT}/spend_alerts/{{alert_id}}"),
    ("DELETE", f"{_PROJECT}/spend_alerts/{{alert_id}}"),
    ("POST", "v1/organization/spend_alerts"),
    ("GET", "v1/organization/spend_alerts"),
    ("GET", "v1/organization/spend_alerts/{alert_id}"),
    ("POST", "v1/organization/spend_alerts/{alert_id}"),
    ("DELETE", "v1/organization/spend_alerts/{alert_id}"),
    ("GET", "v1/organization/audit_logs"),
}
CATCH_ALLS = {(method.value, f"{root}/{{*rest}}") for method in func.HttpMethod for root in ROOTS}
PAGE = {("GET", "{ignored:maxlength(0)?}"), ("GET", "ui/{*path}")}
ANONYMOUS = {("GET", "healthz"), *PAGE, *(("GET", f"{mount}/openapi.json") for mount in MOUNTS[:5]), *CATCH_ALLS}
OF_THE_SERVICE = {("GET", "readyz")}


@cache
def app_index() -> FunctionIndex:
    return index(runpy.run_path(str(ROOT / "function_app.py"))["app"])


def registered() -> list[tuple[str, str]]:
    return [(method, function.route) for function in app_index().http for method in sorted(function.methods)]


def test_every_method_and_route_is_registered_once() -> None:
    """No two functions answer the same (method, route): the real host would pick one of them (platform 1.4)."""
    assert len(registered()) == len(set(registered()))


@pytest.mark.parametrize("path", ["openapi.json", "docs", "docs/oauth2-redirect", "redoc"])
def test_no_route_leads_to_the_pages_of_the_web_server(path: str) -> None:
    """The worker's own web server answers these, and the call never ends: 30 minutes later the worker is restarted."""
    own = {route.path for route in web.WebApp().get_app().routes}
    taken = [
        route.function.name for route in compile_routes(app_index().http) if route.match(path.split("/")) is not None
    ]

    assert (f"/{path}" in own, taken) == (True, [])


def test_routes_take_methods_that_the_web_server_takes() -> None:
    """Another one it would refuse by itself, and the call would never end."""
    app = web.WebApp()
    app.route(print)
    taken = next(route.methods for route in app.get_app().routes if route.path == "/{path:path}")

    assert taken == ALL_METHODS >= {method for method, _ in registered()}


def test_every_function_name_is_registered_once() -> None:
    """HTTP functions, orchestrators, activities and timers share one space of names."""
    found = app_index()
    all_names = [
        *(function.name for function in found.http),
        *found.orchestrators,
        *found.activities,
        *(timer.name for timer in found.timers),
    ]

    assert len(all_names) == len(set(all_names))


def test_every_dialect_has_every_route() -> None:
    """The same handlers are mounted under all prefixes (contract 9.1 no. 1)."""
    expected = {(method, f"{mount}/{path}") for mount in MOUNTS for method, path in ROUTES}

    assert set(registered()) == expected | ADMINISTRATION | USAGE | ANONYMOUS | OF_THE_SERVICE


def test_every_name_that_is_called_is_registered() -> None:
    """An orchestrator or activity is called by name, so each constant of `orchestrators.names` must exist."""
    found = app_index()
    constants = {value for key, value in vars(names).items() if key.isupper()}

    assert {*found.orchestrators, *found.activities} == constants


@pytest.mark.parametrize(("method", "route"), sorted(set(registered()) - ANONYMOUS))
@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer wrong"}, {"api-key": "wrong"}, {"authorization": "Bearer "}],
    ids=["none", "bearer", "api-key", "empty"],
)
async def test_no_route_answers_without_a_key(method: str, route: str, headers: dict[str, str]) -> None:
    """Without a valid key every HTTP function but the health check answers 401."""
    async with client(Settings(bootstrap_key="right")) as http:
        response = await http.request(method, _path(route), headers=headers)

    assert response.status_code == 401


@pytest.mark.parametrize(("method", "route"), sorted(set(registered()) - ANONYMOUS))
async def test_no_route_answers_while_the_service_has_no_key(method: str, route: str) -> None:
    """No bootstrap key, no service: not even an empty key gets in."""
    async with client(Settings(bootstrap_key="")) as http:
        response = await http.request(method, _path(route), headers={"api-key": "", "authorization": "Bearer x"})

    assert response.status_code == 401


async def test_the_health_check_needs_no_key() -> None:
    """`/healthz` answers anonymous callers."""
    async with client(Settings(bootstrap_key="right")) as http:
        response = await http.get("/healthz")

    assert response.json() == {"status": "ok"}


async def test_the_health_check_fails_without_a_bootstrap_key() -> None:
    """A service that can let nobody in is not healthy."""
    async with client(Settings(bootstrap_key="")) as http:
        response = await http.get("/healthz")

    assert response.status_code == 503


def test_routes_have_no_prefix() -> None:
    """host.json removes the platform's `/api` in front of every route."""
    host = json.loads((ROOT / "host.json").read_text())

    assert host["extensions"]["http"]["routePrefix"] == ""


@asynccontextmanager
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The app over HTTP with `settings` and no stores: a call that got past authentication would fail with 500."""
    app = build_app(compile_routes(app_index().http), _BINDING)
    with use(Services(settings=settings, stores=None, upstream=None, webhook_sender=None)):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as http:
            yield http


_BINDING = json.dumps(
    {
        "taskHubName": "Hub",
        "creationUrls": {},
        "managementUrls": {"id": "INSTANCEID"},
        "baseUrl": "http://127.0.0.1:9/x",
        "requiredQueryStringParameters": "",
        "rpcBaseUrl": "http://127.0.0.1:9/",
    }
)


def _path(route: str) -> str:
    return "/" + re.sub(r"{\w+}", "x", route)
