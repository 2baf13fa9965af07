"""A grid as the API shows it: a job whose state, time and cost are those of its tree; pure, reads no database."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping

from jobs.states import DONE

Counted = Mapping[str, Mapping[str, float]]
"""Stored state of children -> how many, and the seconds they ran; `jobs.trees.counts` gives it."""


def grid_object(shown: Mapping[str, Any], row: RowMapping, counted: Counted, *, moment: float) -> dict[str, Any]:
    """Lay what is true of a whole grid over the object of its own row.

    Args:
        shown: As `job_object` shows the row.
        row: Of the job table.
        counted: Its children.
        moment: Now, by the database's clock.
    """
    state = state_of(row, counted)
    return {
        **shown,
        "state": state,
        "done": state in DONE,
        "queue": _queue(shown, state),
        "durations": _durations(row, moment),
        "cost": {**shown["cost"], "device_s": round(sum(of["seconds"] for of in counted.values()), 3)},
        "grid": {key: row["grid"][key] for key in ("axes", "max_parallel")},
        "children": children_object(row, counted),
    }


def children_object(row: RowMapping, counted: Counted) -> dict[str, Any]:
    """Say how many points a grid has, how many are open, and in which stored states they are."""
    by_state = {state: int(of["jobs"]) for state, of in sorted(counted.items())}
    return {"total": row["grid"]["points"], "open": row["children_open"], "by_state": by_state}


def state_of(row: RowMapping, counted: Counted) -> str:
    """Say in which state a grid is shown.

    It runs from the start of its first child until it has been gathered; told to stop, it is on its way there for as
    long as a child runs.
    """
    stored: str = row["state"]
    if stored in DONE:
        return stored
    if row["cancel_requested"] is not None:
        return "cancelling"
    if stored == "paused" and "running" in counted:
        return "pausing"
    if stored == "running" and row["pause_requested"] is not None:
        return "pausing"
    if stored == "queued" and row["started_at"] is not None:
        return "running"
    return stored


def _queue(shown: Mapping[str, Any], state: str) -> dict[str, Any] | None:
    """Say why none of its children has started; its place is theirs."""
    if state != "queued":
        return None
    return {"position": None, "reason": (shown["queue"] or {}).get("reason")}


def _durations(row: RowMapping, moment: float) -> dict[str, float]:
    """Say how long it waited for its first child, how long its tree took, and how long it was paused."""
    end = row["finished_at"] or moment
    paused = row["paused_seconds"] + (max(0.0, moment - row["state_since"]) if row["state"] == "paused" else 0.0)
    begun = row["started_at"] or end
    waited, ran = max(0.0, begun - row["created_at"]), max(0.0, end - begun)
    if row["started_at"] is None:
        waited = max(0.0, waited - paused)
    else:
        ran = max(0.0, ran - paused)
    return {"queued_s": round(waited, 3), "running_s": round(ran, 3), "paused_s": round(paused, 3)}
