"""What the report says of a target of the slim network: what was tried, and whether it is met; measures nothing."""

from collections.abc import Mapping
from typing import Any

from ticketing.export.ticket_files import size_of
from ticketing.journal.structure import WIDTHS, kept_in
from ticketing.journal.workbench import Workbench
from ticketing.mask import Mask
from ticketing.recipe import Target


def slim_target_of(bench: Workbench, delivered: Mask, *, gain: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Tell how the widths of the last level were found and what the network handed out came to; None without a target.

    Args:
        bench: Of the finished run.
        delivered: Mask of the network handed out.
        gain: As it was measured; None where it was not, and then nobody knows whether a target of time is met.
    """
    target = bench.recipe.target
    if target is None or target.of_slim is None:
        return None
    if target.runtime is None:
        came = {"came": size_of(bench, kept_in(bench, delivered))["multiply_adds"], "interval": None}
    else:
        came = _measured(target, gain)
    return {
        target.of_slim: getattr(target, target.of_slim),
        "runtime": target.runtime,
        "batch_size": target.batch_size,
        **bench.journal.facts[WIDTHS],
        **came,
        "met": None if came["came"] is None else _is_met(target, came["came"]),
    }


def _measured(target: Target, gain: Mapping[str, Any] | None) -> dict[str, Any]:
    sought = {"runtime": target.runtime, "batch_size": target.batch_size, "network": "slim"}
    rows = [row for row in (gain or {"latency": []})["latency"] if sought.items() <= row.items()]
    if not rows:
        return {"came": None, "interval": None}
    (row,) = rows
    if target.speedup is None:
        return {"came": row["p50"], "interval": None}
    return {"came": row["faster"], "interval": row["interval"]}


def _is_met(target: Target, came: float) -> bool:
    if target.speedup is not None:
        return came >= target.speedup
    most = target.max_macs if target.max_latency_ms is None else target.max_latency_ms
    assert most is not None
    return came <= most
