"""The `winnow` command: which words it knows, and the exit code each error ends with."""

import importlib.metadata
import json
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from winnow.commands.compress import compress
from winnow.commands.grids import children, sweep
from winnow.commands.jobs import ls, show, submit, validate, wait
from winnow.commands.lifecycle import cancel, export, fork, pause, rerun, resume, rm
from winnow.commands.results import download, report, verify
from winnow.errors import ClientError, Json, ProblemError, WaitTimeoutError
from winnow.exits import Exit, exit_of_error
from winnow.terminal import console, plain

COMMANDS: tuple[Callable[..., int], ...] = (
    compress, submit, validate, wait, ls, show, cancel, pause, resume, rerun, export, fork, rm,
    sweep, children, download, report, verify,
)  # fmt: skip

app = typer.Typer(
    help="Send a model and a dataset, get back a winning ticket.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in COMMANDS:
    app.command()(command)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"winnow {importlib.metadata.version('winnow')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version, and nothing else."),
    ] = False,
) -> None:
    pass


def _tell(error: Exception, *, as_json: bool) -> None:
    detail = error.format_message() if isinstance(error, TyperException) else str(error)
    if as_json:
        document: Json = {"code": getattr(error, "code", "usage"), "detail": detail}
        if isinstance(error, ProblemError):
            document = error.problem or document
        if isinstance(error, WaitTimeoutError):
            document["job"] = error.job
        typer.echo(json.dumps({"error": document}, indent=2))
    else:
        console(to_errors=True).print("\n".join(map(plain, f"winnow: {detail}".splitlines())), markup=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; see `winnow.exits`."""
    typed = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    as_json = "--json" in typed
    try:
        return int(app(typed, standalone_mode=False) or Exit.DONE)
    except ClientError as error:
        _tell(error, as_json=as_json)
        return exit_of_error(error)
    except TyperException as error:
        _tell(error, as_json=as_json)
        return Exit.INVALID
