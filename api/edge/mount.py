"""What a mount is: a dialect at a prefix, with the routes that it has there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from api.edge.dialect import Dialect
from api.edge.endpoint import Handler, StartingHandler
from shared.domain.keys.scopes import Scope


class Route(NamedTuple):
    """A handler at `method` and `path`, which begins after a mount's prefix, for callers who have `scope`."""

    method: str
    path: str
    handler: Handler
    scope: Scope


class StartingRoute(NamedTuple):
    """The same of a handler that starts runs."""

    method: str
    path: str
    handler: StartingHandler
    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """`name` is what the names of its functions begin with: their identity on the platform, never to be changed."""

    name: str
    prefix: str
    dialect: Dialect
    routes: Sequence[Route]
    starting_routes: Sequence[StartingRoute]

    @property
    def all_routes(self) -> tuple[Route | StartingRoute, ...]:
        return (*self.routes, *self.starting_routes)

    @property
    def is_described(self) -> bool:
        """Whether the dialect's document is here; it describes its other mounts as well."""
        return self.prefix == self.dialect.prefix

    def at(self, path: str) -> str:
        """A route of the app: `v1/files` of `files`."""
        return f"{self.prefix}/{path}"


def dialects(mounts: Iterable[Mount]) -> dict[str, Dialect]:
    """By prefix: what is under one, whether there is a route or not, is spoken to in this dialect."""
    return {mount.prefix: mount.dialect for mount in mounts}
