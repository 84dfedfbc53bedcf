"""The host's loop: transcripts of the real SDK replay identically, and the traps of the protocol are kept."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from local_host.durable import effects, events, replay, sdk
from local_host.durable.instance import InstanceStatus, RuntimeStatus
from local_host.durable.replay import Action, ActionType, NonDeterministic, NotEmulated, Reply, decide
from tests.local_host.replaying_host import START, ReplayingHost
from tests.local_host.transcripts import ANSWERS, TRANSCRIPTS

pytestmark = pytest.mark.filterwarnings("ignore::Warning:azure")

SIZES = [1, 2, 3, 5, 10]


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_history_is_the_transcripts(name):
    """A transcript's orchestration writes the transcript's history, event by event."""
    transcript = TRANSCRIPTS[name]

    history = transcript.host().run(transcript.size).history

    shown = [
        (event["EventType"], event["EventId"], {key: event[key] for key in members})
        for event, (_, _, members) in zip(history, transcript.history, strict=True)
    ]
    assert transcript.history == shown


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_replies_are_the_transcripts_at_every_delivery_size(name, size):
    """The SDK's replies are the transcript's, however many messages arrive at a time.

    With more at a time, whole replies in the middle may be skipped, none may differ.
    """
    transcript = TRANSCRIPTS[name]

    replies = transcript.host().run(size).replies

    assert [reply for reply in transcript.replies if reply in replies] == replies
    assert transcript.replies[-1] == replies[-1]


@pytest.mark.parametrize("size", SIZES)
def test_window_has_one_result_at_every_delivery_size(size):
    """A sliding window gives every result once, however many completions arrive at a time."""
    host = ReplayingHost(orchestrator="window", input=None, answers=ANSWERS).run(size)

    assert effects.Complete(output="[0, 10, 20, 30, 40]") == host.ending


def test_window_stalls_on_its_newest_task():
    """Platform 3.8 no. 1: once the first pair is through, the host schedules one task of a window after another."""
    host = ReplayingHost(orchestrator="window", input=None, answers=ANSWERS, latency={"work": 10.0}).run(1)

    assert [0, 0, 10, 20, 30] == [round(at) for _, at in host.scheduled_at]


def activity(name="a", input="null"):
    return Action(action_type=ActionType.CALL_ACTIVITY, function_name=name, input=input)


def all_of(*actions):
    return Action(action_type=ActionType.WHEN_ALL, compound_actions=actions)


def any_of(*actions):
    return Action(action_type=ActionType.WHEN_ANY, compound_actions=actions)


def event(name):
    return Action(action_type=ActionType.WAIT_FOR_EXTERNAL_EVENT, external_event_name=name)


def started(*more):
    beginning = events.execution_started(
        START, name="o", instance_id="b1", execution_id="e", input_json=None, parent_id=None
    )
    return [events.orchestrator_started(START), beginning, *more]


def scheduled(task_id, name="a"):
    return events.task_scheduled(START, task_id=task_id, name=name)


def completed(task_id):
    return events.task_completed(START, task_id=task_id, result="1")


def raised(name, value="1"):
    return events.event_raised(START, name=name, input_json=value)


def test_second_action_waits_for_the_first():
    """The action list is awaited in order: what comes after an incomplete action is not scheduled."""
    decided = decide(started(), Reply(actions=((activity("a"), activity("b")),)))

    assert (effects.ScheduleActivity(task_id=0, name="a", input="null"),) == decided


def test_error_waits_for_the_whole_compound():
    """Platform 3.8 no. 2: an orchestrator that failed on one child of task_all fails when all are complete."""
    history = started(scheduled(0), scheduled(1), events.task_failed(START, task_id=0, reason="no"))

    assert () == decide(history, Reply(actions=((all_of(activity(), activity()),),), error="no"))


def test_error_surfaces_after_the_compound():
    """Once all children are complete, the failure ends the instance."""
    failed = events.task_failed(START, task_id=0, reason="no")
    history = started(scheduled(0), scheduled(1), failed, completed(1))

    decided = decide(history, Reply(actions=((all_of(activity(), activity()),),), error="no"))

    assert (effects.Fail(reason="no"),) == decided


def test_done_waits_for_every_action():
    """Platform 3.8 no. 4: a finished orchestrator does not complete while an action of its list is incomplete."""
    assert () == decide(started(scheduled(0)), Reply(is_done=True, actions=((activity(),),)))


def test_any_is_complete_with_one_child():
    """A task_any is complete with its first child, and the next action is scheduled."""
    history = started(scheduled(0), scheduled(1), completed(1))

    decided = decide(history, Reply(actions=((any_of(activity(), activity()), activity("next")),)))

    assert (effects.ScheduleActivity(task_id=2, name="next", input="null"),) == decided


def test_cancelled_timer_is_complete():
    """A timer that is cancelled holds nothing up; one that was never created is not created any more."""
    timer = Action(action_type=ActionType.CREATE_TIMER, fire_at="2026-11-22T11:00:00Z", is_canceled=True)

    assert (effects.Complete(output=None),) == decide(started(), Reply(is_done=True, actions=((timer,),)))


def test_early_events_are_kept_in_order():
    """An event raised before anyone waits is buffered, and each wait takes one."""
    history = started(raised("go"), raised("go"))

    decided = decide(history, Reply(is_done=True, actions=((event("go"), event("go")),)))

    assert (effects.Complete(output=None),) == decided


def test_one_event_completes_one_wait():
    """Two waits need two events."""
    assert () == decide(started(raised("go")), Reply(is_done=True, actions=((event("go"), event("go")),)))


def test_unconsumed_events_carry_over():
    """Continue-as-new takes along the events that nobody waited for, and no others."""
    used, unused = raised("go", "1"), raised("late", "2")
    again = Action(action_type=ActionType.CONTINUE_AS_NEW, input="7")

    decided = decide(started(used, unused), Reply(is_done=True, actions=((event("go"), again),)))

    assert (effects.ContinueAsNew(input="7", events=(unused,)),) == decided


@pytest.mark.parametrize(
    "action_type",
    [
        ActionType.CALL_ACTIVITY_WITH_RETRY,
        ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY,
        ActionType.CALL_ENTITY,
        ActionType.CALL_HTTP,
        ActionType.SIGNAL_ENTITY,
    ],
)
def test_what_is_not_emulated_is_named(action_type):
    """An action this host does not emulate is refused by its name."""
    with pytest.raises(NotEmulated, match=action_type.name):
        decide(started(), Reply(actions=((all_of(Action(action_type=action_type)),),)))


def test_versions_are_not_emulated():
    """A sub-orchestration at a version is refused."""
    child = Action(action_type=ActionType.CALL_SUB_ORCHESTRATOR, function_name="c", version="2")

    with pytest.raises(NotEmulated, match="version"):
        decide(started(), Reply(actions=((child,),)))


def test_changed_code_is_noticed():
    """An orchestrator that asks for another activity than its history has is refused, naming both."""
    with pytest.raises(NonDeterministic, match=r"TASK_SCHEDULED old.*CALL_ACTIVITY new"):
        decide(started(scheduled(0, "old")), Reply(actions=((activity("new"),),)))


CREATED = [
    (
        events.task_scheduled(START, task_id=0, name="a"),
        "an activity task with sequence ID 0 and name 'a' (version ''),",
    ),
    (events.timer_created(START, task_id=0, fire_at=START), "a timer task with sequence number 0"),
    (
        events.child_created(START, task_id=0, name="c", instance_id="i"),
        "a sub-orchestration task with sequence ID 0 and name 'c' (version '', instance ID 'i'),",
    ),
]


@pytest.mark.parametrize(("created", "described"), CREATED)
def test_forgotten_task_is_noticed(created, described):
    """A task that this code does not ask for, complete or not, is refused in DurableTask's words."""
    with pytest.raises(NonDeterministic) as refused:
        decide(started(created), Reply())

    assert str(refused.value) == (
        f"Non-Deterministic workflow detected: A previous execution of this orchestration scheduled {described} but "
        "the current replay execution hasn't (yet?) scheduled this task. Was a change made to the orchestrator code "
        "after this instance had already started running?"
    )


def test_answer_to_what_was_never_asked_is_noticed():
    """A completion of a task that neither history nor code asks for is refused."""
    with pytest.raises(NonDeterministic, match="task 0"):
        decide(started(completed(0)), Reply())


def test_failure_without_the_marker_asks_for_nothing():
    """An exception that is not the protocol's becomes a failure with its type and text."""
    assert Reply(error="KeyError: 'n'") == replay.read_failure(KeyError("n"))


REQUEST = """
{"history":[
  {"EventType":12,"EventId":-1,"IsPlayed":false,"Timestamp":"2026-11-22T10:00:00.5000000Z"},
  {"EventType":0,"EventId":-1,"IsPlayed":false,"Timestamp":"2026-11-22T10:00:00.5010000Z",
   "OrchestrationInstance":{"InstanceId":"b1","ExecutionId":"061f2ad0388b4226877990cbbe606b68"},"ParentInstance":null,
   "Name":"orch","Version":"","Input":"\\"{\\\\\\"n\\\\\\": 3}\\"","Tags":null,"Correlation":null,
   "ScheduledStartTime":null,"Generation":0}],
 "input":"{\\"n\\": 3}","instanceId":"b1","isReplaying":false,"parentInstanceId":null,
 "upperSchemaVersion":1,"upperSchemaVersionNew":2,
 "longRunningTimerIntervalDuration":"3.00:00:00","maximumShortTimerDuration":"6.00:00:00",
 "defaultHttpAsyncRequestSleepTimeMillseconds":30000}
"""


def test_request_is_the_platforms():
    """An orchestrator's first request has the members of platform 3.1, one by one."""
    execution_id = "061f2ad0388b4226877990cbbe606b68"
    instance = InstanceStatus(
        instance_id="b1", execution_id=execution_id, name="orch", runtime_status=RuntimeStatus.PENDING,
        input_json='{"n": 3}', created_at=START, updated_at=START,
    )  # fmt: skip
    beginning = events.execution_started(
        START + timedelta(milliseconds=1), name="orch", instance_id="b1", execution_id=execution_id,
        input_json='{"n": 3}', parent_id=None,
    )  # fmt: skip

    assert json.loads(REQUEST) == json.loads(sdk.invocation(instance, [events.orchestrator_started(START), beginning]))


def test_request_leaves_out_what_the_sdk_reads_past():
    """Events that only say what was asked for are not sent again with every replay."""
    instance = InstanceStatus(
        instance_id="b1", execution_id="e", name="o", runtime_status=RuntimeStatus.RUNNING,
        input_json=None, created_at=START, updated_at=START,
    )  # fmt: skip
    history = started(
        scheduled(0), events.orchestrator_completed(START), events.orchestrator_started(START), completed(0)
    )

    sent = json.loads(sdk.invocation(instance, history))["history"]

    assert [12, 0, 12, 5] == [event["EventType"] for event in sent]
