"""How many files this process may have open: as many as the system lets it have, and what follows for connections."""

from __future__ import annotations

import resource
from contextlib import suppress

from local_host.http.walls import Walls

_MACOS_MOST = 10_240  # Where the hard limit is infinite, the system takes no more.
_LEAST_CONNECTIONS = 16


def raise_file_limit() -> int:
    """The soft limit, raised to the hard one; workers started later inherit it. Returns what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, _MACOS_MOST):
        with suppress(ValueError, OSError):
            if soft != wanted:
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            break
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def walls_for(files: int) -> Walls:
    """Walls for callers where `files` may be open: refused connections included, half is left for everything else."""
    usual = Walls()
    most = usual.connections if files == resource.RLIM_INFINITY else max(_LEAST_CONNECTIONS, files // 4)
    return Walls(connections=min(usual.connections, most))
