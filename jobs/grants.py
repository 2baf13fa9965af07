"""Which tenant may see which blob: possession is shown by sending the bytes; knows no store."""

from typing import Any

from sqlalchemy import Connection, select, update

from jobs.blobs import Stored
from jobs.clock import now
from jobs.tables import blob, blob_grant, insert_if_absent

NOBODY = "*"
"""Whose the row is of bytes that were put and never named."""


def record(conn: Connection, *, tenant: str, stored: Stored) -> None:
    """Note that a blob is kept; shows it to nobody. No collection deletes it before the transaction ends."""
    row = {"sha256": stored.sha256, "tenant": tenant, "bytes": stored.bytes, "created_at": now(conn)}
    _hold_row(conn, row, alone=False)


def reserve(conn: Connection, stored: Stored) -> None:
    """Wait for everybody who is naming a blob, and have all who come later wait until the transaction ends."""
    row = {"sha256": stored.sha256, "tenant": NOBODY, "bytes": stored.bytes, "created_at": now(conn)}
    _hold_row(conn, row, alone=True)


def _hold_row(conn: Connection, row: dict[str, Any], *, alone: bool) -> None:
    """Hold a blob's row, and make it where it is not there, also when it goes in between."""
    same = select(blob.c.sha256).where(blob.c.sha256 == row["sha256"]).with_for_update(read=not alone)
    while True:
        insert_if_absent(conn, blob, [row])
        if conn.execute(same).one_or_none() is not None:
            return


def grant(conn: Connection, *, tenant: str, stored: Stored) -> None:
    """Note that a tenant has sent a blob, now, and may see, use and not send it again."""
    record(conn, tenant=tenant, stored=stored)
    moment = now(conn)
    insert_if_absent(conn, blob_grant, [{"tenant": tenant, "sha256": stored.sha256, "created_at": moment}])
    mine = (blob_grant.c.tenant == tenant) & (blob_grant.c.sha256 == stored.sha256)
    conn.execute(update(blob_grant).where(mine).values(created_at=moment))


def granted(conn: Connection, *, tenant: str, sha256: str) -> Stored | None:
    """Give a blob this tenant may use; one of another tenant's is as if it did not exist."""
    row = conn.execute(
        select(blob.c.sha256, blob.c.bytes)
        .join(blob_grant, blob_grant.c.sha256 == blob.c.sha256)
        .where(blob_grant.c.tenant == tenant, blob.c.sha256 == sha256)
    ).one_or_none()
    return None if row is None else Stored(row.sha256, row.bytes)
