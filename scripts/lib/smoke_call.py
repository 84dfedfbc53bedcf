"""One call of the service under test: its answer, or what a person should be told and should do."""

from __future__ import annotations

from typing import Any

import httpx

FIRST_ANSWER_SECONDS = 90.0  # A function app that had gone to sleep takes its time.
READINESS = "Ask GET /readyz with the key, and read the service's log."


class CheckFailed(Exception):
    """What was seen, and what to do next."""

    def __init__(self, seen: str, advice: str) -> None:
        super().__init__(seen)
        self.seen = seen
        self.advice = advice


def client(url: str) -> httpx.Client:
    timeout = httpx.Timeout(FIRST_ANSWER_SECONDS, connect=20.0)
    return httpx.Client(base_url=url, timeout=timeout, transport=httpx.HTTPTransport(retries=2))


def call(http: httpx.Client, method: str, path: str, **options: Any) -> httpx.Response:
    """The answer, whatever its status. Raises CheckFailed if there is none."""
    try:
        return http.request(method, path, **options)
    except httpx.TimeoutException as error:
        advice = f"See whether the service is overloaded or starting. {READINESS}"
        raise CheckFailed(f"no answer in time to {method} {path}", advice) from error
    except httpx.ConnectError as error:
        advice = "Check the URL, that the app is started, and that its network and firewall let you in."
        raise CheckFailed(f"no connection to {http.base_url}: {error}", advice) from error
    except httpx.HTTPError as error:
        raise CheckFailed(f"{method} {path} broke off: {type(error).__name__} {error}", READINESS) from error


def expect(answer: httpx.Response, *statuses: int) -> httpx.Response:
    """`answer` itself. Raises CheckFailed unless its status is one of `statuses`."""
    if answer.status_code in statuses:
        return answer
    request = answer.request
    seen = f"{request.method} {request.url.path} answered {answer.status_code}: {message(answer)}"
    raise CheckFailed(seen, READINESS)


def message(answer: httpx.Response) -> str:
    """The error's message in any dialect, or the beginning of what is not the service's own JSON."""
    found = own_message(answer)
    return found if found is not None else " ".join(answer.text.split())[:200] or "(nothing)"


def own_message(answer: httpx.Response) -> str | None:
    """What the service itself says is wrong; None if the answer is another's, such as a gateway's."""
    try:
        error = answer.json()["error"]
        return str(error["message"])
    except (ValueError, KeyError, TypeError):
        return None
