"""A row of the job table as the API shows it; pure, reads no database and no clock."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping

from jobs import gates
from jobs.clock import rfc3339
from jobs.states import DONE, shown


def job_object(row: RowMapping, *, queue: Mapping[str, Any] | None, moment: float, base_url: str) -> dict[str, Any]:
    """Show a job as the API does (docs/jobs.md).

    Args:
        row: Of the job table.
        queue: Position and reason while it waits.
        moment: Now, by the database's clock; the duration of the state it is in runs on until then.
        base_url: Put in front of its urls, no slash at the end.
    """
    asked = {"cancel_requested": row["cancel_requested"] is not None}
    state = shown(row["state"], **asked, pause_requested=row["pause_requested"] is not None)
    return {
        "id": row["id"],
        "kind": row["kind"],
        "name": row["name"],
        "parent": row["parent_id"],
        "point": row["point"],
        "grid": None,
        "children": None,
        "origin": _origin(row["origin"]),
        "search": row["search"],
        "state": state,
        "done": state in DONE,
        "phase": row["phase"],
        "reason": row["reason"],
        "stop_reason": row["stop_reason"],
        "attempt": row["attempt"],
        "model": row["model_id"],
        "dataset": row["dataset_id"],
        "device": row["device"],
        "priority": row["priority"],
        "limits": {name: row[name] for name in ("max_queued_seconds", "max_running_seconds")},
        "not_before": rfc3339(row["not_before"]),
        "recipe": row["recipe"],
        "resolved_recipe": row["resolved_recipe"],
        "labels": row["labels"],
        "gates": row["gates"],
        "gate": row["gate"] or gates.pending(row["gates"]),
        "queue": queue,
        "progress": progress_object(row),
        "durations": _durations(row, moment),
        "best": row["best"],
        "verdict": (row["summary"] or {}).get("verdict"),
        "cost": _cost(row, moment),
        "error": row["error"],
        "warnings": row["warnings"],
        "created_at": rfc3339(row["created_at"]),
        "started_at": rfc3339(row["started_at"]),
        "finished_at": rfc3339(row["finished_at"]),
        "pause_expires_at": rfc3339(row["pause_expires_at"]),
        "expires_at": rfc3339(row["expires_at"]),
        "urls": _urls(row["id"], base_url),
    }


def progress_object(row: RowMapping) -> dict[str, Any]:
    """Show how far a job is; `row` has its `progress` and `state`."""
    known = row["progress"]
    seconds = known.get("seconds_remaining") if row["state"] == "running" else None
    eta = {"available": seconds is not None, "seconds_remaining": seconds, "scope": "job"}
    keys = ("level", "levels_total", "epoch", "epochs_total", "step", "steps_total", "replicate", "branch")
    return {"fraction": known.get("fraction", 0.0)} | {key: known.get(key) for key in keys} | {"eta": eta}


def _origin(made_from: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Show what a job was made from; how a run starts from it is between us and the worker."""
    return None if made_from is None else {key: made_from.get(key) for key in ("kind", "job", "level", "checkpoint")}


def _durations(row: RowMapping, moment: float) -> dict[str, float]:
    since = max(0.0, moment - row["state_since"])
    waited = row["queued_seconds"] + (since if row["state"] == "queued" else 0.0)
    ran = row["running_seconds"] + (since if row["state"] == "running" else 0.0)
    paused = row["paused_seconds"] + (since if row["state"] == "paused" else 0.0)
    return {"queued_s": round(waited, 3), "running_s": round(ran, 3), "paused_s": round(paused, 3)}


def _cost(row: RowMapping, moment: float) -> dict[str, Any]:
    device_seconds = _durations(row, moment)["running_s"]
    return {"estimated_flops": row["estimated_flops"], "used_flops": row["used_flops"], "device_s": device_seconds}


def _urls(job_id: str, base_url: str) -> dict[str, str]:
    itself = f"{base_url}/v1/jobs/{job_id}"
    return {
        "self": itself,
        "web": f"{base_url}/jobs/{job_id}",
        "events": f"{itself}/events",
        "cancel": f"{itself}:cancel",
        "report": f"{itself}/report",
        "bundle": f"{itself}/bundle",
    }
