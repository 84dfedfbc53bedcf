"""Lets paths with a line break reach the app: the worker's web server has one route, which they miss (platform 2.1).

Its route is `/{path:path}`. A path such as `/v1/files/a%0Ab` it would answer by itself, and the function that the host
calls for it would wait until `functionTimeout`; then the host restarts the worker and all that runs in it. Anybody may
send one.
"""

from __future__ import annotations

from starlette.convertors import PathConvertor, register_url_convertor


class _AnyPath(PathConvertor):
    regex = r"(?s:.*)"


def take_any_path() -> None:
    """Call it while the app is imported: the web server is made after that, here as on the local host."""
    register_url_convertor("path", _AnyPath())
