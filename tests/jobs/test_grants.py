"""jobs.grants: what one tenant sent does not exist for another."""

from sqlalchemy import select, update

from jobs.blobs import Stored
from jobs.database import Database
from jobs.grants import grant, granted, record
from jobs.tables import blob_grant

BLOB = Stored("a" * 64, 5)


def test_whoever_sent_a_blob_may_use_it_and_nobody_else(db: Database) -> None:
    with db.write() as conn:
        grant(conn, tenant="ada", stored=BLOB)
        assert granted(conn, tenant="ada", sha256=BLOB.sha256) == BLOB
        assert granted(conn, tenant="bob", sha256=BLOB.sha256) is None


def test_a_blob_somebody_else_sent_before_can_be_sent_again(db: Database) -> None:
    with db.write() as conn:
        for tenant in ("ada", "bob", "bob"):
            grant(conn, tenant=tenant, stored=BLOB)
        assert granted(conn, tenant="bob", sha256=BLOB.sha256) == BLOB


def test_what_a_job_made_is_granted_to_nobody(db: Database) -> None:
    with db.write() as conn:
        record(conn, tenant="ada", stored=BLOB)
        assert granted(conn, tenant="ada", sha256=BLOB.sha256) is None


def test_what_is_sent_again_was_sent_now(db: Database) -> None:
    with db.write() as conn:
        grant(conn, tenant="ada", stored=BLOB)
        conn.execute(update(blob_grant).values(created_at=1.0))
        grant(conn, tenant="ada", stored=BLOB)
        assert conn.execute(select(blob_grant.c.created_at)).scalar_one() > 1e9
