"""Whose job is asked for what, and whether its state allows that; a grid is asked together with its children."""

from sqlalchemy import Connection, RowMapping, select

from jobs import trees
from jobs.errors import InvalidTransitionError, NotFoundError
from jobs.states import TRANSITIONS, Verb, allowed, shown
from jobs.tables import job


def locked(conn: Connection, *, job_id: str, tenant: str | None = None) -> RowMapping:
    """Give a job, locked until the transaction ends; without a tenant it may be an inspection too.

    The open children of a grid are locked before the grid, as by whoever ends a child.

    Raises:
        NotFoundError: This tenant has no such job.
    """
    mine = job.c.id == job_id
    if tenant is not None:
        mine = mine & (job.c.tenant == tenant) & job.c.kind.in_(("search", "grid"))
    kind = conn.execute(select(job.c.kind).where(mine)).scalar_one_or_none()
    if kind == "grid":
        trees.open_children(conn, job_id)
    row = conn.execute(select(job).where(mine).with_for_update()).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"expected the id of a job, got {job_id[:80]!r}, and there is none")
    return row


def state_of(row: RowMapping) -> str:
    """Give the state a job is shown in; a grid whose children were told to end ends with them."""
    if row["kind"] == "grid" and row["state"] == "queued" and row["cancel_requested"] is not None:
        return "cancelling"
    asked = {"cancel_requested": row["cancel_requested"] is not None}
    return shown(row["state"], **asked, pause_requested=row["pause_requested"] is not None)


def must_allow(row: RowMapping, verb: Verb) -> str:
    """Give the state a job is shown in, if that state allows a verb.

    Raises:
        InvalidTransitionError: It does not.
    """
    state = state_of(row)
    if (state, verb) not in TRANSITIONS:
        raise InvalidTransitionError(verb, state, allowed(state))
    return state


def allows(row: RowMapping, verb: Verb) -> bool:
    """Say whether a job's state allows a verb."""
    return (state_of(row), verb) in TRANSITIONS
