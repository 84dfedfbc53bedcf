"""Reading the app: what is found and what is refused."""

import re
from typing import Any, Dict  # noqa: UP035 - the worker tells it from dict

import azure.durable_functions as df
import azure.functions as func
import pytest
from azurefunctions.extensions.http.fastapi import Request

from local_host.app.function_index import ALL_METHODS, InvalidApp, index
from local_host.durable.replay import NotEmulated
from tests.local_host.sample_app.function_app import add_one, build


def fresh() -> df.DFApp:
    return df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


async def handler(req: Request) -> None: ...


async def other(req: Request) -> None: ...


def test_every_kind_of_function_is_found() -> None:
    """The sample app's functions appear under their kinds with their bindings' names."""
    found = index(build())
    assert {"count_up", "copy_count", "wait_for_go"} == set(found.orchestrators)
    assert found.activities["add_one"].call is add_one
    assert {name: (each.input_parameter, each.client_parameter) for name, each in found.activities.items()} == {
        "add_one": ("input", None),
        "start_copy": ("input", "client"),
    }
    assert [(timer.name, timer.schedule, timer.client_parameter) for timer in found.timers] == [
        ("tick", "%TICK_SCHEDULE%", "client")
    ]
    start = next(function for function in found.http if function.name == "start_count")
    assert (start.methods, start.route) == ({"POST"}, "counts/{id}")
    assert (start.request_parameter, start.client_parameter) == ("req", "client")


def test_a_route_without_methods_answers_all() -> None:
    """No `methods` means every method, and no `route` means the function's name."""
    app = fresh()
    app.function_name("bare")(app.route()(handler))
    (function,) = index(app).http
    assert (function.methods, function.route) == (ALL_METHODS, "bare")


def test_aliases_name_activities_and_orchestrators() -> None:
    """`activity=` and `orchestration=` are the names the engine knows them by."""
    app = fresh()
    app.function_name("a")(app.activity_trigger(input_name="input", activity="alias_a")(add_one))
    app.function_name("o")(app.orchestration_trigger("context", orchestration="alias_o")(lambda context: (yield)))
    found = index(app)
    assert (set(found.activities), set(found.orchestrators)) == ({"alias_a"}, {"alias_o"})


@pytest.mark.parametrize(("first", "second"), [("a/{x}/b", "A/{y}/b"), ("a/{*x}", "a/{*rest}")])
def test_two_functions_on_one_method_and_route_are_refused(first: str, second: str) -> None:
    """Parameter names and the case of literals do not tell routes apart."""
    app = fresh()
    app.function_name("one")(app.route(route=first, methods=["GET", "POST"])(handler))
    app.function_name("two")(app.route(route=second, methods=["POST"])(other))
    with pytest.raises(InvalidApp, match="'one' and 'two' both answer POST"):
        index(app)


@pytest.mark.parametrize(("first", "second"), [("a/{x}", "a/{*x}"), ("a/{x}", "a/x")])
def test_routes_of_different_shape_live_together(first: str, second: str) -> None:
    """A parameter, a wildcard and a literal in one place are three routes."""
    app = fresh()
    app.function_name("one")(app.route(route=first, methods=["GET"])(handler))
    app.function_name("two")(app.route(route=second, methods=["GET"])(other))
    assert len(index(app).http) == 2


def test_two_functions_of_one_name_are_refused() -> None:
    """The SDK's own complaint is passed on as InvalidApp."""
    app = fresh()
    app.function_name("same")(app.route(route="a")(handler))
    app.function_name("same")(app.route(route="b")(other))
    with pytest.raises(InvalidApp, match="same"):
        index(app)


def test_a_buffered_http_type_is_refused() -> None:
    """With the streaming extension imported, the real worker indexes no function of such an app."""

    async def old(req: func.HttpRequest) -> None: ...

    app = fresh()
    app.function_name("old")(app.route(route="old")(old))
    with pytest.raises(InvalidApp, match=r"'old' annotates 'req' with func\.HttpRequest"):
        index(app)


def test_a_parameter_that_is_not_bound_is_refused() -> None:
    """The real worker refuses a function whose parameters and bindings differ."""

    async def named(request: Request) -> None: ...

    app = fresh()
    app.function_name("named")(app.route(route="named")(named))
    with pytest.raises(InvalidApp, match=r"\['request'\].*\['req'\]"):
        index(app)


@pytest.mark.parametrize(
    "trigger", [lambda app: app.route(route="s"), lambda app: app.activity_trigger(input_name="req")]
)
def test_a_sync_client_function_is_refused(trigger: Any) -> None:
    """The durable client's middleware awaits the function, so a sync one could never be called."""

    def starter(req: Request, client: str) -> None: ...

    app = fresh()
    app.function_name("starter")(trigger(app)(app.durable_client_input(client_name="client")(starter)))
    with pytest.raises(InvalidApp, match=r"'starter'.*async def"):
        index(app)


def test_a_trigger_that_is_not_emulated_is_refused_by_name() -> None:
    """Queue triggers exist on the platform only."""

    def consume(msg: func.QueueMessage) -> None: ...

    app = fresh()
    app.function_name("consume")(app.queue_trigger(arg_name="msg", queue_name="q", connection="C")(consume))
    with pytest.raises(NotEmulated, match=r"queueTrigger.*'consume'"):
        index(app)


def test_entities_are_refused_by_name() -> None:
    """Entities exist on the platform only."""

    def counter(context: df.DurableEntityContext) -> None: ...

    app = fresh()
    app.function_name("counter")(app.entity_trigger(context_name="context")(counter))
    with pytest.raises(NotEmulated, match=r"entityTrigger.*'counter'"):
        index(app)


def test_an_annotation_that_the_worker_refuses_is_refused_in_its_words() -> None:
    """`dict[str, Any]` is no class to the worker, which then loads no function at all; `Dict[str, Any]` passes."""

    async def bad(input: dict[str, Any]) -> None: ...

    async def good(input: Dict[str, Any]) -> dict[str, Any]: ...  # noqa: UP006

    app = fresh()
    app.function_name("good")(app.activity_trigger(input_name="input")(good))
    app.function_name("bad")(app.activity_trigger(input_name="input")(bad))
    words = re.escape(
        "cannot load the bad function: binding input has invalid non-type annotation dict[str, typing.Any]"
    )
    with pytest.raises(InvalidApp, match=words):
        index(app)


@pytest.mark.parametrize("annotation", [dict[str, str], Dict[str, str], dict | None])  # noqa: UP006
def test_a_return_annotation_that_the_worker_refuses_is_refused_in_its_words(annotation: Any) -> None:
    """An HTTP function returns a class to the worker, which otherwise loads no function at all."""

    async def bad(req: Request): ...

    bad.__annotations__["return"] = annotation
    app = fresh()
    app.function_name("bad")(app.route(route="bad")(bad))
    with pytest.raises(InvalidApp, match="cannot load the bad function: has invalid non-type return annotation"):
        index(app)
