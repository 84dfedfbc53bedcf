"""Transcripts of azure-functions-durable 1.7.0 under the real host's loop (platform 3.5)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from local_host.durable import events
from tests.local_host.replaying_host import DETAILS, START, ReplayingHost


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """`history` lists (type, event id, the members that matter); `size` is the delivery size it was made at."""

    orchestrator: str
    input: str | None = None
    size: int = 1
    raised: tuple[tuple[str, Any], ...] = ()
    history: list[tuple[int, int, dict[str, Any]]]
    replies: list[dict[str, Any]]

    def host(self) -> ReplayingHost:
        return ReplayingHost(
            orchestrator=self.orchestrator,
            input=self.input,
            raised=self.raised,
            answers=ANSWERS,
            latency={"slow": 1.0},
            children=CHILDREN,
        )


def _fail(_):
    raise ValueError("nope")


ANSWERS = {
    "work": lambda argument: argument["i"] * 10,
    "join": sum,
    "slow": lambda _: 42,
    "after": lambda _: 2,
    "w": lambda n: n,
    "always": _fail,
}
_FAILED = events.child_failed(START, task_id=-1, reason="Orchestrator function 'bad' failed: child failed")
CHILDREN = {
    "child": events.child_completed(START, task_id=-1, result='{"p": 1}'),
    "bad": _FAILED | {"Details": "..."},
}


def _replies(*texts: str) -> list[dict[str, Any]]:
    return [json.loads(text) for text in texts]


def _started(input_json: str | None = None) -> list[tuple[int, int, dict[str, Any]]]:
    return [(12, -1, {}), (0, -1, {"Name": "orch"} | ({"Input": json.dumps(input_json)} if input_json else {}))]


END = (13, -1, {})
WAKE = (12, -1, {})

_WORK = (
    '{"actionType": 12, "compoundActions": [{"actionType": 0, "functionName": "work", "input": "{\\"i\\": 0}"}, '
    '{"actionType": 0, "functionName": "work", "input": "{\\"i\\": 1}"}, '
    '{"actionType": 0, "functionName": "work", "input": "{\\"i\\": 2}"}]}'
)
_JOIN = '{"actionType": 0, "functionName": "join", "input": "[0, 10, 20]"}'
_CHILD = (
    '{"actionType": 2, "functionName": "child", "input": "{\\"p\\": 1}", "instanceId": "b1:part:0", "version": null}'
)
_BAD = '{"actionType": 2, "functionName": "bad", "input": "{\\"p\\": 2}", "instanceId": null, "version": null}'


def _race(fire_at: str, canceled: str) -> str:
    return (
        '{"actionType": 11, "compoundActions": [{"actionType": 0, "functionName": "slow", "input": "null"}, '
        f'{{"actionType": 5, "fireAt": "{fire_at}", "isCanceled": {canceled}}}]}}'
    )


HOUR, SOON = "2026-11-22T11:00:00.500000Z", "2026-11-22T10:00:00.700000Z"
_FAILURE = f"Activity function 'always' failed: ValueError: nope \n {DETAILS}"
_EVENT = '{"actionType": 6, "externalEventName": "cancel", "reason": "ExternalEvent"}'

TRANSCRIPTS = {
    "A.1 fan-out, fan-in": Transcript(
        orchestrator="fan_out",
        input='{"n": 3}',
        size=2,
        history=[
            *_started('{"n": 3}'),
            *[(4, task_id, {"Name": "work"}) for task_id in range(3)],
            END,
            WAKE,
            (5, -1, {"TaskScheduledId": 0, "Result": "0"}),
            (5, -1, {"TaskScheduledId": 1, "Result": "10"}),
            END,
            WAKE,
            (5, -1, {"TaskScheduledId": 2, "Result": "20"}),
            (4, 3, {"Name": "join"}),
            END,
            WAKE,
            (5, -1, {"TaskScheduledId": 3, "Result": "30"}),
            END,
        ],
        replies=_replies(
            f'{{"isDone": false, "schemaVersion": 2, "actions": [[{_WORK}]]}}',
            f'{{"isDone": false, "schemaVersion": 2, "actions": [[{_WORK}, {_JOIN}]]}}',
            f'{{"isDone": true, "schemaVersion": 2, "actions": [[{_WORK}, {_JOIN}]], "output": {{"total": 30}}}}',
        ),
    ),
    "A.4 timer race, activity wins": Transcript(
        orchestrator="race",
        input="3600",
        history=[
            *_started("3600"),
            (4, 0, {"Name": "slow"}),
            (10, 1, {"FireAt": "2026-11-22T11:00:00.5000000Z"}),
            END,
            WAKE,
            (5, -1, {"TaskScheduledId": 0, "Result": "42"}),
            (4, 2, {"Name": "after"}),
            END,
            WAKE,
            (5, -1, {"TaskScheduledId": 2, "Result": "2"}),
            END,
        ],
        replies=_replies(
            f'{{"isDone": false, "schemaVersion": 2, "actions": [[{_race(HOUR, "false")}]]}}',
            f'{{"isDone": false, "schemaVersion": 2, "actions": [[{_race(HOUR, "true")}, '
            '{"actionType": 0, "functionName": "after", "input": "42"}]]}',
            f'{{"isDone": true, "schemaVersion": 2, "actions": [[{_race(HOUR, "true")}, '
            '{"actionType": 0, "functionName": "after", "input": "42"}]], "output": ["activity", 2]}',
        ),
    ),
    "A.5 timer race, timer wins": Transcript(
        orchestrator="race",
        input="0.2",
        history=[
            *_started("0.2"),
            (4, 0, {"Name": "slow"}),
            (10, 1, {"FireAt": "2026-11-22T10:00:00.7000000Z"}),
            END,
            WAKE,
            (11, -1, {"TimerId": 1, "FireAt": "2026-11-22T10:00:00.7000000Z"}),
            END,
        ],
        replies=_replies(
            f'{{"isDone": false, "schemaVersion": 2, "actions": [[{_race(SOON, "false")}]]}}',
            f'{{"isDone": true, "schemaVersion": 2, "actions": [[{_race(SOON, "false")}]], "output": "timeout"}}',
        ),
    ),
    "A.6 external event": Transcript(
        orchestrator="wait_for_cancel",
        raised=(("cancel", {"why": "user"}),),
        history=[
            *_started(),
            END,
            WAKE,
            (15, -1, {"Name": "cancel", "Input": '"{\\"why\\": \\"user\\"}"'}),
            END,
        ],
        replies=_replies(
            f'{{"isDone": false, "schemaVersion": 2, "actions": [[{_EVENT}]]}}',
            f'{{"isDone": true, "schemaVersion": 2, "actions": [[{_EVENT}]], '
            '"output": {"got": "{\\"why\\": \\"user\\"}", "type": "str"}}',
        ),
    ),
    "A.7 sub-orchestration, without retry": Transcript(
        orchestrator="parent",
        history=[
            *_started(),
            (7, 0, {"Name": "child", "InstanceId": "b1:part:0"}),
            END,
            WAKE,
            (8, -1, {"TaskScheduledId": 0, "Result": '{"p": 1}'}),
            (7, 1, {"Name": "bad", "InstanceId": "exec:1"}),
            END,
            WAKE,
            (9, -1, {"TaskScheduledId": 1, "Reason": "Orchestrator function 'bad' failed: child failed"}),
            END,
        ],
        replies=_replies(
            f'{{"isDone": false, "schemaVersion": 2, "actions": [[{_CHILD}]]}}',
            f'{{"isDone": false, "schemaVersion": 2, "actions": [[{_CHILD}, {_BAD}]]}}',
            f'{{"isDone": true, "schemaVersion": 2, "actions": [[{_CHILD}, {_BAD}]], '
            '"output": [{"p": 1}, "Orchestrator function \'bad\' failed: child failed \\n ..."]}',
        ),
    ),
    "A.8 continue as new, last generation": Transcript(
        orchestrator="generations",
        input="0",
        history=[
            *_started("2"),
            (4, 0, {"Name": "w"}),
            END,
            WAKE,
            (5, -1, {"TaskScheduledId": 0, "Result": "2"}),
            END,
        ],
        replies=_replies(
            *(
                f'{{"isDone": {done}, "schemaVersion": 2, "actions": [[{{"actionType": 0, "functionName": "w", '
                f'"input": "{n}"}}{more}]]{output}}}'
                for n, done, more, output in [
                    (0, "false", "", ""),
                    (0, "true", ', {"actionType": 4, "input": "1"}', ""),
                    (1, "false", "", ""),
                    (1, "true", ', {"actionType": 4, "input": "2"}', ""),
                    (2, "false", "", ""),
                    (2, "true", "", ', "output": 2'),
                ]
            )
        ),
    ),
    "A.11 failed activity, not caught": Transcript(
        orchestrator="uncaught",
        history=[
            *_started(),
            (4, 0, {"Name": "always"}),
            END,
            WAKE,
            (
                6,
                -1,
                {
                    "TaskScheduledId": 0,
                    "Reason": "Activity function 'always' failed: ValueError: nope",
                    "Details": DETAILS,
                },
            ),
        ],
        replies=_replies(
            '{"isDone": false, "schemaVersion": 2, "actions": [[{"actionType": 0, "functionName": "always", '
            '"input": "null"}]], "customStatus": {"phase": "x"}}',
            '{"isDone": false, "schemaVersion": 2, "actions": [[{"actionType": 0, "functionName": "always", '
            f'"input": "null"}}]], "error": {json.dumps(_FAILURE)}, "customStatus": {{"phase": "x"}}}}',
        ),
    ),
}
