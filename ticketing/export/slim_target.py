"""What the report says of a target of the slim network: what was tried, and whether it is met; measures nothing."""

from collections.abc import Mapping
from typing import Any

from ticketing.recipe import SlimTarget


def slim_target_of(
    target: SlimTarget | None, found: Mapping[str, Any], *, multiply_adds: int, gain: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Tell how a target of the slim network was met and what the one handed out came to; None without such a target.

    Args:
        target: As it was asked for.
        found: The networks that were `tried`, and what else the search notes of them.
        multiply_adds: Of the network handed out.
        gain: As it was measured; None where it was not, and then nobody knows whether a target of time is met.
    """
    if target is None or target.of_slim is None:
        return None
    if target.runtime is None:
        came: dict[str, Any] = {"came": multiply_adds, "interval": None}
    else:
        came = _measured(target, gain)
    return {
        target.of_slim: getattr(target, target.of_slim),
        "runtime": target.runtime,
        "batch_size": target.batch_size,
        **found,
        **came,
        "met": None if came["came"] is None else _is_met(target, came["came"]),
    }


def _measured(target: SlimTarget, gain: Mapping[str, Any] | None) -> dict[str, Any]:
    sought = {"runtime": target.runtime, "batch_size": target.batch_size, "network": "slim"}
    rows = [row for row in (gain or {"latency": []})["latency"] if sought.items() <= row.items()]
    if not rows:
        return {"came": None, "interval": None}
    (row,) = rows
    if target.speedup is None:
        return {"came": row["p50"], "interval": None}
    return {"came": row["faster"], "interval": row["interval"]}


def _is_met(target: SlimTarget, came: float) -> bool:
    if target.speedup is not None:
        return came >= target.speedup
    most = target.max_macs if target.max_latency_ms is None else target.max_latency_ms
    assert most is not None
    return came <= most
