"""When something was last done, by the database's clock, so that any process can tell how long ago that was."""

from sqlalchemy import Connection, select, update

from jobs.clock import now
from jobs.counters import EVERYONE
from jobs.tables import counter, insert_if_absent

_MILLI = 1000


def set_now(conn: Connection, name: str) -> float | None:
    """Note that something is done now, and give how many seconds ago it was done before; None: never."""
    mine = (counter.c.tenant == EVERYONE) & (counter.c.name == name)
    moment = int(now(conn) * _MILLI)
    before = conn.execute(select(counter.c.value).where(mine).with_for_update()).scalar_one_or_none()
    if before is None:
        insert_if_absent(conn, counter, [{"tenant": EVERYONE, "name": name, "value": moment}])
        return None
    conn.execute(update(counter).where(mine).values(value=moment))
    return max(0.0, float(moment - before) / _MILLI)


def age_seconds(conn: Connection, name: str) -> float | None:
    """Say how many seconds ago something was done; None: never."""
    mine = (counter.c.tenant == EVERYONE) & (counter.c.name == name)
    before = conn.execute(select(counter.c.value).where(mine)).scalar_one_or_none()
    return None if before is None else max(0.0, now(conn) - before / _MILLI)
