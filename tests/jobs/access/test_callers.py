"""jobs.access.callers: who shows a valid key is let in as its tenant, and the use of it is noted now and then."""

from typing import Any

import pytest
from sqlalchemy import text, update

from jobs.access import keys
from jobs.access.callers import NOTED_SECONDS, Caller, caller_with
from jobs.access.keys import NewKey
from jobs.database import Database
from jobs.errors import KeyRefusedError
from jobs.tables import api_key


def create(db: Database, **changes: Any) -> NewKey:
    with db.write() as conn:
        return keys.create(conn, **{"tenant": "ada", "scope": "submit", **changes})


def elapse(db: Database, seconds: float) -> None:
    """Make every time of every key this much longer ago."""
    times = (api_key.c.created_at, api_key.c.expires_at, api_key.c.revoked_at, api_key.c.used_at)
    with db.write() as conn:
        conn.execute(update(api_key).values({column: column - seconds for column in times}))


def state(db: Database, key_id: str) -> keys.Key:
    with db.read() as conn:
        return keys.find(conn, key_id)


def test_a_secret_lets_in_whoever_shows_it_as_its_tenant(db: Database) -> None:
    new = create(db)
    assert caller_with(db, new.secret) == Caller("ada", new.id, ("read", "submit"))


@pytest.mark.parametrize("change", [str.lower, str.upper, lambda s: s[:-1], lambda s: s + "A", lambda s: s[3:]])
def test_another_secret_lets_nobody_in(db: Database, change: Any) -> None:
    new = create(db)
    for secret in (change(new.secret), "", "wn_", "'; DROP TABLE api_key; --", "é"):
        with pytest.raises(KeyRefusedError, match="unknown here"):
            caller_with(db, secret)
    assert caller_with(db, new.secret)


def test_the_digest_that_is_kept_is_no_secret_that_lets_in(db: Database) -> None:
    new = create(db)
    with pytest.raises(KeyRefusedError):
        caller_with(db, keys.digest(new.secret))


def test_a_use_is_noted_at_most_once_a_minute(db: Database) -> None:
    new = create(db)
    assert state(db, new.id).used_at is None
    caller_with(db, new.secret)
    elapse(db, NOTED_SECONDS / 2)
    first = state(db, new.id).used_at
    caller_with(db, new.secret)
    assert state(db, new.id).used_at == first is not None
    elapse(db, NOTED_SECONDS / 2 + 1)
    caller_with(db, new.secret)
    noted = state(db, new.id)
    assert noted.used_at is not None
    assert noted.used_at == pytest.approx(noted.read_at, abs=20)


@pytest.mark.backends("sqlite")
def test_a_use_that_cannot_be_noted_keeps_nobody_out(db: Database) -> None:
    new = create(db)
    with db.write() as conn:
        conn.execute(text("CREATE TRIGGER t BEFORE UPDATE ON api_key BEGIN SELECT RAISE(FAIL, 'no'); END"))
    assert caller_with(db, new.secret).key_id == new.id


def test_a_use_that_was_noted_waits_for_no_other_writer(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    new = create(db)
    caller_with(db, new.secret)
    with db.write() as conn:
        conn.execute(update(api_key).values(name="being written"))
        assert caller_with(db, new.secret).key_id == new.id
    assert caplog.records == []
