"""Puts one slot together: opens what it needs, starts its threads, waits for hints, and takes it all down again."""

import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any

from jobs import slots
from jobs.blobs import open_blobs
from jobs.database import Database
from jobs.retrying import AWAY
from jobs.settings import Settings
from jobs.slots import SlotIdentity
from jobs.sweep import Swept
from jobs.waiting import queue
from workers.app import Heed, celery_process
from workers.bell import Bell
from workers.capabilities import capabilities, installed
from workers.outage import outlast
from workers.reading import Refusals
from workers.rounds import Nudger, Rounds, count_refused, listen_for_orders
from workers.sandbox import Device, Sandbox
from workers.slot import Slot
from workers.standing import Standing
from workers.work import Equipment

_log = logging.getLogger(__name__)

_SECONDS_TO_LEAVE = 10.0
"""For a process that gave up on its broker connection; it is idle, so that ending it loses nothing."""


def run_slot(
    settings: Settings, redis_url: str, *, sandbox: Sandbox, kind: str, device: Device, command: Sequence[str]
) -> int:
    """Be a slot until told to stop, and give the exit status.

    Args:
        redis_url: Of the broker and of the nudges.
        kind: `cpu`, `gpu` or `inspect`: what it may claim.
        command: See `Equipment.command`.

    Raises:
        SchemaError: The database was made by an older or a newer program.
    """
    host = socket.gethostname()
    name = f"{kind}-{device.index}"
    identity = SlotIdentity(
        f"{host}:{os.getpid()}:{name}:{secrets.token_hex(4)}",
        (kind,),
        sandbox.level,
        host,
        capabilities(settings, sandbox=sandbox, device=device),
    )
    database = Database.open(settings.database)
    bell, stopped = Bell(), threading.Event()
    hints, nudge = queue.celery_app(redis_url), Nudger(redis_url)
    equipment = Equipment(
        settings=settings,
        database=database,
        blobs=open_blobs(settings, patience_seconds=settings.store_patience_seconds),
        sandbox=sandbox,
        device=device,
        command=command,
        bell=bell,
        stop_requested=stopped.is_set,
        nudge=nudge,
    )

    def stop() -> None:
        stopped.set()
        bell.ring()

    def top_up(swept: Swept) -> None:
        queue.top_up(hints, redis_url, swept.hints)

    def hint(wanted: str) -> None:
        queue.send_hint(hints, wanted)

    heed, refusals = Heed(kind), Refusals()

    def changed(now_open: bool) -> None:
        heed.want(now_open)
        if now_open:
            hint(kind)

    standing = Standing(
        database,
        identity,
        about=_about(device, sandbox),
        folders=(settings.paths.attempts, settings.paths.blobs),
        high_water=settings.disk_high_water,
        changed=changed,
    )
    slot = Slot(identity, equipment, hint=hint, may_claim=standing.open)
    rounds = Rounds(
        database,
        settings,
        identity,
        top_up=top_up,
        nudge=nudge,
        busy=lambda: slot.busy,
        give_up=_leave,
        standing=standing.open,
        refusals=refusals,
    )
    signal.signal(signal.SIGTERM, _end_in_order)
    # Also when it is started again: another program may have migrated the database since.
    outlast(database.require_newest, too_late=stopped.is_set)
    try:
        outlast(standing.open, too_late=stopped.is_set)  # announces the slot
        listen_for_orders(redis_url, slot.ordered)
        rounds.start()
        hint(kind)  # nobody sends hints to slots that are not there: what waited for this one is found by its own
        _log.info("slot %s is up, sandbox level %s", identity.id, sandbox.level)
        return celery_process(
            redis_url, kind=kind, name=f"{name}@{host}", look=slot.look, stop=stop, heed=heed, refusals=refusals
        )
    finally:
        rounds.stop()
        _withdraw(database, identity.id, refusals)
        database.close()


def _withdraw(database: Database, slot_id: str, refusals: Refusals) -> None:
    try:
        count_refused(database, refusals)
        with database.write() as conn:
            slots.withdraw(conn, slot_id)
    except AWAY as error:  # it is forgotten when it has been silent for long enough
        _log.warning("the slot ends unlisted: the database is away (%s)", type(error).__name__)


def _end_in_order(number: int, frame: FrameType | None) -> None:
    """Handle SIGTERM until Celery does."""
    raise SystemExit(0)


def _leave() -> None:
    """End this process: idle although there is work, so that its broker connection is not to be trusted."""
    _log.warning("there is work and no hint came: starting anew")
    os.kill(os.getpid(), signal.SIGTERM)
    reluctant = threading.Timer(_SECONDS_TO_LEAVE, os._exit, [0])
    reluctant.daemon = True
    reluctant.start()


def _about(device: Device, sandbox: Sandbox) -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "threads": device.threads,
        "winnow": installed("winnow"),
        "landlock_abi": sandbox.landlock_abi,
        "sandbox_warnings": list(sandbox.warnings),
    }
