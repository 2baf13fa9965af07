"""Puts one slot together: opens what it needs, starts its threads, waits for hints, and takes it all down again."""

import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from types import FrameType
from typing import Any

from jobs import queue, slots
from jobs.blobs import BlobFolder
from jobs.database import Database
from jobs.settings import Settings
from jobs.slots import SlotIdentity
from jobs.sweep import Swept
from workers.app import celery_process
from workers.bell import Bell
from workers.rounds import Nudger, Rounds, listen_for_orders
from workers.sandbox import Device, Sandbox
from workers.slot import Slot
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
    """
    host = socket.gethostname()
    name = f"{kind}-{device.index}"
    identity = SlotIdentity(f"{host}:{os.getpid()}:{name}:{secrets.token_hex(4)}", (kind,), sandbox.level)
    database = Database.open(settings.database)
    bell, stopped = Bell(), threading.Event()
    hints, nudge = queue.celery_app(redis_url), Nudger(redis_url)
    equipment = Equipment(
        settings=settings,
        database=database,
        blobs=BlobFolder(settings.paths.blobs),
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

    slot = Slot(identity, equipment, hint=hint)
    rounds = Rounds(database, settings, identity, top_up=top_up, nudge=nudge, busy=lambda: slot.busy, give_up=_leave)
    signal.signal(signal.SIGTERM, _end_in_order)
    try:
        with database.write() as conn:
            slots.announce(conn, identity, about=_about(host, kind, device, sandbox))
        listen_for_orders(redis_url, slot.ordered)
        rounds.start()
        hint(kind)  # nobody sends hints to slots that are not there: what waited for this one is found by its own
        _log.info("slot %s is up, sandbox level %s", identity.id, sandbox.level)
        return celery_process(redis_url, kind=kind, name=f"{name}@{host}", look=slot.look, stop=stop)
    finally:
        rounds.stop()
        with database.write() as conn:
            slots.withdraw(conn, identity.id)
        database.close()


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


def _about(host: str, kind: str, device: Device, sandbox: Sandbox) -> dict[str, Any]:
    return {
        "host": host,
        "pid": os.getpid(),
        "device": f"gpu {device.index}" if device.kind == "gpu" else "cpu",
        "threads": device.threads,
        "torch": _version("torch"),
        "winnow": _version("winnow"),
        "landlock_abi": sandbox.landlock_abi,
        "sandbox_warnings": list(sandbox.warnings),
    }


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:  # run from a checkout that was not installed
        return None
