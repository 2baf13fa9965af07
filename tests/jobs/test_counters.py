"""jobs.counters: they start at 0 and count per tenant and name."""

from jobs.counters import add, read
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
