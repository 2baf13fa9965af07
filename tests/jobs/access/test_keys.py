"""jobs.access.keys: a secret is shown once and kept nowhere; what a key may, until when, and how it ends."""

from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import select, update

from jobs.access import keys
from jobs.access.callers import caller_with
from jobs.access.keys import SCOPES, NewKey
from jobs.clock import now
from jobs.database import Database
from jobs.errors import KeyRefusedError, KeyStateError, NotFoundError
from jobs.tables import METADATA, api_key
from ticketing.errors import RequestError

NOBODY = "key_01J9ZD6T2N8Q4R5S6T7V8W9X0Y"


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


def test_a_secret_has_256_bits_a_prefix_and_is_never_the_same(db: Database) -> None:
    secrets = {create(db).secret for _ in range(50)}
    assert len(secrets) == 50
    # 32 bytes are 43 characters of base 64.
    assert {(secret[:3], len(secret)) for secret in secrets} == {("wn_", 46)}


def test_a_secret_is_in_no_column_of_no_table_nor_in_what_is_printed_of_it(db: Database) -> None:
    new = create(db, name="laptop")
    caller_with(db, new.secret)
    with db.read() as conn:
        everything = repr([conn.execute(select(table)).all() for table in METADATA.sorted_tables])
        listed = keys.listed(conn)
    assert new.id in everything
    assert new.secret not in everything
    assert new.secret[3:] not in everything
    assert new.secret not in repr(new)
    assert new.secret not in repr([asdict(key) for key in listed])


@pytest.mark.parametrize(("scope", "scopes"), [("read", SCOPES[:1]), ("submit", SCOPES[:2]), ("admin", SCOPES)])
def test_a_scope_holds_those_below_it(db: Database, scope: keys.Scope, scopes: tuple[str, ...]) -> None:
    assert caller_with(db, create(db, scope=scope).secret).scopes == scopes


@pytest.mark.parametrize("tenant", ["", "*", "a b", "a/b", "-a", "é", "a" * 65, "a\n", "a\0"])
def test_what_is_no_name_of_a_tenant_is_refused(db: Database, tenant: str) -> None:
    with pytest.raises(RequestError, match="expected a tenant"):
        create(db, tenant=tenant)


def test_a_key_ends_when_its_time_is_over(db: Database) -> None:
    new = create(db, expires_seconds=1000)
    elapse(db, 900)
    assert caller_with(db, new.secret)
    elapse(db, 100)
    with pytest.raises(KeyRefusedError, match=f"{new.id}, which is expired"):
        caller_with(db, new.secret)
    assert state(db, new.id).state == "expired"


def test_a_key_without_an_end_does_not_end(db: Database) -> None:
    new = create(db)
    elapse(db, 10 * 365 * 86400)
    assert caller_with(db, new.secret)


def test_a_revoked_key_ends_at_once_and_revoking_twice_is_revoking_once(db: Database) -> None:
    new, other = create(db), create(db)
    with db.write() as conn:
        first = keys.revoke(conn, new.id)
    elapse(db, 5)
    with db.write() as conn:
        again = keys.revoke(conn, new.id)
    assert first.revoked_at is not None
    assert again.revoked_at == pytest.approx(first.revoked_at - 5, abs=1e-3)
    with pytest.raises(KeyRefusedError, match="revoked"):
        caller_with(db, new.secret)
    assert caller_with(db, other.secret)


def test_both_keys_are_valid_during_the_overlap_and_the_new_one_after_it(db: Database) -> None:
    old = create(db, name="ci", scope="read")
    with db.write() as conn:
        new = keys.rotate(conn, old.id, overlap_seconds=60)
    assert caller_with(db, old.secret).tenant == caller_with(db, new.secret).tenant == "ada"
    assert state(db, old.id).replaced_by == new.id
    assert (state(db, new.id).name, state(db, new.id).scopes) == ("ci", ("read",))
    elapse(db, 61)
    with pytest.raises(KeyRefusedError, match="expired"):
        caller_with(db, old.secret)
    assert caller_with(db, new.secret)


def test_without_an_overlap_the_old_key_ends_at_once(db: Database) -> None:
    old = create(db)
    with db.write() as conn:
        keys.rotate(conn, old.id, overlap_seconds=0)
    with pytest.raises(KeyRefusedError):
        caller_with(db, old.secret)


def test_an_overlap_never_makes_a_key_live_longer(db: Database) -> None:
    old = create(db, expires_seconds=100)
    before = state(db, old.id).expires_at
    with db.write() as conn:
        keys.rotate(conn, old.id, overlap_seconds=1000)
    assert state(db, old.id).expires_at == before


def test_a_key_that_takes_anothers_place_lives_as_long_as_that_one_was_to_live(db: Database) -> None:
    old = create(db, expires_seconds=100)
    elapse(db, 60)
    with db.write() as conn:
        new, began = keys.rotate(conn, old.id, overlap_seconds=0), now(conn)
    assert state(db, new.id).expires_at == pytest.approx(began + 100, abs=20)


def test_what_is_over_or_replaced_is_not_replaced_again(db: Database) -> None:
    revoked, expired, replaced = create(db), create(db, expires_seconds=1), create(db)
    elapse(db, 2)
    with db.write() as conn:
        keys.revoke(conn, revoked.id)
        keys.rotate(conn, replaced.id, overlap_seconds=60)
    for key, why in ((revoked, "revoked"), (expired, "expired"), (replaced, "replaced by key_")):
        with db.write() as conn, pytest.raises(KeyStateError, match=why):
            keys.rotate(conn, key.id, overlap_seconds=60)


@pytest.mark.parametrize("verb", [keys.find, keys.revoke, lambda conn, key: keys.rotate(conn, key, overlap_seconds=1)])
def test_an_id_of_nobody_is_told_and_a_secret_typed_for_an_id_is_not_repeated(db: Database, verb: Any) -> None:
    secret = create(db).secret
    for key_id in (NOBODY, secret):
        with db.write() as conn, pytest.raises(NotFoundError, match="expected the id of a key") as refused:
            verb(conn, key_id)
        assert secret not in str(refused.value)


def test_keys_are_listed_by_age_and_of_one_tenant_alone(db: Database) -> None:
    made = [create(db), create(db, tenant="bob"), create(db)]
    with db.read() as conn:
        assert [key.id for key in keys.listed(conn)] == [key.id for key in made]
        assert [key.id for key in keys.listed(conn, tenant="bob")] == [made[1].id]
        assert keys.listed(conn)[0].hint == made[0].secret[:8]


def test_once_there_was_a_key_there_always_is(db: Database) -> None:
    with db.read() as conn:
        assert not keys.any_key(conn)
    new = create(db, expires_seconds=1)
    with db.write() as conn:
        keys.revoke(conn, new.id)
    elapse(db, 1000)
    with db.read() as conn:
        assert keys.any_key(conn)
