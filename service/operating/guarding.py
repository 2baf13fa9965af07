"""Whether a service may start where it is to listen: everyone may come to an open house, if nobody comes from afar."""

from jobs.access.keys import any_key
from jobs.database import Database
from jobs.settings import Settings
from service.operating.listening import refuse_unguarded


def refuse_unused_in_public(settings: Settings) -> None:
    """Refuse an address that others can reach when there cannot be a key yet; looks, and makes nothing.

    Raises:
        RefusedError: The home was never used, and the address is not a loopback one.
    """
    used = settings.database_url is not None or settings.paths.database.exists()
    refuse_unguarded(settings.host, any_key=used)


def guarded(settings: Settings) -> str:
    """Say who may enter, for the lines at start. The database is migrated already.

    Raises:
        RefusedError: Everyone, and not from this machine alone.
    """
    database = Database.open(settings.database)
    try:
        with database.read() as conn:
            exists = any_key(conn)
    finally:
        database.close()
    refuse_unguarded(settings.host, any_key=exists)
    if exists:
        return "keys: needed (`winnow-server keys list` shows them)"
    return "keys: none yet, so that everyone on this machine may do everything (`winnow-server keys create` makes one)"
