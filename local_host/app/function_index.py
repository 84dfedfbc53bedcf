"""What the app consists of: the only reader of azure-functions metadata.

`index` turns the app into HTTP functions, orchestrators, activities and timers, as data. Its rule: what the real
worker refuses at load is refused here, with a sentence that says what to change (`InvalidApp`); what the platform
can do and this host cannot is refused by name (`NotEmulated`). It runs nothing and opens nothing.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func

from local_host.durable.replay import NotEmulated

UserFunction = Callable[..., Any]

# What a function annotated with these would get, or give, is decided by the streaming extension instead.
_BUFFERED_HTTP = (func.HttpRequest, func.HttpResponse)
_EMULATED = frozenset(
    {"httpTrigger", "http", "durableClient", "orchestrationTrigger", "activityTrigger", "timerTrigger"}
)
ALL_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"})


class InvalidApp(Exception):
    """The real worker or host would refuse this app; the message names the function and says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpFunction:
    """`route` is the template without the prefix of host.json; parameters are names of `call`'s arguments."""

    name: str
    methods: frozenset[str]
    route: str
    call: UserFunction
    request_parameter: str
    client_parameter: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityFunction:
    """Parameters are names of `call`'s arguments; one that takes a durable client is `async def`."""

    name: str
    call: UserFunction
    input_parameter: str
    client_parameter: str | None

    def with_client(self, binding: str) -> Callable[[Any], Any]:
        """The function of one argument, the decoded input; `binding` is the durableClient binding's value."""
        client = self.client_parameter
        if client is None:
            return self.call

        async def act(value: Any) -> Any:
            return await self.call(**{self.input_parameter: value, client: binding})

        return act


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFunction:
    """`schedule` as written, `%SETTING%` included."""

    name: str
    schedule: str
    use_monitor: bool
    run_on_startup: bool
    call: UserFunction
    timer_parameter: str
    client_parameter: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionIndex:
    """The whole app. Orchestrators are handles (platform 1.4)."""

    http: tuple[HttpFunction, ...]
    orchestrators: Mapping[str, Callable[[func.OrchestrationContext], str]]
    activities: Mapping[str, ActivityFunction]
    timers: tuple[TimerFunction, ...]


@dataclass(slots=True)
class _Found:
    http: list[HttpFunction] = field(default_factory=list)
    orchestrators: dict[str, Callable[[func.OrchestrationContext], str]] = field(default_factory=dict)
    activities: dict[str, ActivityFunction] = field(default_factory=dict)
    timers: list[TimerFunction] = field(default_factory=list)


def index(app: Any) -> FunctionIndex:
    """Everything registered on a `DFApp` or `FunctionApp`; call it once per app, as `get_functions` allows no more.

    Raises InvalidApp, or NotEmulated.
    """
    try:
        functions = app.get_functions()
    except ValueError as error:  # Two functions of one name, or a trigger missing: the text names the function.
        raise InvalidApp(str(error)) from error
    found = _Found()
    for function in functions:
        _add(found, function)
    _refuse_duplicate_routes(found.http)
    return FunctionIndex(
        http=tuple(found.http),
        orchestrators=found.orchestrators,
        activities=found.activities,
        timers=tuple(found.timers),
    )


def _add(found: _Found, function: Any) -> None:
    name: str = function.get_function_name()
    call: UserFunction = function.get_user_function()
    bindings = {binding["type"]: binding for binding in function.get_bindings_dict()["bindings"]}
    unknown = sorted(set(bindings) - _EMULATED)
    if unknown:
        raise NotEmulated(f"The local host does not emulate {unknown[0]} (function {name!r}).")
    match function.get_trigger().type:
        case "httpTrigger":
            found.http.append(_http(name, call, bindings))
        case "orchestrationTrigger":
            found.orchestrators[bindings["orchestrationTrigger"].get("orchestration") or name] = call
        case "activityTrigger":
            activity = _activity(bindings["activityTrigger"].get("activity") or name, call, bindings)
            found.activities[activity.name] = activity
        case "timerTrigger":
            found.timers.append(_timer(name, call, bindings))


def _http(name: str, call: UserFunction, bindings: Mapping[str, Any]) -> HttpFunction:
    _check_parameters(name, call, bindings)
    _refuse_buffered_http(name, call)
    trigger = bindings["httpTrigger"]
    methods = frozenset(
        getattr(method, "value", str(method)).upper() for method in trigger.get("methods") or ALL_METHODS
    )
    return HttpFunction(
        name=name,
        methods=methods,
        route=(trigger.get("route") or name).strip("/"),
        call=call,
        request_parameter=trigger["name"],
        client_parameter=_client_parameter(name, call, bindings),
    )


def _activity(name: str, call: UserFunction, bindings: Mapping[str, Any]) -> ActivityFunction:
    _check_parameters(name, call, bindings)
    return ActivityFunction(
        name=name,
        call=call,
        input_parameter=bindings["activityTrigger"]["name"],
        client_parameter=_client_parameter(name, call, bindings),
    )


def _timer(name: str, call: UserFunction, bindings: Mapping[str, Any]) -> TimerFunction:
    _check_parameters(name, call, bindings)
    trigger = bindings["timerTrigger"]
    return TimerFunction(
        name=name,
        schedule=trigger["schedule"],
        use_monitor=trigger.get("useMonitor") is not False,
        run_on_startup=bool(trigger.get("runOnStartup")),
        call=call,
        timer_parameter=trigger["name"],
        client_parameter=_client_parameter(name, call, bindings),
    )


def _client_parameter(name: str, call: UserFunction, bindings: Mapping[str, Any]) -> str | None:
    if "durableClient" not in bindings:
        return None
    if not inspect.iscoroutinefunction(getattr(call, "client_function", call)):
        raise InvalidApp(f"Function {name!r} takes a durable client, so it must be `async def`.")
    return str(bindings["durableClient"]["name"])


def _check_parameters(name: str, call: UserFunction, bindings: Mapping[str, Any]) -> None:
    """Every parameter is bound and every binding is a parameter, as the real worker demands."""
    parameters = set(inspect.signature(call).parameters)
    bound = {binding["name"] for binding in bindings.values()} - {"$return"}
    if "context" in parameters - bound:
        raise NotEmulated(f"The local host does not emulate func.Context parameters (function {name!r}).")
    if parameters != bound:
        raise InvalidApp(
            f"Function {name!r} has the parameters {sorted(parameters)} but its bindings are named {sorted(bound)}: "
            "give trigger and bindings the names of the function's parameters."
        )
    _check_annotations(name, call)
    if "$return" in {binding["name"] for binding in bindings.values()}:
        _check_return_annotation(name, call)


def _check_return_annotation(name: str, call: UserFunction) -> None:
    """Of a function whose return value has a binding, as an HTTP function's has, it is a class."""
    annotation = typing.get_type_hints(call).get("return", type(None))
    if not isinstance(annotation, type) or isinstance(annotation, types.GenericAlias):
        raise InvalidApp(
            f"cannot load the {name} function: has invalid non-type return annotation {annotation!r}. "
            "Annotate the return value with a class, such as dict."
        )


def _check_annotations(name: str, call: UserFunction) -> None:
    """An annotation is a class or a generic of `typing`; a built-in one with a subscript is neither to the worker."""
    for parameter, annotation in typing.get_type_hints(call).items():
        if parameter != "return" and not isinstance(annotation, type) and not _is_generic(annotation):
            raise InvalidApp(
                f"cannot load the {name} function: binding {parameter} has invalid non-type annotation "
                f"{annotation!r}. Annotate the parameter with a class, such as dict."
            )


def _is_generic(annotation: object) -> bool:
    is_of_typing = not isinstance(annotation, types.GenericAlias | types.UnionType)
    return is_of_typing and typing.get_origin(annotation) not in (None, typing.Union, tuple, typing.ClassVar, Callable)


def _refuse_buffered_http(name: str, call: UserFunction) -> None:
    for parameter, annotation in typing.get_type_hints(call).items():
        if annotation in _BUFFERED_HTTP:
            raise InvalidApp(
                f"Function {name!r} annotates {parameter!r} with func.{annotation.__name__}: with the streaming HTTP "
                "extension imported, use the types of azurefunctions.extensions.http.fastapi in every HTTP function."
            )


def _refuse_duplicate_routes(functions: list[HttpFunction]) -> None:
    taken: dict[tuple[str, tuple[str, ...]], str] = {}
    for function in functions:
        shape = tuple(re.sub(r"\{(\*?).*", r"{\1", segment).lower() for segment in function.route.split("/"))
        for method in sorted(function.methods):
            other = taken.setdefault((method, shape), function.name)
            if other != function.name:
                raise InvalidApp(
                    f"Functions {other!r} and {function.name!r} both answer {method} /{function.route}: "
                    "the real host would pick one of them; change a route or a method."
                )
