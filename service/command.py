"""The operator's command `winnow-server`: starts the service or its parts, and looks after them."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.settings import Settings
from service import housekeeping
from service.listening import refuse_public
from ticketing.errors import WinnowError

app = typer.Typer(name="winnow-server", help=__doc__, no_args_is_help=True, add_completion=False)

Home = Annotated[Path | None, typer.Option(help="Folder that everything is kept in [env: WINNOW_HOME].")]
Host = Annotated[str | None, typer.Option(help="Loopback address to listen on [env: WINNOW_HOST].")]
Port = Annotated[int | None, typer.Option(help="0 picks a free one [env: WINNOW_PORT].")]
Slots = Annotated[str, typer.Option(help="auto, none, or e.g. cpu=2,inspect=1.")]
Child = Annotated[str | None, typer.Option(hidden=True, help="Command of the slots' children, as a JSON list.")]
ReadyFile = Annotated[Path | None, typer.Option(help="Gets the address as JSON when requests are answered.")]


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
    refuse_public(settings.host)
    from service import running  # loads FastAPI and uvicorn, which the other commands do not need

    running.up(settings, slots=slots, ready_file=ready_file, child=child)


@app.command()
def api(home: Home = None, host: Host = None, port: Port = None, ready_file: ReadyFile = None) -> None:
    """Run the API and the pages alone; Redis and workers run elsewhere."""
    settings = _settings(home=home, host=host, port=port)
    refuse_public(settings.host)
    from service import running

    running.api(settings, ready_file=ready_file)


@app.command()
def worker(home: Home = None, slots: Slots = "auto") -> None:
    """Run slots alone, until Ctrl-C or SIGTERM; jobs that run then are saved and given back."""
    housekeeping.work(_settings(home=home), slots=slots)


@app.command()
def migrate(home: Home = None) -> None:
    """Bring the database to the newest schema."""
    housekeeping.migrate(_settings(home=home))


@app.command()
def status(home: Home = None) -> None:
    """Say how many jobs are in which state, and which slots live."""
    typer.echo("\n".join(housekeeping.status(_settings(home=home))))


@app.command()
def doctor(home: Home = None) -> None:
    """Check this machine: SQLite, Redis, sandbox, disk. Exit status 1 when something is wrong."""
    findings = housekeeping.doctor(_settings(home=home))
    for finding in findings:
        typer.echo(f"{'ok   ' if finding.well else 'WRONG'} {finding.what}: {finding.detail}")
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)


def main() -> None:
    """Run the command; what is refused is said on one line, with exit status 2."""
    try:
        app()
    except WinnowError as error:
        typer.echo(f"winnow-server: {error}", err=True)
        sys.exit(2)


def _settings(**given: Any) -> Settings:
    """Read the settings, with options before environment variables."""
    return Settings(**{name: value for name, value in given.items() if value is not None})
