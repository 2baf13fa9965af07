"""A plan as a table of its levels and a line of what it costs; knows no HTTP and no terminal."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table

from winnow.capacity_tables import width_plan
from winnow.errors import Json


def _ladder_plan(plan: Json) -> Table:
    table = Table(title="plan")
    for name in ("level", "kept", "sparsity"):
        table.add_column(name, justify="right")
    for row in plan["ladder"]:
        table.add_row(str(row["level"]), f"{row['kept']:,}", f"{100 * row['sparsity']:.2f} %")
    return table


def _channel_plan(rows: Sequence[Json]) -> Table:
    table = Table(title="plan")
    for name in ("level", "channels removed", "channels kept"):
        table.add_column(name, justify="right")
    for row in rows:
        share, kept = row["channel_sparsity"], row.get("kept")
        removed = "" if share is None else f"{100 * share:.2f} %"
        table.add_row(str(row["level"]), removed, "" if kept is None else f"{kept:,}")
    return table


def _levels_plan(plan: Json) -> Table:
    """Lay out the levels of a plan: widths, channels of whichever search removes them, or entries."""
    if "widths" in plan:
        return width_plan(plan)
    channels = plan.get("watched") or (plan.get("channels") or {}).get("levels")
    return _channel_plan(channels) if channels else _ladder_plan(plan)


def plan_parts(answer: Json) -> Sequence[RenderableType]:
    """Lay out what validation answered: the levels and what they cost."""
    plan = answer.get("plan")
    if not plan:
        return [f"valid; the plan waits for {', '.join(answer.get('pending') or ['the service'])}"]
    table = _levels_plan(plan)
    seconds = plan.get("estimated_seconds", {}).get("cpu")
    bound = "at most " if plan.get("at_most") else ""
    cost = f"{bound}{plan['trainings']} trainings, {plan['updates']:,} updates, {plan['training_flops']:.3g} FLOPs"
    if least := plan.get("at_least"):
        cost = f"{cost}; {least['trainings']} trainings, {least['updates']:,} updates if the first look decides"
    if gradual := plan.get("gradual"):
        made = gradual["prunings"]
        cost = f"{cost}, pruned on the way ({len(made)} times, updates {made[0]['step']} to {made[-1]['step']})"
    if structure := plan.get("structure"):
        kept = ", ".join(str(kept) for kept in structure["kept_of_block"])
        cost = f"{cost}, {kept} of every {structure['block']} inputs"
    warnings = [f"warning {warning['code']}: {warning['detail']}" for warning in plan.get("warnings") or ()]
    return [table, cost + (f", about {seconds:g} s on one core" if seconds else ""), *warnings]
