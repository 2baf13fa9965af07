"""Numbers that only grow, kept in the database so that no process forgets them."""

from sqlalchemy import Connection, select, update

from jobs.tables import counter, insert_if_absent

STALE_WRITES_REFUSED = "stale_writes_refused"


def add(conn: Connection, *, tenant: str, name: str, by: int = 1) -> None:
    """Add to a counter, starting it at 0."""
    insert_if_absent(conn, counter, [{"tenant": tenant, "name": name, "value": 0}])
    mine = (counter.c.tenant == tenant) & (counter.c.name == name)
    conn.execute(update(counter).where(mine).values(value=counter.c.value + by))


def read(conn: Connection, *, tenant: str, name: str) -> int:
    """Read a counter; 0 when nothing was ever added."""
    mine = (counter.c.tenant == tenant) & (counter.c.name == name)
    return conn.execute(select(counter.c.value).where(mine)).scalar_one_or_none() or 0
