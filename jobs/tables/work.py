"""The tables of a job and of all that belongs to it and goes with it."""

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
    UniqueConstraint,
    text,
)

from jobs.tables.base import METADATA, json_column, tenant_column

_NO_POINT = text("parent_id IS NULL")

job = Table(
    "job",
    METADATA,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("kind", String(16), nullable=False),
    # The grid it is one point of, which point, and of a grid itself: its axes and how many points are not done.
    Column("parent_id", String(40), ForeignKey("job.id")),
    Column("point", json_column()),
    Column("grid", json_column()),
    Column("children_open", Integer, nullable=False, server_default=text("0")),
    # What it was made from: {"kind": "rerun" | "fork" | "export", "job": ..., "level": ..., "checkpoint": sha256}.
    Column("origin", json_column()),
    Column("name", String(200)),
    Column("labels", json_column(), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("device", String(8), nullable=False),
    Column("model_id", String(40), ForeignKey("model.id")),
    Column("dataset_id", String(40), ForeignKey("dataset.id")),
    Column("inspects_model", String(40), ForeignKey("model.id")),
    Column("inspects_dataset", String(40), ForeignKey("dataset.id")),
    Column("search", String(32)),
    Column("recipe", json_column()),
    Column("resolved_recipe", json_column()),
    Column("gates", json_column(), nullable=False),
    # The lease: who may write, until when, and the number that outdates older rights.
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("owner", String(128)),
    Column("lease_until", Double),
    Column("strikes", Integer, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("max_queued_seconds", Double),
    Column("max_running_seconds", Double),
    Column("cancel_requested", Double),
    Column("keep", String(8)),  # of a cancel: whether completed levels stay
    Column("pause_requested", Double),
    Column("pause_expires_at", Double),
    # The newest formats a slot must know to run it.
    Column("recipe_version", Integer, nullable=False, server_default=text("1")),
    Column("checkpoint_version", Integer, nullable=False, server_default=text("0")),
    # What is shown.
    Column("phase", String(32)),
    Column("reason", String(64)),
    Column("stop_reason", String(64)),
    Column("progress", json_column(), nullable=False),
    Column("best", json_column()),
    Column("gate", json_column()),
    Column("summary", json_column()),
    Column("error", json_column()),
    Column("warnings", json_column(), nullable=False),
    Column("estimated_flops", Double),
    Column("used_flops", Double),
    Column("queued_seconds", Double, nullable=False),
    Column("running_seconds", Double, nullable=False),
    Column("paused_seconds", Double, nullable=False, server_default=text("0")),
    Column("state_since", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("expires_at", Double),
    Column("last_seq", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("kind IN ('search', 'inspect', 'grid')", name="kind"),
    CheckConstraint("state IN ('queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled')", name="state"),
    CheckConstraint("device IN ('any', 'cpu', 'gpu')", name="device"),
    CheckConstraint("keep IN ('levels', 'none')", name="keep"),
    CheckConstraint("(state = 'running') = (owner IS NOT NULL)", name="running_has_owner"),
    CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="running_has_lease"),
    Index("ix_job_lease", "state", "lease_until"),
    Index("ix_job_expiry", "expires_at"),
    Index("ix_job_queued_limit", "state", "max_queued_seconds"),
    # What lists walk: all of a tenant's that are no points of a grid, or those in a state.
    Index("ix_job_list", "tenant", "created_at", "id", sqlite_where=_NO_POINT, postgresql_where=_NO_POINT),
    Index(None, "tenant", "state", "created_at", "id"),
    Index(None, "parent_id"),
    Index(None, "model_id"),
    Index(None, "dataset_id"),
)

# What waits for a slot, per tenant and device in the order it is taken; `not_before` is read from the index alone.
_LANE = (job.c.state, job.c.kind, job.c.tenant, job.c.device)
Index("ix_job_queue", *_LANE, job.c.priority.desc(), job.c.created_at, job.c.id, job.c.not_before)

attempt = Table(
    "attempt",
    METADATA,
    Column("job_id", String(40), ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    tenant_column(),
    Column("slot_id", String(128), nullable=False),
    Column("slot_kind", String(16), nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("ended_as", String(64)),  # the state or the reason it ended with; NULL while it runs
    # What its children printed, so far or in all; a slot on another host has no other way to show it.
    Column("log_sha256", String(64), ForeignKey("blob.sha256")),
    Column("log_bytes", BigInteger),
)

event = Table(
    "event",
    METADATA,
    Column("job_id", String(40), ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("id", String(40), nullable=False, unique=True),
    tenant_column(),
    Column("attempt", Integer, nullable=False),
    Column("type", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("data", json_column(), nullable=False),
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
    tenant_column(),
    Column("kept", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("sparsity", Double, nullable=False),
    Column("data", json_column(), nullable=False),
    Column("created_at", Double, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    METADATA,
    Column("job_id", String(40), ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    tenant_column(),
    Column("attempt", Integer, nullable=False),
    Column("sha256", String(64), ForeignKey("blob.sha256"), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("where", json_column(), nullable=False),
    Column("execution_key", json_column(), nullable=False),
    Column("created_at", Double, nullable=False),
)

artifact = Table(
    "artifact",
    METADATA,
    Column("job_id", String(40), ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(255), primary_key=True),
    tenant_column(),
    Column("attempt", Integer, nullable=False),
    Column("sha256", String(64), ForeignKey("blob.sha256"), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("media_type", String(128), nullable=False),
    Column("level", Integer),
    Column("created_at", Double, nullable=False),
)
