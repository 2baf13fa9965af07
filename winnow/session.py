"""What the commands share: the service, where to write, the options all have, and seeing a job through."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from winnow.client import Client
from winnow.errors import Json
from winnow.exits import Exit, exit_of_job
from winnow.plan_tables import plan_parts
from winnow.progress import JobProgress
from winnow.tables import job_table
from winnow.terminal import console

Url = Annotated[str, typer.Option("--url", envvar="WINNOW_URL", help="Where the service is.")]
Key = Annotated[
    str | None, typer.Option("--key", envvar="WINNOW_KEY", help="Sent as a bearer token.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the job is done.")]
Timeout = Annotated[float | None, typer.Option("--timeout", min=0, help="Seconds to wait at most; the job goes on.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder for what the job makes; waits for it.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="Its id, job_...")]
Body = Annotated[str, typer.Argument(metavar="FILE", help="A submission as JSON; - reads standard input.")]


@dataclass(frozen=True)
class Session:
    """What every command has: the service, and where to write."""

    client: Client
    as_json: bool
    out: Console
    err: Console

    def say(self, document: Any, *lines: Any) -> None:
        """Print the document with `--json`, else the lines."""
        if self.as_json:
            typer.echo(json.dumps(document, indent=2))
            return
        for line in lines:
            self.out.print(line, markup=False)


@contextmanager
def open_session(url: str, key: str | None, as_json: bool) -> Iterator[Session]:
    """Open a client for the length of one command."""
    with Client(url, key) as client:
        yield Session(client, as_json, console(), console(to_errors=True))


def see_through(session: Session, job: Json, *, wait: bool, timeout: float | None, out: Path | None) -> int:
    """Wait if that was asked, bring what was made, print the job, and give the exit code."""
    if not wait and out is None:
        session.say(job, job_table(job))
        return Exit.DONE
    try:
        with JobProgress(session.err) as progress:
            job = session.client.wait(job["id"], timeout_seconds=timeout, on_change=progress)
    except KeyboardInterrupt:
        session.err.print(f"stopped waiting; the job goes on: {job['id']}", markup=False)
        return Exit.INTERRUPTED
    if out is not None and job["state"] == "succeeded":
        files = session.client.download(job["id"], out)
        session.err.print(f"{len(files)} files in {out}", markup=False)
    session.say(job, job_table(job))
    return exit_of_job(job)


def tell_plan(session: Session, body: Json) -> int:
    """Ask what a submission would cost, print it, and give the exit code; nothing is queued."""
    answer = session.client.validate(body)
    session.say(answer, *plan_parts(answer))
    return Exit.DONE


def read_body(file: str) -> Json:
    """Read a submission from a file, or from standard input where it is `-`."""
    with usage_errors():
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
        body = json.loads(text)
        if not isinstance(body, dict):
            raise ValueError(f"expected a JSON object in {file}, got {type(body).__name__}")
        return body


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn what was typed wrongly into a usage error: exit 2, no traceback."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from None
