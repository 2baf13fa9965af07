"""jobs.access.logins: a browser that has shown a key is let in for a while, and never longer than the key."""

import pytest
from sqlalchemy import select, update

from jobs.access import keys
from jobs.access.callers import Caller, caller_with
from jobs.access.keys import NewKey
from jobs.access.logins import caller_logged_in, close_login, open_login
from jobs.database import Database
from jobs.errors import KeyRefusedError
from jobs.tables import login


@pytest.fixture
def key(db: Database) -> NewKey:
    with db.write() as conn:
        return keys.create(conn, tenant="ada", scope="read")


@pytest.fixture
def caller(db: Database, key: NewKey) -> Caller:
    return caller_with(db, key.secret)


def enter(db: Database, caller: Caller, seconds: float = 100) -> str:
    with db.write() as conn:
        return open_login(conn, caller=caller, seconds=seconds)


def elapse(db: Database, seconds: float) -> None:
    with db.write() as conn:
        conn.execute(update(login).values(expires_at=login.c.expires_at - seconds))


def test_a_login_is_its_keys_tenant_with_its_scopes(db: Database, caller: Caller) -> None:
    assert caller_logged_in(db, enter(db, caller)) == caller


def test_a_login_ends_when_its_time_is_over(db: Database, caller: Caller) -> None:
    secret = enter(db, caller, 1000)
    elapse(db, 900)
    assert caller_logged_in(db, secret)
    elapse(db, 100)
    with pytest.raises(KeyRefusedError):
        caller_logged_in(db, secret)


def test_a_login_ends_with_its_key(db: Database, key: NewKey, caller: Caller) -> None:
    secret = enter(db, caller)
    with db.write() as conn:
        keys.revoke(conn, key.id)
    with pytest.raises(KeyRefusedError, match="revoked"):
        caller_logged_in(db, secret)


def test_a_login_that_was_closed_lets_nobody_in_and_others_stay(db: Database, caller: Caller) -> None:
    first, second = enter(db, caller), enter(db, caller)
    with db.write() as conn:
        close_login(conn, first)
        close_login(conn, first)
    with pytest.raises(KeyRefusedError):
        caller_logged_in(db, first)
    assert caller_logged_in(db, second)


def test_a_login_is_no_key_and_a_key_no_login(db: Database, key: NewKey, caller: Caller) -> None:
    secret = enter(db, caller)
    with pytest.raises(KeyRefusedError):
        caller_with(db, secret)
    with pytest.raises(KeyRefusedError):
        caller_logged_in(db, key.secret)


def test_the_secret_is_kept_hashed_and_what_is_over_is_forgotten(db: Database, caller: Caller) -> None:
    old = enter(db, caller)
    elapse(db, 100)
    new = enter(db, caller)
    with db.read() as conn:
        rows = conn.execute(select(login)).all()
    assert [row.secret_sha256 for row in rows] == [keys.digest(new)]
    assert old not in repr(rows)
    assert new not in repr(rows)
