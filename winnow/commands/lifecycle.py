"""`winnow cancel pause resume rerun export fork rm`: what is done to jobs that are there."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from winnow.client import DEFAULT_URL
from winnow.errors import Json
from winnow.exits import Exit
from winnow.session import (
    AsJson,
    JobId,
    Key,
    Out,
    Session,
    Timeout,
    Url,
    Wait,
    open_session,
    see_through,
    usage_errors,
)
from winnow.submission import overrides_of, pairs

Ids = Annotated[list[str], typer.Argument(metavar="JOB...", help="Their ids, job_...")]


def cancel(
    job: JobId,
    keep: Annotated[Literal["levels", "none"], typer.Option(help="What stays: its levels, or its record.")] = "levels",
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """Ask that a job stop for good; of a grid, every point."""
    with open_session(url, key, as_json) as session:
        return _told(session, session.client.cancel(job, keep=keep))


def pause(job: JobId, url: Url = DEFAULT_URL, key: Key = None, as_json: AsJson = False) -> int:
    """Ask that a job save and leave its device."""
    with open_session(url, key, as_json) as session:
        return _told(session, session.client.pause(job))


def resume(job: JobId, url: Url = DEFAULT_URL, key: Key = None, as_json: AsJson = False) -> int:
    """Put a paused job back into the queue; it goes on from where it stopped."""
    with open_session(url, key, as_json) as session:
        return _told(session, session.client.resume(job))


def rerun(
    job: JobId,
    start: Annotated[
        Literal["checkpoint", "scratch"], typer.Option("--from", help="Its last checkpoint, or the beginning.")
    ] = "checkpoint",
    wait: Wait = False,
    timeout: Timeout = None,
    out: Out = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """Do again, as a new job, what a job did that is done."""
    with open_session(url, key, as_json) as session:
        made = session.client.rerun(job, start=start)
        return see_through(session, made, wait=wait, timeout=timeout, out=out)


def export(
    job: JobId,
    target: Annotated[
        Literal["onnx", "pt2", "safetensors", "sparse", "hf"], typer.Option("--target", help="The kind of file.")
    ] = "onnx",
    wait: Wait = False,
    timeout: Timeout = None,
    out: Out = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """Write another file of the ticket that a job ended with, as a new job that trains nothing."""
    with open_session(url, key, as_json) as session:
        made = session.client.export(job, target=target)
        return see_through(session, made, wait=wait, timeout=timeout, out=out)


def fork(
    job: JobId,
    from_level: Annotated[int, typer.Option("--from-level", min=1, help="The first level that is trained anew.")],
    sparsity: Annotated[float | None, typer.Option(help="Another sparsity to end at.")] = None,
    levels: Annotated[int | None, typer.Option(help="Another number of levels, those taken over included.")] = None,
    evidence: Annotated[str | None, typer.Option(help="none, quick, standard or paper.")] = None,
    recipe: Annotated[Path | None, typer.Option(exists=True, help="Fields as JSON, under all options.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A field: training.length=20ep.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the new job; the first one's where it is left out.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="git_sha=9f3c2ab, instead of the first one's.")] = None,
    wait: Wait = False,
    timeout: Timeout = None,
    out: Out = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """Begin a new job at a level of another one, under a changed recipe."""
    with usage_errors():
        base = json.loads(recipe.read_text()) if recipe else {}
        asked = overrides_of(base, sparsity=sparsity, levels=levels, evidence=evidence, settings=settings or ())
        fields: Json = {"name": name} if name else {}
        if label:
            fields["labels"] = {key: str(value) for key, value in pairs(label).items()}
    with open_session(url, key, as_json) as session:
        made = session.client.fork(job, from_level=from_level, recipe=asked, **fields)
        return see_through(session, made, wait=wait, timeout=timeout, out=out)


def rm(jobs: Ids, url: Url = DEFAULT_URL, key: Key = None, as_json: AsJson = False) -> int:
    """Delete jobs that are done, with all they made; a grid with its points."""
    with open_session(url, key, as_json) as session:
        for job in jobs:
            session.client.delete(job)
        session.say({"deleted": jobs}, *(f"{job} deleted" for job in jobs))
    return Exit.DONE


def _told(session: Session, answer: Json) -> int:
    until = f" until {answer['pause_expires_at']}" if answer.get("pause_expires_at") else ""
    session.say(answer, f"{answer['id']} {answer['state']}{until}")
    return Exit.DONE
