"""The texts of failures, as the durable extension words and nests them.

What an orchestrator sees of a failed task is `reason` and `details`, which the SDK puts together; what a person sees of
a failed instance is its reason, with all of that inside. Both are long there, so they are long
here: whoever shows one to a person has to be seen to shorten it. Seen on the real extension 3.19 (platform 3.6).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

_DURABLE = "Microsoft.Azure.WebJobs.Extensions.DurableTask"
_WORKERS = "Microsoft.Azure.WebJobs.Script.Workers"
_SCRIPT = "Microsoft.Azure.WebJobs.Script"
_HOST = "Microsoft.Azure.WebJobs.Host"
_INVOKED_AT = f"   at {_HOST}.Executors.FunctionInvoker`2.InvokeAsync(Object instance, Object[] arguments)"
_REPLAYED_AT = (
    "   at System.Threading.Tasks.Task.ThrowIfExceptional(Boolean includeTaskCanceledExceptions)\n"
    f"   at {_DURABLE}.TaskOrchestrationShim.InvokeUserCodeAndHandleResults"
    "(RegisteredFunctionInfo orchestratorInfo, OrchestrationContext innerContext)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a task failed. No details: None, which the SDK shows as such."""

    reason: str
    details: str | None = ""


def raised(activity: str, message: str, stack: str) -> Failure:
    """An activity raised; `message` is `Type: text`, `stack` the traceback."""
    inner = _exception(
        f"{_WORKERS}.Rpc.RpcException, {_SCRIPT}",
        f"Result: Failure\nException: {message}\nStack: {stack}",
        RemoteMessage=message,
        RemoteStackTrace=stack,
    )
    outer = {"$type": "System.Exception, System.Private.CoreLib", "ClassName": "System.Exception", "Message": message}
    return _of_activity(activity, message, {**outer, "Data": None, "InnerException": inner, "WatsonBuckets": None})


def worker_ended(activity: str, code: int) -> Failure:
    """The worker ended while it ran the activity, with this exit code (128 and the signal's number for a signal)."""
    message = f"python exited with code {code} (0x{code:X})"
    return _of_activity(activity, message, _exception(f"{_WORKERS}.WorkerProcessExitException, {_SCRIPT}", message))


def timed_out(activity: str, timeout: timedelta) -> Failure:
    """The activity took longer than `functionTimeout`, and its worker was ended."""
    minutes, seconds = divmod(int(timeout.total_seconds()), 60)
    shown = f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    message = f"Timeout value of {shown} was exceeded by function: {activity}"
    return _of_activity(activity, message, _exception(f"{_HOST}.FunctionTimeoutException, {_HOST}", message))


def of_orchestrator(name: str, error: str) -> str:
    """The output of an instance whose code failed with `error`."""
    return _begin(name) + error


def of_child(name: str, output: str) -> Failure:
    """What the parent of a failed instance with this output is told."""
    return Failure(reason=output, details=f"Message: {output.removeprefix(_begin(name))}, StackTrace: {_REPLAYED_AT}")


def _begin(orchestrator: str) -> str:
    return f"Orchestrator function '{orchestrator}' failed: "


def _of_activity(activity: str, message: str, exception: dict[str, object]) -> Failure:
    reason = f"Activity function '{activity}' failed: {message}"
    # A text with half a surrogate pair has no encoding.
    return Failure(
        reason=reason.encode(errors="backslashreplace").decode(),
        details=json.dumps(exception, separators=(",", ":")),
    )


def _exception(kind: str, message: str, **members: str) -> dict[str, object]:
    return {
        "$type": kind,
        **members,
        "Message": message,
        "Data": {"$type": "System.Collections.ListDictionaryInternal, System.Private.CoreLib"},
        "InnerException": None,
        "HelpLink": None,
        "HResult": -2146233088,
        "StackTrace": _INVOKED_AT,
    }
