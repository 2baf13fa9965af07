"""`winnow-server keys`: makes, lists, replaces and ends API keys; works beside a running service and without one."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from jobs.access import keys
from jobs.clock import rfc3339
from jobs.database import Database
from jobs.settings import Settings
from service.operating import housekeeping
from service.operating.listening import RefusedError

app = typer.Typer(help="API keys: who may enter, and what each may do.", no_args_is_help=True)

Home = Annotated[Path | None, typer.Option(help="Folder that everything is kept in [env: WINNOW_HOME].")]
KeyId = Annotated[str, typer.Argument(metavar="KEY", help="Its id, key_... (no secret).")]
Out = Annotated[Path | None, typer.Option(help="File for the secret, readable by its owner alone, instead of stdout.")]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?P<number>[0-9]{1,9})(?P<unit>[smhd])")


def _seconds(text: str) -> float:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"expected a number with s, m, h or d, such as 90d, got {text!r}")
    return int(found["number"]) * float(_UNITS[found["unit"]])


Expires = Annotated[
    float | None, typer.Option(parser=_seconds, metavar="90d", help="How long it is valid; absent: until revoked.")
]
Overlap = Annotated[float, typer.Option(parser=_seconds, metavar="24h", help="How long the old one stays valid.")]


@app.command()
def create(
    tenant: Annotated[str, typer.Option(help="Whose jobs, models and bytes it reaches.")],
    scope: Annotated[keys.Scope, typer.Option(help="read looks; submit also changes; admin also sees the house.")],
    expires: Expires = None,
    name: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    out: Out = None,
    unless_any: Annotated[bool, typer.Option(help="Do nothing when there is a key already.")] = False,
    home: Home = None,
) -> None:
    """Make a key and print its secret, this once. The first key closes a service that was open."""
    with _writing(home) as conn:
        if unless_any and keys.any_key(conn):
            typer.echo("there is a key already: none was made", err=True)
            return
        _hand_over(keys.create(conn, tenant=tenant, scope=scope, name=name, expires_seconds=expires), out)


@app.command("list")
def list_(tenant: Annotated[str | None, typer.Option(help="Of this one alone.")] = None, home: Home = None) -> None:
    """List the keys, the oldest first: never a secret, only what it begins with."""
    with _writing(home) as conn:
        found = keys.listed(conn, tenant=tenant)
    for key in found:
        words = [key.id, f"{key.hint}…", key.tenant, key.scopes[-1], key.state]
        words += [f"until {rfc3339(key.expires_at)}" if key.expires_at else "until it is revoked"]
        words += [f"last used {rfc3339(key.used_at)}" if key.used_at else "never used"]
        words += [f"replaced by {key.replaced_by}"] if key.replaced_by else []
        words += [f"({key.name})"] if key.name else []
        typer.echo("  ".join(words))
    if not found:
        typer.echo("no keys")


@app.command()
def rotate(key: KeyId, overlap: Overlap = "24h", expires: Expires = None, out: Out = None, home: Home = None) -> None:  # type: ignore[assignment]
    """Make a key that takes another's place; both are valid for a while."""
    with _writing(home) as conn:
        _hand_over(keys.rotate(conn, key, overlap_seconds=overlap, expires_seconds=expires), out)


@app.command()
def revoke(key: KeyId, home: Home = None) -> None:
    """End a key now, with every login and every stream it opened."""
    with _writing(home) as conn:
        ended = keys.revoke(conn, key)
    typer.echo(f"{ended.id} of {ended.tenant} is {ended.state}")


@contextmanager
def _writing(home: Path | None) -> Iterator[Connection]:
    """Open a transaction on the database of a home; one that was never used is made ready first."""
    settings = Settings() if home is None else Settings(home=home)
    housekeeping.migrate(settings)
    database = Database.open(settings.database)
    try:
        with database.write() as conn:
            yield conn
    finally:
        database.close()


def _hand_over(new: keys.NewKey, out: Path | None) -> None:
    """Give a secret to whoever asked for it, and to nobody else; what cannot be handed over is not made."""
    if out is None:
        typer.echo(new.secret)
    else:
        try:
            with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(f"{new.secret}\n")
        except OSError as error:
            raise RefusedError(f"expected to write a new file {out}, got: {error.strerror}") from None
    typer.echo(f"{new.id}: keep its secret, it is not shown again", err=True)
