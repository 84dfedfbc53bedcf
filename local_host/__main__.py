"""`python -m local_host`: the whole service on this machine, from the command line to a clean stop.

It wires the parts together and owns the process: exit codes, signals, the order of start and stop. Exit code 0 after
a stop, 2 when the configuration is wrong (every problem printed, nothing served), 1 on a bug. A kill at any moment
loses nothing: the next start goes on.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

from local_host.app import configuration
from local_host.app.configuration import App, DataFolderUnusable
from local_host.app.function_index import InvalidApp
from local_host.app.log_lines import configure_logging, speaker
from local_host.app.options import Options, parse_options, with_deployments
from local_host.app.stopping import Stopping
from local_host.app.timers import ScheduledTimer, Timers, schedule_timers
from local_host.console.batch_lines import Fetching
from local_host.console.greeting import KeyWords, greeting, key_words, reachable
from local_host.console.progress import Progress
from local_host.console.upstream_report import report_upstreams
from local_host.durable.client_rpc import binding_json, build_rpc
from local_host.durable.engine import Engine
from local_host.durable.history import DataFolderInUse, History, WrongVersion
from local_host.durable.replay import NotEmulated
from local_host.http.file_limit import raise_file_limit, walls_for
from local_host.http.http_server import Route, build_app, compile_routes
from local_host.http.listener import CannotListen, Listener, bind
from local_host.http.walls import Walls
from local_host.stores.database_check import DatabaseDamaged, check_databases
from local_host.workers.activity_pool import ActivityPool
from shared.domain.errors import Unavailable
from shared.environment import SettingsError, parse_settings
from shared.services import utc_now
from shared.settings import Settings

_HTTP_GRACE_SECONDS = 10
_TIMER_GRACE_SECONDS = 5.0
# What a person can put right; anything else is a bug and keeps its traceback.
_MISTAKES = (
    SettingsError,
    InvalidApp,
    NotEmulated,
    CannotListen,
    DataFolderUnusable,
    DataFolderInUse,
    DatabaseDamaged,
    WrongVersion,
    Unavailable,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """Everything checked before the first thing runs."""

    options: Options
    key: str
    settings: Settings
    app: App
    routes: list[Route]
    timers: list[ScheduledTimer]
    socket: socket.socket
    walls: Walls


def main() -> int:
    options = parse_options(sys.argv[1:])
    configure_logging(options.log)
    os.umask(0o077)  # Of the workers, too: what is kept is nobody else's.
    try:
        lock = configuration.take_data_folder(options.data)
        bound = bind(options.host, options.port)  # Before anything that takes seconds.
        check_databases(options.data)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(_prepare(options, bound), speaker(options.log)))
        lock.release()
    except _MISTAKES as error:
        speaker(options.log, "ERROR")(str(error))
        return 2
    except KeyboardInterrupt:  # Before the signals are handled: nothing runs yet.
        return 130
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # Not built for every platform; only slower without.
        return None
    return uvloop.new_event_loop


def _prepare(options: Options, bound: socket.socket) -> _Prepared:
    key = configuration.bootstrap_key(options.data, os.environ)
    peppers = configuration.key_peppers(options.data, os.environ)
    given = with_deployments(options.deployments, os.environ)
    settings = parse_settings({**given, "BATCH_BOOTSTRAP_KEY": key, "BATCH_KEY_PEPPERS": peppers})
    app = configuration.load_app(options.app)
    return _Prepared(
        options=options,
        key=key,
        settings=settings,
        app=app,
        routes=compile_routes(app.index.http, app.host.route_prefix),
        timers=schedule_timers(app.index.timers, os.environ, utc_now()),
        socket=bound,
        walls=walls_for(raise_file_limit()),
    )


async def _serve(prepared: _Prepared, say: Callable[[str], None]) -> None:
    """Start everything, inside out; run until a signal; stop everything in the opposite order."""
    options = prepared.options
    stopping = Stopping(options.grace, say)
    async with AsyncExitStack() as stack:
        service, close = configuration.install_services(prepared.settings, options.data, options.azurite)
        stack.push_async_callback(close)
        token, socket_of_rpc = secrets.token_urlsafe(32), bind("127.0.0.1", 0)
        binding = binding_json(f"http://127.0.0.1:{socket_of_rpc.getsockname()[1]}/{token}/")
        pool = _pool(prepared, binding)
        engine = _engine(prepared, pool)
        await pool.start()
        stack.push_async_callback(pool.stop, 0.0)  # The engine has waited for the activities by then.
        # Before the engine and after it: its activities may use the client from first to last.
        rpc = Listener(build_rpc(engine, token), socket_of_rpc, grace_seconds=_HTTP_GRACE_SECONDS)
        await rpc.start()
        stack.push_async_callback(rpc.stop)
        await engine.start()
        stack.push_async_callback(_cancel, asyncio.create_task(stopping.tell(lambda: engine.at_work)))
        stack.push_async_callback(stopping.end, engine)

        http = await _open(prepared, binding, stack)
        fetching = Fetching(url=reachable(http.url), key=_key_words(prepared).hidden)
        progress = asyncio.create_task(Progress(service, say=say, fetching=fetching).run())
        stack.push_async_callback(_cancel, progress)
        _greet(prepared, http.url)
        report = asyncio.create_task(report_upstreams(service, say))
        stack.push_async_callback(_cancel, report)
        await stopping.wait()
        engine.begin_to_stop()
        pool.begin_to_stop()


async def _open(prepared: _Prepared, client_binding: str, stack: AsyncExitStack) -> Listener:
    """Start timers and API, the host's work for others."""
    folder = prepared.options.data / "timers"
    timers = Timers(prepared.timers, folder=folder, client_binding=client_binding, now=utc_now)
    await timers.start()
    stack.push_async_callback(timers.stop, _TIMER_GRACE_SECONDS)
    app = build_app(prepared.routes, client_binding)
    http = Listener(app, prepared.socket, grace_seconds=_HTTP_GRACE_SECONDS, walls=prepared.walls)
    await http.start()
    stack.push_async_callback(http.stop)
    return http


def _key_words(prepared: _Prepared) -> KeyWords:
    is_own = not os.environ.get("BATCH_BOOTSTRAP_KEY", "").strip()
    return key_words(prepared.key, prepared.options.data, is_own=is_own)


def _greet(prepared: _Prepared, url: str) -> None:
    text = greeting(
        url=url,
        data=prepared.options.data,
        storage="Azurite (runs and the key are in the data folder)" if prepared.options.azurite else None,
        key=_key_words(prepared),
        deployments=prepared.settings.deployments,
    )
    print(text, flush=True)


def _pool(prepared: _Prepared, client_binding: str) -> ActivityPool:
    host = prepared.app.host
    return ActivityPool(
        processes=prepared.options.workers,
        bootstrap=configuration.BOOTSTRAP,
        environment=configuration.worker_environment(
            prepared.options, prepared.settings, client_binding, host.activity_slots
        ),
        function_timeout=host.function_timeout,
        has_spare=prepared.options.spare,
    )


def _engine(prepared: _Prepared, pool: ActivityPool) -> Engine:
    return Engine(
        history=History(prepared.options.data / "history.db"),
        orchestrators=prepared.app.index.orchestrators,
        activities=pool,
        activity_slots=prepared.app.host.activity_slots,
    )


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    sys.exit(main())
