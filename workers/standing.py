"""Whether a slot may take a job at this moment: its disk has room and nobody drains it. Takes none itself."""

import errno
import logging
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from jobs import slots
from jobs.database import Database
from jobs.slots import SlotIdentity
from jobs.tables import slot

DISK_FULL = "disk_full"
"""Why a slot takes nothing, and the reason shown at a job that found no room."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_WITHOUT_ROOM = (b"No space left on device", b"Disk quota exceeded")

_log = logging.getLogger(__name__)


class Standing:
    """What the database says of a slot, kept true from this side; safe to use from several threads.

    Args:
        database: Where slots are listed.
        identity: Whose standing.
        about: What else is shown of it.
        folders: Where attempts are laid out, and where bytes are written on their way to the store.
        high_water: Used fraction of one of these file systems above which the slot takes nothing.
        changed: Called when it becomes open or stops being open for jobs.
    """

    def __init__(
        self,
        database: Database,
        identity: SlotIdentity,
        *,
        about: Mapping[str, Any],
        folders: Sequence[Path],
        high_water: float,
        changed: Callable[[bool], None],
    ) -> None:
        self._database = database
        self._identity = identity
        self._about = about
        self._folders = tuple(folders)
        self._high_water = high_water
        self._changed = changed
        self._open = True
        self._lock = threading.Lock()

    def open(self) -> bool:
        """Say whether the slot may take a job now, and tell the database what keeps it from that.

        A slot the database has forgotten, or never heard of, is announced.
        """
        full = any(no_room(folder, high_water=self._high_water) for folder in self._folders)
        blocked = DISK_FULL if full else None
        with self._lock:
            draining = self._told(blocked)
            now_open = blocked is None and not draining
            if now_open != self._open:
                self._open = now_open
                _log.warning("takes %s", "jobs again" if now_open else f"no jobs: {blocked or 'draining'}")
                self._changed(now_open)
        return now_open

    def _told(self, blocked: str | None) -> bool:
        """Bring the slot's row up to date and say whether it is to drain."""
        mine = slot.c.id == self._identity.id
        with self._database.read() as conn:
            row = conn.execute(select(slot.c.blocked, slot.c.drain_requested).where(mine)).one_or_none()
        if row is not None and row.blocked == blocked:
            return row.drain_requested is not None
        with self._database.write() as conn:
            if row is None:
                slots.announce(conn, self._identity, about=self._about, blocked=blocked)
            else:
                slots.block(conn, self._identity.id, reason=blocked)
        return row is not None and row.drain_requested is not None


def no_room(folder: Path, *, high_water: float) -> bool:
    """Say whether the file system of a folder is fuller than it may be for a job to begin.

    Args:
        folder: Any in it.
        high_water: Used fraction of what users other than root can have.
    """
    try:
        usage = shutil.disk_usage(folder)
    except OSError:  # the folder is gone: whatever is wrong is found by whoever writes to it
        return False
    return usage.used >= high_water * (usage.used + usage.free)


def is_want_of_room(error: BaseException) -> bool:
    """Say whether an error means that the disk is full."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def said_no_room(printed: bytes) -> bool:
    """Tell from the last that a child printed whether it ended because the disk was full."""
    return any(words in printed for words in _WITHOUT_ROOM)
