"""Many hosts: keys and logins, attempts with their logs, grids, pauses and limits, what a slot can run, holds."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the new tables and widen `job` and `slot`."""
    _house()
    with op.batch_alter_table("job") as job:
        for column in _job_columns():
            job.add_column(column)
        job.drop_constraint(op.f("ck_job_kind"), type_="check")
        job.create_check_constraint(op.f("ck_job_kind"), "kind IN ('search', 'inspect', 'grid')")
        job.create_check_constraint(op.f("ck_job_keep"), "keep IN ('levels', 'none')")
        job.drop_index(op.f("ix_job_state_kind_priority_created_at"))
        job.drop_index(op.f("ix_job_tenant_created_at_id"))
        job.drop_index(op.f("ix_job_tenant_state"))
        job.create_foreign_key(op.f("fk_job_parent_id"), "job", ["parent_id"], ["id"])
    order: list[str | sa.TextClause] = [sa.text("priority DESC"), "created_at", "id", "not_before"]
    op.create_index("ix_job_queue", "job", ["state", "kind", "tenant", "device", *order])
    listed, top = ["tenant", "created_at", "id"], sa.text("parent_id IS NULL")
    op.create_index("ix_job_list", "job", listed, sqlite_where=top, postgresql_where=top)
    op.create_index(op.f("ix_job_tenant_state_created_at_id"), "job", ["tenant", "state", "created_at", "id"])
    op.create_index("ix_job_lease", "job", ["state", "lease_until"])
    op.create_index("ix_job_expiry", "job", ["expires_at"])
    op.create_index("ix_job_queued_limit", "job", ["state", "max_queued_seconds"])
    op.create_index(op.f("ix_job_parent_id"), "job", ["parent_id"])
    op.create_table(
        "attempt",
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("slot_id", sa.String(length=128), nullable=False),
        sa.Column("slot_kind", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("ended_as", sa.String(length=64), nullable=True),
        sa.Column("log_sha256", sa.String(length=64), nullable=True),
        sa.Column("log_bytes", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_attempt_job_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["log_sha256"], ["blob.sha256"], name=op.f("fk_attempt_log_sha256")),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_attempt")),
    )
    for column in _slot_columns():
        op.add_column("slot", column)


def _job_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("parent_id", sa.String(length=40), nullable=True),
        sa.Column("point", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("grid", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("children_open", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("origin", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("max_queued_seconds", sa.Double(), nullable=True),
        sa.Column("max_running_seconds", sa.Double(), nullable=True),
        sa.Column("keep", sa.String(length=8), nullable=True),
        sa.Column("pause_expires_at", sa.Double(), nullable=True),
        sa.Column("recipe_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("checkpoint_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("paused_seconds", sa.Double(), server_default=sa.text("0"), nullable=False),
    ]


def _slot_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("host", sa.String(length=255), server_default=sa.text("''"), nullable=False),
        sa.Column("recipe_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("checkpoint_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("uploads", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("drain_requested", sa.Double(), nullable=True),
        sa.Column("blocked", sa.String(length=64), nullable=True),
    ]


def _house() -> None:
    op.create_table(
        "hold",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=128), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_hold")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=16), nullable=False),
        sa.Column("scopes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.Column("replaced_by", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_api_key_secret_sha256")),
    )
    op.create_index(op.f("ix_api_key_tenant_created_at"), "api_key", ["tenant", "created_at"])
    op.create_table(
        "login",
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_key.id"], name=op.f("fk_login_key_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("secret_sha256", name=op.f("pk_login")),
    )
