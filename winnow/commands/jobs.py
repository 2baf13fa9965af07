"""`winnow submit validate wait ls show`: jobs, sent and looked at."""

from typing import Annotated

import typer

from winnow.client import DEFAULT_URL
from winnow.exits import Exit
from winnow.session import (
    AsJson,
    Body,
    JobId,
    Key,
    Out,
    Timeout,
    Url,
    Wait,
    open_session,
    read_body,
    see_through,
    tell_plan,
    usage_errors,
)
from winnow.submission import pairs
from winnow.tables import job_table, jobs_table


def submit(
    file: Body,
    wait: Wait = False,
    timeout: Timeout = None,
    out: Out = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """Submit a job as JSON."""
    body = read_body(file)
    with open_session(url, key, as_json) as session:
        return see_through(session, session.client.submit(body), wait=wait, timeout=timeout, out=out)


def validate(file: Body, url: Url = DEFAULT_URL, key: Key = None, as_json: AsJson = False) -> int:
    """Ask whether a submission would be accepted, and what it would cost; nothing is queued."""
    body = read_body(file)
    with open_session(url, key, as_json) as session:
        return tell_plan(session, body)


def wait(
    job: JobId,
    timeout: Timeout = None,
    out: Out = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """Wait until a job is done; the exit code says how it ended."""
    with open_session(url, key, as_json) as session:
        return see_through(session, session.client.show(job), wait=True, timeout=timeout, out=out)


def ls(
    state: Annotated[str | None, typer.Option(help="Only jobs in this state.")] = None,
    search: Annotated[str | None, typer.Option(help="Only jobs of this search.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="Only jobs with this label: git_sha=9f3c2ab.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50,
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """List jobs, newest first."""
    with usage_errors():
        filters = {f"label.{name}": str(value) for name, value in pairs(label or ()).items()}
    with open_session(url, key, as_json) as session:
        found = session.client.list(state=state, search=search, page_size=min(limit, 200), **filters)
        jobs = [job for _, job in zip(range(limit), found, strict=False)]
        session.say({"items": jobs}, jobs_table(jobs))
    return Exit.DONE


def show(job: JobId, url: Url = DEFAULT_URL, key: Key = None, as_json: AsJson = False) -> int:
    """Show a job as it is now."""
    with open_session(url, key, as_json) as session:
        found = session.client.show(job)
        session.say(found, job_table(found))
    return Exit.DONE
