"""The tables of bytes and of what they are: blobs, who may use them, models, datasets."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from jobs.tables.base import METADATA, json_column, tenant_column

blob = Table(
    "blob",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    tenant_column(),  # who sent or made it first; who may see it is told by blob_grant
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
    tenant_column(),
    Column("name", String(200)),
    Column("state", String(16), nullable=False),
    Column("uri", Text),
    Column("sha256", String(64)),
    Column("canonical_sha256", String(64), ForeignKey("blob.sha256")),
    Column("summary", json_column()),
    Column("error", json_column()),
    Column("warnings", json_column(), nullable=False),
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
    tenant_column(),
    Column("name", String(200)),
    Column("state", String(16), nullable=False),
    Column("sha256", String(64)),
    Column("architecture", String(64), nullable=False),
    Column("arguments", json_column(), nullable=False),
    Column("seed", BigInteger),
    Column("weights", String(16), nullable=False),
    # Of an inline model whose left-out arguments come from a dataset that is still inspecting.
    Column("shaped_by", String(40), ForeignKey("dataset.id")),
    Column("inventory", json_column()),
    Column("error", json_column()),
    Column("warnings", json_column(), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("state IN ('inspecting', 'ready', 'refused')", name="state"),
    CheckConstraint("(seed IS NULL) <> (sha256 IS NULL)", name="one_source"),
    Index(None, "tenant", "created_at", "id"),
    Index(None, "shaped_by"),
)
