"""`winnow download report verify`: what finished jobs made."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from winnow.client import DEFAULT_URL
from winnow.exits import Exit
from winnow.session import AsJson, JobId, Key, Url, open_session, usage_errors
from winnow.tables import report_parts
from winnow.transfer import verify_folder


def download(
    job: JobId,
    out: Annotated[Path, typer.Option("--out", help="Folder; what is in it already and matches is left alone.")],
    only: Annotated[list[str] | None, typer.Option("--only", help="This file alone, e.g. sparse.safetensors.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """Download what a job made, every file verified against its sha256."""
    with open_session(url, key, as_json) as session:
        try:
            files = session.client.download(job, out, names=only)
        except KeyError as error:
            raise typer.BadParameter(str(error.args[0]), param_hint="--only") from None
        why = "" if files else f": {job} is {session.client.show(job)['state']} and has made none"
        session.say({"folder": str(out), "files": [str(file) for file in files]}, f"{len(files)} files in {out}{why}")
    return Exit.DONE


def verify(folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)], as_json: AsJson = False) -> int:
    """Check a downloaded folder against its SHA256SUMS; asks no service."""
    with usage_errors():
        names = verify_folder(folder)
    typer.echo(json.dumps({"verified": names}, indent=2) if as_json else f"{len(names)} files match")
    return Exit.DONE


def report(
    job: JobId,
    form: Annotated[Literal["table", "html", "md"], typer.Option("--format", help="How to show it.")] = "table",
    out: Annotated[Path | None, typer.Option("--out", help="Write to this file instead of the terminal.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """Show the report of a finished job: the levels, and what the certificate says."""
    with open_session(url, key, as_json) as session:
        if form != "table" and not as_json:
            text = session.client.report_as(job, form)
            if out:
                out.write_text(text)
            else:
                typer.echo(text)
            return Exit.DONE
        found = session.client.report(job)
        if out:
            out.write_text(json.dumps(found, indent=2))
        else:
            session.say(found, *report_parts(found))
    return Exit.DONE
