"""`winnow sweep children`: many jobs of one submission, and the list of them."""

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
    usage_errors,
)
from winnow.submission import pairs
from winnow.tables import children_table


def sweep(
    file: Body,
    over: Annotated[
        list[str] | None, typer.Option("--over", help="An axis and its values: /target/sparsity=[0.8, 0.9].")
    ] = None,
    max_parallel: Annotated[int | None, typer.Option(min=1, help="How many points run at the same time.")] = None,
    wait: Wait = False,
    timeout: Timeout = None,
    out: Out = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """Submit a grid as JSON: a job of every combination of values, gathered into one report."""
    body = read_body(file)
    with usage_errors():
        if axes := pairs(over or ()):
            body["grid"] = {**body.get("grid", {}), **axes}
    if max_parallel is not None:
        body["max_parallel"] = max_parallel
    with open_session(url, key, as_json) as session:
        return see_through(session, session.client.sweep(body), wait=wait, timeout=timeout, out=out)


def children(
    job: JobId,
    state: Annotated[str | None, typer.Option(help="Only points in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 1000,
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> int:
    """List the jobs of a grid, point by point."""
    with open_session(url, key, as_json) as session:
        found = session.client.children(job, state=state, page_size=min(limit, 200))
        jobs = [child for _, child in zip(range(limit), found, strict=False)]
        session.say({"items": jobs}, children_table(jobs))
    return Exit.DONE
