"""The tables of the house itself: who may enter, which slots live, what was counted and answered."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Double, ForeignKey, Index, Integer, String, Table, text

from jobs.tables.base import METADATA, json_column, tenant_column

idempotency = Table(
    "idempotency",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_sha256", String(64), nullable=False),
    Column("answer", json_column()),
    Column("created_at", Double, nullable=False),
)

slot = Table(
    "slot",
    METADATA,
    Column("id", String(128), primary_key=True),
    tenant_column(),  # whose jobs it runs; '*' for everyone's
    Column("kind", String(16), nullable=False),
    Column("sandbox", String(16), nullable=False),
    Column("host", String(255), nullable=False, server_default=text("''")),
    Column("recipe_version", Integer, nullable=False, server_default=text("1")),
    Column("checkpoint_version", Integer, nullable=False, server_default=text("1")),
    Column("uploads", Integer, nullable=False, server_default=text("1")),  # whether it runs uploaded models
    Column("about", json_column(), nullable=False),
    Column("drain_requested", Double),
    Column("blocked", String(64)),  # why it takes nothing at the moment, e.g. disk_full
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

hold = Table(
    "hold",
    METADATA,
    # A right to do something alone for a time: `backup` keeps `collect` out, and the other way round.
    Column("name", String(64), primary_key=True),
    tenant_column(),
    Column("owner", String(128), nullable=False),
    Column("until", Double, nullable=False),
)

api_key = Table(
    "api_key",
    METADATA,
    Column("id", String(40), primary_key=True),
    tenant_column(),
    Column("name", String(200)),
    Column("secret_sha256", String(64), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),  # its first characters, to tell one from another
    Column("scopes", json_column(), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("used_at", Double),
    Column("replaced_by", String(40)),
    Index(None, "tenant", "created_at"),
)

login = Table(
    "login",
    METADATA,
    # A browser that has shown a key; the secret in its cookie is kept hashed.
    Column("secret_sha256", String(64), primary_key=True),
    tenant_column(),
    Column("key_id", String(40), ForeignKey("api_key.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
)
