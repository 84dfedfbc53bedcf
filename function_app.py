"""Table of contents: every function of the app, and the only file with Azure decorators.

Rule of this file: registration only. Handlers, orchestrators, activities and timers are plain functions elsewhere. A
function's name is its identity on the platform: renaming one orphans what runs under it.
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
from api.batches import batches
from api.batches.batch_retry import retry_batch
from api.batches.batch_validation import validate_batch
from api.edge.any_path import take_any_path
from api.edge.dialect import MOUNTS, OPENAI
from api.edge.endpoint import client_endpoint, endpoint, starting_endpoint, unknown_endpoint
from api.edge.health import healthz, readyz
from api.edge.unknown_path import ROOTS, Template
from api.files import files, uploads
from api.openapi.serving import DOCUMENT, serve_document
from api.webhooks import webhooks
from orchestrators import names
from orchestrators.deliver_webhook import deliver_webhook
from orchestrators.run_batch import run_batch
from orchestrators.run_lane import run_lane
from timers.expire_stores import expire_stores
from timers.sweep_stores import sweep_stores
from timers.tend_batches import tend_batches

take_any_path()
# Keys are checked in `api/edge/endpoint.py`, the same everywhere this app runs; the platform's own keys are not used.
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

ROUTES = (
    ("POST", "files", files.create_file),
    ("GET", "files", files.list_files),
    ("GET", "files/{file_id}", files.retrieve_file),
    ("DELETE", "files/{file_id}", files.delete_file),
    ("GET", "files/{file_id}/content", files.download_file),
    ("HEAD", "files/{file_id}/content", files.inspect_file),
    ("POST", "files/import", files.import_file),
    ("POST", "uploads", uploads.create_upload),
    ("GET", "uploads/{upload_id}", uploads.retrieve_upload),
    ("POST", "uploads/{upload_id}/parts", uploads.add_part),
    ("POST", "uploads/{upload_id}/complete", uploads.complete_upload),
    ("POST", "uploads/{upload_id}/cancel", uploads.cancel_upload),
    ("GET", "batches", batches.list_batches),
    ("GET", "batches/{batch_id}", batches.retrieve_batch),
    ("POST", "batches/{batch_id}/cancel", batches.cancel_batch),
    ("POST", "batches/validate", validate_batch),
    ("POST", "webhook_endpoints", webhooks.create_webhook_endpoint),
    ("GET", "webhook_endpoints", webhooks.list_webhook_endpoints),
    ("GET", "webhook_endpoints/{webhook_endpoint_id}", webhooks.retrieve_webhook_endpoint),
    ("POST", "webhook_endpoints/{webhook_endpoint_id}", webhooks.update_webhook_endpoint),
    ("DELETE", "webhook_endpoints/{webhook_endpoint_id}", webhooks.delete_webhook_endpoint),
    ("POST", "webhook_endpoints/{webhook_endpoint_id}/rotate_secret", webhooks.rotate_webhook_secret),
    ("POST", "webhook_endpoints/{webhook_endpoint_id}/test", webhooks.test_webhook_endpoint),
    ("GET", "webhook_event_types", webhooks.list_webhook_event_types),
)
STARTING_ROUTES = (
    ("POST", "batches", batches.create_batch),
    ("POST", "batches/{batch_id}/retry", retry_batch),
)
ORCHESTRATORS = ((names.RUN_BATCH, run_batch), (names.RUN_LANE, run_lane), (names.DELIVER_WEBHOOK, deliver_webhook))
ACTIVITIES = (
    (names.VALIDATE_INPUT, validate_input),
    (names.RESERVE_QUOTA, reserve_quota),
    (names.SEND_WEBHOOK, send_webhook),
)
CLIENT_ACTIVITIES = ((names.WORK_LANE, work_lane), (names.FINISH_BATCH, finish_batch))

served = {
    Template(method, f"{prefix}/{path}"): endpoint(handler, dialect)
    for _, prefix, dialect in MOUNTS
    for method, path, handler in ROUTES
}
for mount, prefix, dialect in MOUNTS:
    for method, path, handler in ROUTES:
        route = app.route(route=f"{prefix}/{path}", methods=[method])
        app.function_name(f"{mount}_{handler.__name__}")(route(served[Template(method, f"{prefix}/{path}")]))
    for method, path, starter in STARTING_ROUTES:
        route = app.route(route=f"{prefix}/{path}", methods=[method])
        client = app.durable_client_input(client_name="client")
        serve = starting_endpoint(starter, dialect, names.RUN_BATCH)
        app.function_name(f"{mount}_{starter.__name__}")(route(client(serve)))

# No route may lead to /openapi.json, /docs, /docs/oauth2-redirect or /redoc, so no catch-all may stand at the root: the
# worker's own web server answers these four, and a call that one of our functions leads there never ends.
for mount, prefix, dialect in MOUNTS:
    if prefix == dialect.prefix:
        document = serve_document(dialect, ROUTES + STARTING_ROUTES)
        app.function_name(f"{mount}_openapi")(app.route(route=f"{prefix}/{DOCUMENT}", methods=["GET"])(document))

# The platform tries routes in the order of their functions' names (platform 1.4): these come after all others.
unknown = unknown_endpoint(
    [
        Template(method, f"{prefix}/{path}")
        for _, prefix, _ in MOUNTS
        for method, path, _ in (*ROUTES, *STARTING_ROUTES, ("GET", DOCUMENT, None))
    ],
    served,
)
for root in ROOTS:
    catch_all = app.route(route=f"{root}/{{*rest}}", methods=list(func.HttpMethod))
    app.function_name(f"unknown_{root}")(catch_all(unknown))

app.function_name("healthz")(app.route(route="healthz", methods=["GET"])(healthz))
app.function_name("readyz")(
    app.route(route="readyz", methods=["GET"])(
        app.durable_client_input(client_name="client")(client_endpoint(readyz, OPENAI))
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
