"""The tables, as they stand after the newest migration; knows what is kept, not what it means.

Every table has a `tenant`. Times are seconds since 1970 by the database's clock. JSON never holds NaN.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql, sqlite

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _json() -> JSON:
    return JSON(none_as_null=True)


def _tenant() -> Column[str]:
    return Column("tenant", String(64), nullable=False)


blob = Table(
    "blob",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    _tenant(),  # who sent or made it first; who may see it is told by blob_grant
    Column("bytes", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
)

blob_grant = Table(
    "blob_grant",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("sha256", String(64), ForeignKey("blob.sha256"), primary_key=True),
    Column("created_at", Double, nullable=False),
)

dataset = Table(
    "dataset",
    METADATA,
    Column("id", String(40), primary_key=True),
    _tenant(),
    Column("name", String(200)),
    Column("state", String(16), nullable=False),
    Column("uri", Text),
    Column("sha256", String(64)),
    Column("canonical_sha256", String(64), ForeignKey("blob.sha256")),
    Column("summary", _json()),
    Column("error", _json()),
    Column("warnings", _json(), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("state IN ('inspecting', 'ready', 'refused')", name="state"),
    CheckConstraint("(uri IS NULL) <> (sha256 IS NULL)", name="one_source"),
    Index(None, "tenant", "created_at", "id"),
)

model = Table(
    "model",
    METADATA,
    Column("id", String(40), primary_key=True),
    _tenant(),
    Column("name", String(200)),
    Column("state", String(16), nullable=False),
    Column("sha256", String(64)),
    Column("architecture", String(64), nullable=False),
    Column("arguments", _json(), nullable=False),
    Column("seed", BigInteger),
    Column("weights", String(16), nullable=False),
    # Of an inline model whose left-out arguments come from a dataset that is still inspecting.
    Column("shaped_by", String(40), ForeignKey("dataset.id")),
    Column("inventory", _json()),
    Column("error", _json()),
    Column("warnings", _json(), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("state IN ('inspecting', 'ready', 'refused')", name="state"),
    CheckConstraint("(seed IS NULL) <> (sha256 IS NULL)", name="one_source"),
    Index(None, "tenant", "created_at", "id"),
    Index(None, "shaped_by"),
)

job = Table(
    "job",
    METADATA,
    Column("id", String(40), primary_key=True),
    _tenant(),
    Column("kind", String(16), nullable=False),
    Column("name", String(200)),
    Column("labels", _json(), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("device", String(8), nullable=False),
    Column("model_id", String(40), ForeignKey("model.id")),
    Column("dataset_id", String(40), ForeignKey("dataset.id")),
    Column("inspects_model", String(40), ForeignKey("model.id")),
    Column("inspects_dataset", String(40), ForeignKey("dataset.id")),
    Column("search", String(32)),
    Column("recipe", _json()),
    Column("resolved_recipe", _json()),
    Column("gates", _json(), nullable=False),
    # The lease: who may write, until when, and the number that outdates older rights.
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("owner", String(128)),
    Column("lease_until", Double),
    Column("strikes", Integer, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("cancel_requested", Double),
    Column("pause_requested", Double),
    # What is shown.
    Column("phase", String(32)),
    Column("reason", String(64)),
    Column("stop_reason", String(64)),
    Column("progress", _json(), nullable=False),
    Column("best", _json()),
    Column("gate", _json()),
    Column("summary", _json()),
    Column("error", _json()),
    Column("warnings", _json(), nullable=False),
    Column("estimated_flops", Double),
    Column("used_flops", Double),
    Column("queued_seconds", Double, nullable=False),
    Column("running_seconds", Double, nullable=False),
    Column("state_since", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("expires_at", Double),
    Column("last_seq", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("kind IN ('search', 'inspect')", name="kind"),
    CheckConstraint("state IN ('queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled')", name="state"),
    CheckConstraint("device IN ('any', 'cpu', 'gpu')", name="device"),
    CheckConstraint("(state = 'running') = (owner IS NOT NULL)", name="running_has_owner"),
    CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="running_has_lease"),
    Index(None, "state", "kind", "priority", "created_at"),
    Index(None, "tenant", "state"),
    Index(None, "tenant", "created_at", "id"),
    Index(None, "model_id"),
    Index(None, "dataset_id"),
)

event = Table(
    "event",
    METADATA,
    Column("job_id", String(40), ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("id", String(40), nullable=False, unique=True),
    _tenant(),
    Column("attempt", Integer, nullable=False),
    Column("type", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("data", _json(), nullable=False),
    # What may be told only once per job, e.g. `level_completed/0/3`; NULL where repetition is fine.
    Column("fact", String(128)),
    UniqueConstraint("job_id", "fact"),
)

level = Table(
    "level",
    METADATA,
    Column("job_id", String(40), ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("replicate", Integer, primary_key=True, autoincrement=False),
    Column("level", Integer, primary_key=True, autoincrement=False),
    _tenant(),
    Column("kept", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("sparsity", Double, nullable=False),
    Column("data", _json(), nullable=False),
    Column("created_at", Double, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    METADATA,
    Column("job_id", String(40), ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _tenant(),
    Column("attempt", Integer, nullable=False),
    Column("sha256", String(64), ForeignKey("blob.sha256"), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("where", _json(), nullable=False),
    Column("execution_key", _json(), nullable=False),
    Column("created_at", Double, nullable=False),
)

artifact = Table(
    "artifact",
    METADATA,
    Column("job_id", String(40), ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(255), primary_key=True),
    _tenant(),
    Column("attempt", Integer, nullable=False),
    Column("sha256", String(64), ForeignKey("blob.sha256"), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("media_type", String(128), nullable=False),
    Column("level", Integer),
    Column("created_at", Double, nullable=False),
)

idempotency = Table(
    "idempotency",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_sha256", String(64), nullable=False),
    Column("answer", _json()),
    Column("created_at", Double, nullable=False),
)

slot = Table(
    "slot",
    METADATA,
    Column("id", String(128), primary_key=True),
    _tenant(),  # whose jobs it runs; '*' for everyone's
    Column("kind", String(16), nullable=False),
    Column("sandbox", String(16), nullable=False),
    Column("about", _json(), nullable=False),
    Column("job_id", String(40)),
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    CheckConstraint("kind IN ('cpu', 'gpu', 'inspect')", name="kind"),
)

counter = Table(
    "counter",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)


def insert_if_absent(conn: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose key is not there yet and leave the others as they are."""
    if not rows:
        return
    insert = sqlite.insert(table) if conn.dialect.name == "sqlite" else postgresql.insert(table)
    conn.execute(insert.on_conflict_do_nothing(), list(rows))
