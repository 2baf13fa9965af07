"""jobs.counters: they start at 0 and count per tenant and name."""

from jobs.counters import (
    LEVEL_MILLISECONDS,
    LEVEL_SECONDS,
    LEVEL_SECONDS_AT_MOST,
    LEVELS,
    add,
    add_levels,
    read,
    read_all,
)
from jobs.database import Database


def test_a_counter_nobody_added_to_is_zero(db: Database) -> None:
    with db.read() as conn:
        assert read(conn, tenant="ada", name="x") == 0


def test_what_is_added_is_counted_for_that_tenant_and_name_alone(db: Database) -> None:
    with db.write() as conn:
        add(conn, tenant="ada", name="x")
        add(conn, tenant="ada", name="x", by=2)
        add(conn, tenant="bob", name="x")
        add(conn, tenant="ada", name="y")
        assert [read(conn, tenant=t, name=n) for t, n in (("ada", "x"), ("bob", "x"), ("ada", "y"))] == [3, 1, 1]


def test_levels_are_counted_into_buckets_that_hold_all_below(db: Database) -> None:
    with db.write() as conn:
        add_levels(conn, tenant="ada", seconds=[0.05, 2.0, 20000.0])
        add_levels(conn, tenant="ada", seconds=[3.0])
        add_levels(conn, tenant="ada", seconds=[])
        counted = {name: value for (tenant, name), value in read_all(conn).items() if tenant == "ada"}
    assert counted[LEVELS] == 4
    assert counted[LEVEL_MILLISECONDS] == 20005050
    below = [counted.get(f"{LEVEL_SECONDS_AT_MOST}{bound}", 0) for bound in LEVEL_SECONDS]
    assert below == [1, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3]
