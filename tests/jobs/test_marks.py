"""jobs.marks: what was never done has no age; what was done ages by the database's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from jobs import marks
from jobs.tables import counter

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench


def test_what_was_never_done_has_no_age(bench: Bench) -> None:
    with bench.db.write() as conn:
        assert marks.age_seconds(conn, "tidy") is None
        assert marks.set_now(conn, "tidy") is None


def test_what_was_done_is_as_old_as_the_database_says(bench: Bench) -> None:
    with bench.db.write() as conn:
        marks.set_now(conn, "tidy")
        conn.execute(update(counter).values(value=counter.c.value - 40_000))
        assert round(marks.age_seconds(conn, "tidy") or 0) == 40
        assert round(marks.set_now(conn, "tidy") or 0) == 40
        assert round(marks.age_seconds(conn, "tidy") or 0) == 0
