"""The orchestrators of the transcripts, which need neither retry nor entities, and a few of our own."""

from __future__ import annotations

from datetime import timedelta

import azure.durable_functions as df

from orchestrators.insist import insist


def fan_out(ctx):
    """A.1."""
    n = ctx.get_input()["n"]
    r = yield ctx.task_all([ctx.call_activity("work", {"i": i}) for i in range(n)])
    tot = yield ctx.call_activity("join", r)
    return {"total": tot}


def race(ctx):
    """A.4 and A.5."""
    t = ctx.create_timer(ctx.current_utc_datetime + timedelta(seconds=ctx.get_input()))
    a = ctx.call_activity("slow", None)
    w = yield ctx.task_any([a, t])
    if w == a:
        t.cancel()
        x = yield ctx.call_activity("after", a.result)
        return ["activity", x]
    return "timeout"


def wait_for_cancel(ctx):
    """A.6."""
    e = yield ctx.wait_for_external_event("cancel")
    return {"got": e, "type": type(e).__name__}


def parent(ctx):
    """A.7, without retry."""
    r = yield ctx.call_sub_orchestrator("child", {"p": 1}, instance_id="b1:part:0")
    try:
        yield ctx.call_sub_orchestrator("bad", {"p": 2})
    except Exception as e:
        return [r, str(e)]


def child(ctx):
    yield ctx.call_activity("after", 1)
    return ctx.get_input()


def bad(ctx):
    yield ctx.call_activity("after", 1)
    raise ValueError("child failed")


def generations(ctx):
    """A.8."""
    n = ctx.get_input()
    yield ctx.call_activity("w", n)
    if n < 2:
        ctx.continue_as_new(n + 1)
        return None
    return n


def uncaught(ctx):
    """A.11."""
    ctx.set_custom_status({"phase": "x"})
    yield ctx.call_activity("always", None)


def sequence(ctx):
    """One activity after another."""
    total = 0
    for i in range(ctx.get_input()):
        total += yield ctx.call_activity("double", i)
    return total


def lanes(ctx):
    """The product's shape: lanes side by side, each a few generations long."""
    ctx.set_custom_status("running")
    size = ctx.get_input()
    results = yield ctx.task_all(
        [
            ctx.call_sub_orchestrator("lane", {"left": size, "sum": 0}, f"{ctx.instance_id}:lane:{lane}")
            for lane in range(2)
        ]
    )
    return sum(results)


def lane(ctx):
    cursor = ctx.get_input()
    for _ in range(2):
        if not cursor["left"]:
            return cursor["sum"]
        value = yield ctx.call_activity("double", cursor["left"])
        cursor = {"left": cursor["left"] - 1, "sum": cursor["sum"] + value}
        yield ctx.create_timer(ctx.current_utc_datetime + timedelta(milliseconds=1))
    ctx.continue_as_new(cursor)


def two_events(ctx):
    first = yield ctx.wait_for_external_event("go")
    second = yield ctx.wait_for_external_event("go")
    return [first, second]


def event_after_restart(ctx):
    """Ends the first generation without looking at its events; the second waits for one."""
    if ctx.get_input() == 0:
        yield ctx.call_activity("slow", None)
        ctx.continue_as_new(1)
        return None
    return (yield ctx.wait_for_external_event("late"))


def window(ctx):
    """The sliding window of platform 3.8 no. 1."""
    running = [ctx.call_activity("work", {"i": 0}), ctx.call_activity("work", {"i": 1})]
    order = []
    for following in range(2, 5):
        winner = yield ctx.task_any(running)
        running.remove(winner)
        order.append(winner.result)
        running.append(ctx.call_activity("work", {"i": following}))
    rest = yield ctx.task_all(running)
    return sorted(order + rest)


def fragile(ctx):
    first = yield ctx.call_activity("w", 1)
    return [first, (yield ctx.call_activity("flaky", None))]


def patient(ctx):
    return (yield ctx.call_activity("slow", ctx.instance_id))


def several(ctx):
    """As many activities at once as the input says."""
    return (yield ctx.task_all([ctx.call_activity("slow", n) for n in range(ctx.get_input())]))


def quiet(ctx):
    """Has nothing to say at its end."""
    yield ctx.call_activity("flaky", None)


def persistent(ctx):
    """Calls once more after a pause, as `orchestrators.insist` does."""
    try:
        return (yield ctx.call_activity("flaky", None))
    except Exception:
        yield ctx.create_timer(ctx.current_utc_datetime + timedelta(milliseconds=1))
    return (yield ctx.call_activity("flaky", None))


def insists(ctx):
    """As the product's orchestrators call an activity."""
    return (yield from insist(ctx, "once_slow", ctx.get_input()))


def adopts(ctx):
    """A child of the name and id that the input says; what it fails with is the result."""
    name, child_id = ctx.get_input()
    try:
        return (yield ctx.call_sub_orchestrator(name, None, child_id))
    except Exception as e:
        return str(e)


def relies(ctx):
    """A child of the name and id that the input says."""
    name, child_id = ctx.get_input()
    return (yield ctx.call_sub_orchestrator(name, None, child_id))


def retrying(ctx):
    yield ctx.call_activity_with_retry("always", df.RetryOptions(5000, 2), None)


def entity(ctx):
    yield ctx.call_entity(df.EntityId("Counter", "b1"), "get")


def versioned(ctx):
    yield ctx.call_sub_orchestrator("child", None, version="2")


def not_a_generator(ctx):
    return {"at": "once"}


FUNCTIONS = [
    fan_out, race, wait_for_cancel, parent, child, bad, generations, uncaught, sequence, lanes, lane,
    two_events, event_after_restart, window, retrying, entity, versioned, not_a_generator,
    fragile, patient, several, quiet, persistent, insists, adopts, relies,
]  # fmt: skip

ORCHESTRATORS = {function.__name__: df.Orchestrator.create(function) for function in FUNCTIONS}
