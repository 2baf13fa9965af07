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
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = conn
    revisions = ScriptDirectory.from_config(config)
    known = {script.revision for script in revisions.walk_revisions()}
    heads = MigrationContext.configure(conn).get_current_heads()
    strange = sorted(set(heads) - known)
    if strange:
        raise SchemaError(
            f"expected a database at revision {revisions.get_current_head()} or before, got {', '.join(strange)}: "
            "it was made by a newer winnow; use that one"
        )
    if set(heads) != set(revisions.get_heads()):
        command.upgrade(config, "head")
