"""Which tenant may see which blob: possession is shown by sending the bytes; knows no disk."""

from sqlalchemy import Connection, select

from jobs.blobs import Stored
from jobs.clock import now
from jobs.tables import blob, blob_grant, insert_if_absent


def record(conn: Connection, *, tenant: str, stored: Stored) -> None:
    """Note that a blob is on disk; shows it to nobody."""
    row = {"sha256": stored.sha256, "tenant": tenant, "bytes": stored.bytes, "created_at": now(conn)}
    insert_if_absent(conn, blob, [row])


def grant(conn: Connection, *, tenant: str, stored: Stored) -> None:
    """Note that a tenant has sent a blob and may see, use and not send it again."""
    record(conn, tenant=tenant, stored=stored)
    insert_if_absent(conn, blob_grant, [{"tenant": tenant, "sha256": stored.sha256, "created_at": now(conn)}])


def granted(conn: Connection, *, tenant: str, sha256: str) -> Stored | None:
    """Give a blob this tenant may use; one of another tenant's is as if it did not exist."""
    row = conn.execute(
        select(blob.c.sha256, blob.c.bytes)
        .join(blob_grant, blob_grant.c.sha256 == blob.c.sha256)
        .where(blob_grant.c.tenant == tenant, blob.c.sha256 == sha256)
    ).one_or_none()
    return None if row is None else Stored(row.sha256, row.bytes)
