"""Runs the whole service on one machine: Redis, migrations, slots and the web server, from start to clean end."""

import fcntl
import json
import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvicorn

from jobs import logs
from jobs.settings import Settings
from service.app import create_app
from service.operating.embedded import private_redis
from service.operating.evicting import refuse_evicting
from service.operating.guarding import guarded, refuse_unused_in_public
from service.operating.housekeeping import migrate
from service.operating.keeper import Keeper
from service.operating.listening import RefusedError, listening_on, url_of
from service.operating.probing import probe_sandbox
from service.operating.signals import Signals, ended_by_signals
from service.operating.slots import cores_here, environment, gpus_here, kept_slot, plan_slots

STREAMS_END_SECONDS = 5
"""How long open streams are waited for at the end."""

Say = Callable[[str], None]

_log = logging.getLogger(__name__)


def up(settings: Settings, *, slots: str, ready_file: Path | None, child: str | None = None) -> None:
    """Run everything until SIGINT or SIGTERM; leaves no process behind and can be run again on the same home.

    Args:
        settings: Its `redis_url` absent: a private Redis is started.
        slots: As `service.operating.slots.plan_slots` reads it.
        ready_file: Written when requests are answered.
        child: Command of the slots' children instead of `python -m ticketing`, as a JSON list.

    Raises:
        RefusedError: An address that cannot be had or that needs a key first, a home in use or readable to jobs, too
            weak a sandbox, a Redis that evicts.
        NoRedisError: There is no Redis server to start.
    """
    os.umask(0o077)
    refuse_unused_in_public(settings)
    plans = plan_slots(slots, cores=cores_here(), gpus=gpus_here())
    with ExitStack() as house:
        signals = house.enter_context(ended_by_signals())
        held = probe_sandbox(settings) if plans else None
        settings.paths.make()
        house.enter_context(_alone_in(settings.home))
        say = house.enter_context(_logging_beside(settings))
        redis_url = settings.redis_url or house.enter_context(private_redis(settings.paths.redis.absolute()))
        refuse_evicting(redis_url)
        migrate(settings)
        who = guarded(settings)
        env, beside = environment(settings, redis_url), None if settings.log_format == "json" else settings.paths.logs
        kept = [kept_slot(plan, env=env, logs=beside, child=child) for plan in plans]
        house.enter_context(Keeper(kept, grace_seconds=settings.grace_seconds + 5))
        listening = house.enter_context(listening_on(settings.host, settings.port))
        url = url_of(listening)

        def ready() -> None:
            level = "no slots" if held is None else f"{len(plans)} slots, jobs held at sandbox level {held['level']}"
            say(f"Winnow is at {url}  ({level}; everything kept in {settings.home}; Ctrl-C stops it)")
            for warning in () if held is None else held["warnings"]:
                say(f"  sandbox: {warning}")
            say(f"  {who}")
            _tell(ready_file, listening)

        serve(settings.model_copy(update={"redis_url": redis_url}), listening, ready=ready, signals=signals)
        say("Stopping: running jobs save where they are and go back to the queue.")


def api(settings: Settings, *, ready_file: Path | None) -> None:
    """Run the API alone until SIGINT or SIGTERM.

    Raises:
        RefusedError: An address that cannot be had or that needs a key first, a Redis that evicts.
    """
    os.umask(0o077)
    logs.configure(settings.log_format, process="api")
    refuse_unused_in_public(settings)
    if settings.redis_url is not None:
        refuse_evicting(settings.redis_url)
    settings.paths.make()
    migrate(settings)
    who = guarded(settings)
    with ended_by_signals() as signals, listening_on(settings.host, settings.port) as listening:

        def ready() -> None:
            _log.info("Winnow's API is at %s; %s", url_of(listening), who)
            _tell(ready_file, listening)

        serve(settings, listening, ready=ready, signals=signals)


def serve(settings: Settings, listening: socket.socket, *, ready: Callable[[], None], signals: Signals) -> None:
    """Answer requests on a bound socket until SIGINT or SIGTERM."""
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STREAMS_END_SECONDS,
    )
    server = _Server(config, ready)
    signals.leave_to_server()
    server.run(sockets=[listening])
    if not server.started:
        raise RefusedError("expected the web server to start, but it did not: see the lines above")


@contextmanager
def _logging_beside(settings: Settings) -> Iterator[Say]:
    """Give what says the few lines an operator reads: the log goes into a file beside them, or is all there is."""
    if settings.log_format == "json":
        logs.configure("json", process="api")
        yield _log.info
        return
    with (settings.paths.logs / "api.log").open("a") as file:
        logs.configure("text", process="api", stream=file)
        yield print


@contextmanager
def _alone_in(home: Path) -> Iterator[None]:
    """Hold the home folder: a second service on it would take the first one's slots for lost."""
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusedError(f"expected a home that no other service runs on, got {home}, which is in use") from None
        yield


def _tell(ready_file: Path | None, listening: socket.socket) -> None:
    """Write the address down, whole or not at all, for whoever waits for it."""
    if ready_file is not None:
        temporary = ready_file.with_name(f".{ready_file.name}.part")
        temporary.write_text(json.dumps({"url": url_of(listening), "pid": os.getpid()}))
        temporary.replace(ready_file)


class _Server(uvicorn.Server):
    """Says when it answers requests."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()
