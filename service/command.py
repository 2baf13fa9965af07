"""The operator's command `winnow-server`: starts the service or its parts, and looks after them."""

import importlib.metadata
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.retrying import AWAY
from jobs.settings import Settings
from service.operating import draining, housekeeping, key_commands, safekeeping
from ticketing.errors import WinnowError

app = typer.Typer(name="winnow-server", help=__doc__, no_args_is_help=True, add_completion=False)
app.add_typer(key_commands.app, name="keys")

Home = Annotated[Path | None, typer.Option(help="Folder that everything is kept in [env: WINNOW_HOME].")]
Host = Annotated[str | None, typer.Option(help="Where to listen; any but loopback needs a key [env: WINNOW_HOST].")]
Port = Annotated[int | None, typer.Option(help="0 picks a free one [env: WINNOW_PORT].")]
Slots = Annotated[str, typer.Option(help="auto, none, or e.g. cpu=2,inspect=1; cpu=2x4: of 4 threads each.")]
Child = Annotated[str | None, typer.Option(hidden=True, help="Command of the slots' children, as a JSON list.")]
BackupFolder = Annotated[Path, typer.Argument(help="Folder of the backup.")]
ReadyFile = Annotated[Path | None, typer.Option(help="Gets the address as JSON when requests are answered.")]


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"winnow-server {importlib.metadata.version('winnow')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version, and nothing else."),
    ] = False,
) -> None:
    pass


@app.command()
def up(
    home: Home = None,
    host: Host = None,
    port: Port = None,
    slots: Slots = "auto",
    ready_file: ReadyFile = None,
    child: Child = None,
) -> None:
    """Run everything on this machine: Redis, database, API, pages and slots, until Ctrl-C or SIGTERM."""
    settings = _settings(home=home, host=host, port=port)
    from service.operating import running  # loads FastAPI and uvicorn, which the other commands do not need

    running.up(settings, slots=slots, ready_file=ready_file, child=child)


@app.command()
def api(home: Home = None, host: Host = None, port: Port = None, ready_file: ReadyFile = None) -> None:
    """Run the API and the pages alone; Redis and workers run elsewhere."""
    settings = _settings(home=home, host=host, port=port)
    from service.operating import running

    running.api(settings, ready_file=ready_file)


@app.command()
def worker(home: Home = None, slots: Slots = "auto") -> None:
    """Run slots alone, until Ctrl-C or SIGTERM; jobs that run then are saved and given back."""
    housekeeping.work(_settings(home=home), slots=slots)


@app.command()
def drain(
    home: Home = None,
    slot: Annotated[str | None, typer.Option(help="One slot alone, by the id that status shows.")] = None,
    host: Annotated[str | None, typer.Option(help="Those of one machine; absent: of this one.")] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait until none of them is on a job.")] = 120.0,
) -> None:
    """Have slots give their jobs back and take nothing new until they are started anew. Exit status 1: not in time."""
    where = socket.gethostname() if slot is None and host is None else host
    if not draining.drain(_settings(home=home), slot_id=slot, host=where, wait_seconds=wait, say=typer.echo):
        raise typer.Exit(1)


@app.command()
def migrate(home: Home = None) -> None:
    """Bring the database to the newest schema."""
    housekeeping.migrate(_settings(home=home))


@app.command()
def status(
    home: Home = None,
    here: Annotated[bool, typer.Option("--here", help="Exit status 1 unless a slot of this machine lives.")] = False,
) -> None:
    """Say how many jobs are in which state, and which slots live."""
    settings = _settings(home=home)
    typer.echo("\n".join(housekeeping.status(settings)))
    if here and not housekeeping.lives_on(settings, socket.gethostname()):
        raise typer.Exit(1)


@app.command()
def requeue(job: Annotated[str, typer.Argument(help="Its id, job_...", metavar="JOB")], home: Home = None) -> None:
    """Take a running job from its worker and put it back into the queue; what the worker still sends is refused."""
    typer.echo(f"{job} is {housekeeping.requeue(_settings(home=home), job)}")


@app.command()
def doctor(home: Home = None) -> None:
    """Check sandbox, devices, database, Redis, blobs and disk. Exit status 1 when something is wrong."""
    from service.operating.doctor import look_over  # loads what the other commands do not need

    findings = look_over(_settings(home=home))
    for finding in findings:
        typer.echo(f"{'ok   ' if finding.well else 'WRONG'} {finding.what}: {finding.detail}")
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)


@app.command()
def gc(
    home: Home = None, dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and delete nothing.")] = False
) -> None:
    """Delete the bytes that nothing names any more; safe beside a running service."""
    typer.echo(safekeeping.collect_forgotten(_settings(home=home), dry_run=dry_run))


@app.command()
def backup(folder: BackupFolder, home: Home = None) -> None:
    """Copy rows and bytes into a new folder, while the service goes on. Exit status 1 when bytes were lost before."""
    made = safekeeping.make_backup(_settings(home=home), folder)
    typer.echo(f"{sum(table.rows for table in made.tables.values())} rows, {made.blobs} blobs of {made.bytes} bytes")
    if made.lost:
        typer.echo(f"the store had lost {len(made.lost)} blobs that are named; {folder}/backup.json lists them")
        raise typer.Exit(1)


@app.command()
def restore(folder: BackupFolder, home: Home = None) -> None:
    """Put a backup into an empty home or database; the service is stopped."""
    made = safekeeping.restore_backup(_settings(home=home), folder)
    typer.echo(f"{sum(table.rows for table in made.tables.values())} rows, {made.blobs} blobs of {made.bytes} bytes")


def main() -> None:
    """Run the command; what is refused is said on one line, with exit status 2."""
    try:
        app()
    except WinnowError as error:
        typer.echo(f"winnow-server: {error}", err=True)
        sys.exit(2)
    except AWAY as error:
        typer.echo(f"winnow-server: the database does not answer ({type(error).__name__})", err=True)
        sys.exit(2)


def _settings(**given: Any) -> Settings:
    """Read the settings, with options before environment variables."""
    return Settings(**{name: value for name, value in given.items() if value is not None})
