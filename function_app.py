"""Table of contents: every function of the app, and the only file with Azure decorators.

Rule of this file: registration only. Handlers, orchestrators, activities and timers are plain functions elsewhere;
`api/mounts.py` lists the routes. A function's name is its identity on the platform: renaming one orphans what runs
under it.
"""

from __future__ import annotations

from shared.telemetry.exported_lines import choose_exported_lines

choose_exported_lines()  # first: the worker has set up telemetry already, and it is exporting while this file imports

import azure.durable_functions as df
import azure.functions as func

from activities.finish_batch import finish_batch
from activities.reserve_quota import reserve_quota
from activities.send_webhook import send_webhook
from activities.validate_input import validate_input
from activities.work_lane import work_lane
from api.edge.any_path import take_any_path
from api.edge.dialect import OPENAI
from api.edge.endpoint import client_endpoint, endpoint, starting_endpoint, unknown_endpoint
from api.edge.health import healthz, readyz
from api.edge.mount import dialects
from api.edge.unknown_path import Template, roots
from api.mounts import MOUNTS
from api.openapi.document import DOCUMENT
from api.openapi.serving import serve_document
from api.page.serving import serve_page
from orchestrators import names
from orchestrators.deliver_webhook import deliver_webhook
from orchestrators.run_batch import run_batch
from orchestrators.run_lane import run_lane
from shared.domain.keys.scopes import Scope
from timers.expire_stores import expire_stores
from timers.sweep_stores import sweep_stores
from timers.tend_batches import tend_batches

take_any_path()
# Keys are checked in `api/edge/endpoint.py`, the same everywhere this app runs; the platform's own keys are not used.
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

ORCHESTRATORS = ((names.RUN_BATCH, run_batch), (names.RUN_LANE, run_lane), (names.DELIVER_WEBHOOK, deliver_webhook))
ACTIVITIES = (
    (names.VALIDATE_INPUT, validate_input),
    (names.RESERVE_QUOTA, reserve_quota),
    (names.SEND_WEBHOOK, send_webhook),
)
CLIENT_ACTIVITIES = ((names.WORK_LANE, work_lane), (names.FINISH_BATCH, finish_batch))

served = {
    Template(route.method, mount.at(route.path)): endpoint(route.handler, mount.dialect, route.scope)
    for mount in MOUNTS
    for route in mount.routes
}
for mount in MOUNTS:
    for route in mount.routes:
        path = app.route(route=mount.at(route.path), methods=[route.method])
        serve = served[Template(route.method, mount.at(route.path))]
        app.function_name(f"{mount.name}_{route.handler.__name__}")(path(serve))
    for starter in mount.starting_routes:
        path = app.route(route=mount.at(starter.path), methods=[starter.method])
        client = app.durable_client_input(client_name="client")
        start = starting_endpoint(starter.handler, mount.dialect, starter.scope, names.RUN_BATCH)
        app.function_name(f"{mount.name}_{starter.handler.__name__}")(path(client(start)))

# No route may lead to /openapi.json, /docs, /docs/oauth2-redirect or /redoc, so no catch-all may stand at the root: the
# worker's own web server answers these four, and a call that one of our functions leads there never ends.
for mount in MOUNTS:
    if mount.is_described:
        document = serve_document(mount.dialect, MOUNTS)
        app.function_name(f"{mount.name}_openapi")(app.route(route=mount.at(DOCUMENT), methods=["GET"])(document))

# The platform tries routes in the order of their functions' names (platform 1.4): these come after all others.
known = [Template(route.method, mount.at(route.path)) for mount in MOUNTS for route in mount.all_routes]
known += [Template("GET", mount.at(DOCUMENT)) for mount in MOUNTS if mount.is_described]
unknown = unknown_endpoint(known, served, dialects(MOUNTS))
for root in roots(dialects(MOUNTS)):
    catch_all = app.route(route=f"{root}/{{*rest}}", methods=list(func.HttpMethod))
    app.function_name(f"unknown_{root}")(catch_all(unknown))

# The root is a route of its own: a segment that may be empty and nothing else (platform 1.4, ADR 0016).
app.function_name("page_at_root")(app.route(route="{ignored:maxlength(0)?}", methods=["GET"])(serve_page))
app.function_name("page_files")(app.route(route="ui/{*path}", methods=["GET"])(serve_page))

app.function_name("healthz")(app.route(route="healthz", methods=["GET"])(healthz))
app.function_name("readyz")(
    app.route(route="readyz", methods=["GET"])(
        app.durable_client_input(client_name="client")(client_endpoint(readyz, OPENAI, Scope.ADMIN))
    )
)

for name, orchestrator in ORCHESTRATORS:
    app.function_name(name)(app.orchestration_trigger(context_name="context")(orchestrator))
for name, activity in ACTIVITIES:
    app.function_name(name)(app.activity_trigger(input_name="input")(activity))
for name, asking in CLIENT_ACTIVITIES:
    client = app.durable_client_input(client_name="client")
    app.function_name(name)(app.activity_trigger(input_name="input")(client(asking)))

app.function_name("tend_batches")(
    app.timer_trigger(arg_name="timer", schedule="*/15 * * * * *")(
        app.durable_client_input(client_name="client")(tend_batches)
    )
)
app.function_name("expire_stores")(app.timer_trigger(arg_name="timer", schedule="0 */10 * * * *")(expire_stores))
app.function_name("sweep_stores")(
    app.timer_trigger(arg_name="timer", schedule="0 17 3 * * *")(
        app.durable_client_input(client_name="client")(sweep_stores)
    )
)
