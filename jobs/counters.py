"""Numbers that only grow, kept in the database so that no process forgets them; `service.metrics` shows them.

Every transaction that adds to several does so in the order of their names: two that added to the same ones in opposite
orders would wait for each other.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, select, update

from jobs.tables import counter, insert_if_absent

EVERYONE = "*"
"""The tenant of what is nobody's in particular."""
STALE_WRITES_REFUSED = "stale_writes_refused"
LEASES_LOST = "leases_lost"
STRIKES = "strikes"
DEVICE_MILLISECONDS = "device_milliseconds"
MESSAGES_REFUSED = "messages_refused"
"""By slots, of what they read from the broker; everyone's."""
JOBS_ENDED = "jobs_ended/"
"""The state follows."""
LEVELS = "levels"
LEVEL_MILLISECONDS = "level_milliseconds"
LEVEL_SECONDS_AT_MOST = "level_seconds_at_most/"
"""The bound follows; one counter per bucket of the histogram, each with all that is below."""
LEVEL_SECONDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000)


def add(conn: Connection, *, tenant: str, name: str, by: int = 1) -> None:
    """Add to a counter, starting it at 0."""
    add_all(conn, tenant=tenant, amounts={name: by})


def add_all(conn: Connection, *, tenant: str, amounts: Mapping[str, int]) -> None:
    """Add to several counters, starting those at 0 that are not there yet."""
    names = sorted(name for name, amount in amounts.items() if amount)
    insert_if_absent(conn, counter, [{"tenant": tenant, "name": name, "value": 0} for name in names])
    for name in names:
        mine = (counter.c.tenant == tenant) & (counter.c.name == name)
        conn.execute(update(counter).where(mine).values(value=counter.c.value + amounts[name]))


def add_levels(conn: Connection, *, tenant: str, seconds: list[float]) -> None:
    """Count completed levels and how long each took."""
    if not seconds:
        return
    amounts = {LEVELS: len(seconds), LEVEL_MILLISECONDS: round(1000 * sum(seconds))}
    for bound in LEVEL_SECONDS:
        amounts[f"{LEVEL_SECONDS_AT_MOST}{bound}"] = sum(took <= bound for took in seconds)
    add_all(conn, tenant=tenant, amounts=amounts)


def read(conn: Connection, *, tenant: str, name: str) -> int:
    """Read a counter; 0 when nothing was ever added."""
    mine = (counter.c.tenant == tenant) & (counter.c.name == name)
    return conn.execute(select(counter.c.value).where(mine)).scalar_one_or_none() or 0


def read_all(conn: Connection) -> dict[tuple[str, str], int]:
    """Read every counter, by tenant and name."""
    rows = conn.execute(select(counter.c.tenant, counter.c.name, counter.c.value))
    return {(row.tenant, row.name): int(row.value) for row in rows}
