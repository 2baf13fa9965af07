"""How the schema came to be, one revision after another; applies them, decides nothing about when."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from jobs.errors import SchemaError

_LOCK = 0x77696E6E6F77  # "winnow"; PostgreSQL's advisory locks are numbers


def upgrade(conn: Connection) -> None:
    """Apply every revision the database lacks, inside the caller's transaction.

    Raises:
        SchemaError: The database is at a revision that this program does not know.
    """
    if conn.dialect.name == "postgresql":
        # Until the end of this transaction: to wait for another's migration, and to make one, may take long.
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            conn.execute(text("SELECT set_config(:name, '0', true)"), {"name": name})
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config, revisions = _revisions()
    config.attributes["connection"] = conn
    if _heads(conn, revisions) != set(revisions.get_heads()):
        command.upgrade(config, "head")


def require_newest(conn: Connection) -> None:
    """See that the database is at the newest revision.

    Raises:
        SchemaError: It is at another.
    """
    _, revisions = _revisions()
    if _heads(conn, revisions) != set(revisions.get_heads()):
        raise SchemaError(
            f"expected a database at revision {revisions.get_current_head()}, got an older one or none: "
            "run `winnow-server migrate`"
        )


def revision_of(conn: Connection) -> str:
    """Say which revision a database is at; empty before the first."""
    return MigrationContext.configure(conn).get_current_revision() or ""


def revisions(conn: Connection) -> tuple[str, str]:
    """Say which revision a database is at, empty before the first, and which is the newest that this program knows."""
    _, known = _revisions()
    return revision_of(conn), known.get_current_head() or ""


def _revisions() -> tuple[Config, ScriptDirectory]:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config, ScriptDirectory.from_config(config)


def _heads(conn: Connection, revisions: ScriptDirectory) -> set[str]:
    """Give the revisions a database is at.

    Raises:
        SchemaError: This program does not know one of them.
    """
    heads = set(MigrationContext.configure(conn).get_current_heads())
    strange = sorted(heads - {script.revision for script in revisions.walk_revisions()})
    if strange:
        raise SchemaError(
            f"expected a database at revision {revisions.get_current_head()} or before, got {', '.join(strange)}: "
            "it was made by a newer winnow; use that one"
        )
    return heads
