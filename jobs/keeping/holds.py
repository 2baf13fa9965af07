"""Rights to do something alone for a time, kept in the database so that every host heeds them; knows not what for."""

import logging
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from jobs.clock import db_now
from jobs.database import Database
from jobs.errors import HoldTakenError
from jobs.tables import hold, insert_if_absent

BYTES = "bytes"
"""To copy every blob, or to delete some: never both at once."""
EVERYONE = "*"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hold:
    """A right that is held, as far as this process knows."""

    name: str
    owner: str

    def require(self, conn: Connection) -> None:
        """See inside a transaction that it is still held.

        Raises:
            HoldTakenError: It was renewed too late, and somebody else may have it.
        """
        mine = (hold.c.name == self.name) & (hold.c.owner == self.owner) & (hold.c.until > db_now())
        if conn.execute(select(hold.c.name).where(mine)).one_or_none() is None:
            raise HoldTakenError(f"expected to hold {self.name} still, but the time was over")


@contextmanager
def held(database: Database, name: str, *, purpose: str, seconds: float = 60) -> Iterator[Hold]:
    """Hold a right until the block ends, renewed from a thread; a process that dies loses it after `seconds`.

    Args:
        purpose: What for, in a word; told to whoever wants it meanwhile.

    Raises:
        HoldTakenError: Somebody else holds it.
    """
    mine = Hold(name, f"{purpose} on {socket.gethostname()[:60]}, {secrets.token_hex(4)}")
    _take(database, mine, seconds)
    over = threading.Event()
    renewing = threading.Thread(target=_renew, args=(database, mine, seconds, over), name=f"hold {name}", daemon=True)
    renewing.start()
    try:
        yield mine
    finally:
        over.set()
        renewing.join()
        with database.write() as conn:
            conn.execute(delete(hold).where(hold.c.name == name, hold.c.owner == mine.owner))


def _take(database: Database, mine: Hold, seconds: float) -> None:
    with database.write() as conn:
        insert_if_absent(conn, hold, [{"name": mine.name, "tenant": EVERYONE, "owner": "", "until": 0.0}])
        free = (hold.c.name == mine.name) & (hold.c.until <= db_now())
        taken = conn.execute(update(hold).where(free).values(owner=mine.owner, until=db_now() + seconds))
        if taken.rowcount == 0:
            owner = conn.execute(select(hold.c.owner).where(hold.c.name == mine.name)).scalar_one_or_none()
            raise HoldTakenError(f"expected to be the only one at the {mine.name}, but there is a {owner}")


def _renew(database: Database, mine: Hold, seconds: float, over: threading.Event) -> None:
    while not over.wait(seconds / 4):
        try:
            with database.write() as conn:
                still = (hold.c.name == mine.name) & (hold.c.owner == mine.owner)
                conn.execute(update(hold).where(still).values(until=db_now() + seconds))
        except SQLAlchemyError as error:  # what needs it asks the database itself: see `Hold.require`
            _log.warning("hold %s: not renewed: %s", mine.name, type(error).__name__)
