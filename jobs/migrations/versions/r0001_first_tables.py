"""The first tables: blobs, models, datasets, jobs with their lease and log, keys, slots, counters."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "blob",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob")),
    )
    op.create_table(
        "counter",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_counter")),
    )
    op.create_table(
        "idempotency",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "slot",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("sandbox", sa.String(length=16), nullable=False),
        sa.Column("about", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=True),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.CheckConstraint("kind IN ('cpu', 'gpu', 'inspect')", name=op.f("ck_slot_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot")),
    )
    op.create_table(
        "blob_grant",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_blob_grant_sha256")),
        sa.PrimaryKeyConstraint("tenant", "sha256", name=op.f("pk_blob_grant")),
    )
    op.create_table(
        "dataset",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("uri", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("canonical_sha256", sa.String(length=64), nullable=True),
        sa.Column("summary", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("warnings", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('inspecting', 'ready', 'refused')", name=op.f("ck_dataset_state")),
        sa.CheckConstraint("(uri IS NULL) <> (sha256 IS NULL)", name=op.f("ck_dataset_one_source")),
        sa.ForeignKeyConstraint(["canonical_sha256"], ["blob.sha256"], name=op.f("fk_dataset_canonical_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset")),
    )
    op.create_index(op.f("ix_dataset_tenant_created_at_id"), "dataset", ["tenant", "created_at", "id"], unique=False)
    op.create_table(
        "model",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("architecture", sa.String(length=64), nullable=False),
        sa.Column("arguments", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("weights", sa.String(length=16), nullable=False),
        sa.Column("shaped_by", sa.String(length=40), nullable=True),
        sa.Column("inventory", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("warnings", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('inspecting', 'ready', 'refused')", name=op.f("ck_model_state")),
        sa.CheckConstraint("(seed IS NULL) <> (sha256 IS NULL)", name=op.f("ck_model_one_source")),
        sa.ForeignKeyConstraint(["shaped_by"], ["dataset.id"], name=op.f("fk_model_shaped_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model")),
    )
    op.create_index(op.f("ix_model_shaped_by"), "model", ["shaped_by"], unique=False)
    op.create_index(op.f("ix_model_tenant_created_at_id"), "model", ["tenant", "created_at", "id"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("labels", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(length=8), nullable=False),
        sa.Column("model_id", sa.String(length=40), nullable=True),
        sa.Column("dataset_id", sa.String(length=40), nullable=True),
        sa.Column("inspects_model", sa.String(length=40), nullable=True),
        sa.Column("inspects_dataset", sa.String(length=40), nullable=True),
        sa.Column("search", sa.String(length=32), nullable=True),
        sa.Column("recipe", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("resolved_recipe", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("gates", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=128), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("strikes", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.Double(), nullable=False),
        sa.Column("cancel_requested", sa.Double(), nullable=True),
        sa.Column("pause_requested", sa.Double(), nullable=True),
        sa.Column("phase", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("stop_reason", sa.String(length=64), nullable=True),
        sa.Column("progress", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("best", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("gate", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("summary", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("warnings", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("estimated_flops", sa.Double(), nullable=True),
        sa.Column("used_flops", sa.Double(), nullable=True),
        sa.Column("queued_seconds", sa.Double(), nullable=False),
        sa.Column("running_seconds", sa.Double(), nullable=False),
        sa.Column("state_since", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name=op.f("ck_job_running_has_lease")),
        sa.CheckConstraint("(state = 'running') = (owner IS NOT NULL)", name=op.f("ck_job_running_has_owner")),
        sa.CheckConstraint("device IN ('any', 'cpu', 'gpu')", name=op.f("ck_job_device")),
        sa.CheckConstraint("kind IN ('search', 'inspect')", name=op.f("ck_job_kind")),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_job_state")
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_job_dataset_id")),
        sa.ForeignKeyConstraint(["inspects_dataset"], ["dataset.id"], name=op.f("fk_job_inspects_dataset")),
        sa.ForeignKeyConstraint(["inspects_model"], ["model.id"], name=op.f("fk_job_inspects_model")),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_job_model_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index(op.f("ix_job_dataset_id"), "job", ["dataset_id"], unique=False)
    op.create_index(op.f("ix_job_model_id"), "job", ["model_id"], unique=False)
    op.create_index(
        op.f("ix_job_state_kind_priority_created_at"), "job", ["state", "kind", "priority", "created_at"], unique=False
    )
    op.create_index(op.f("ix_job_tenant_created_at_id"), "job", ["tenant", "created_at", "id"], unique=False)
    op.create_index(op.f("ix_job_tenant_state"), "job", ["tenant", "state"], unique=False)
    op.create_table(
        "artifact",
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=128), nullable=False),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_artifact_job_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_artifact_sha256")),
        sa.PrimaryKeyConstraint("job_id", "name", name=op.f("pk_artifact")),
    )
    op.create_table(
        "checkpoint",
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("where", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("execution_key", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_checkpoint_job_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_checkpoint_sha256")),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "event",
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("fact", sa.String(length=128), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_event_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "seq", name=op.f("pk_event")),
        sa.UniqueConstraint("id", name=op.f("uq_event_id")),
        sa.UniqueConstraint("job_id", "fact", name=op.f("uq_event_job_id_fact")),
    )
    op.create_table(
        "level",
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("replicate", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("sparsity", sa.Double(), nullable=False),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_level_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "replicate", "level", name=op.f("pk_level")),
    )


def downgrade() -> None:
    """Drop every table."""
    op.drop_table("level")
    op.drop_table("event")
    op.drop_table("checkpoint")
    op.drop_table("artifact")
    op.drop_index(op.f("ix_job_tenant_state"), table_name="job")
    op.drop_index(op.f("ix_job_tenant_created_at_id"), table_name="job")
    op.drop_index(op.f("ix_job_state_kind_priority_created_at"), table_name="job")
    op.drop_index(op.f("ix_job_model_id"), table_name="job")
    op.drop_index(op.f("ix_job_dataset_id"), table_name="job")
    op.drop_table("job")
    op.drop_index(op.f("ix_model_tenant_created_at_id"), table_name="model")
    op.drop_index(op.f("ix_model_shaped_by"), table_name="model")
    op.drop_table("model")
    op.drop_index(op.f("ix_dataset_tenant_created_at_id"), table_name="dataset")
    op.drop_table("dataset")
    op.drop_table("blob_grant")
    op.drop_table("slot")
    op.drop_table("idempotency")
    op.drop_table("counter")
    op.drop_table("blob")
