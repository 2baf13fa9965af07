"""What the report of a grid says in plain sentences, for the page and the card alike; knows no markup."""

from collections.abc import Mapping
from typing import Any

from ticketing.report.words import certificate_sentence, interval, percent, points

Report = Mapping[str, Any]


def axis_name(pointer: str) -> str:
    """Name an axis by the last field of its pointer, e.g. `sparsity` for /target/sparsity."""
    return pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~").replace("_", " ")


def value_of(value: Any) -> str:
    """Write a value of an axis."""
    if isinstance(value, list):
        return " + ".join(value_of(item) for item in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {value_of(item)}" for name, item in value.items())
    return str(value)


def point_of(point: Mapping[str, Any]) -> str:
    """Write a point, e.g. `seed 0, sparsity 0.9`."""
    return ", ".join(f"{axis_name(pointer)} {value_of(value)}" for pointer, value in point.items())


def title(report: Report) -> str:
    """Give the grid's name, or what it is of."""
    return report["job"].get("name") or f"{report['model']} on {report['dataset']}"


def outcome(report: Report) -> tuple[str, str]:
    """Give the one word and how it is shown: whether the gates were met, else whether every point succeeded."""
    counts, gate = report["counts"], report["gate"]
    if gate is not None:
        return ("gates met", "winning") if gate["outcome"] == "passed" else ("gates missed", "losing")
    whole = counts["succeeded"] == counts["total"]
    return (f"{counts['succeeded']} of {counts['total']} succeeded", "winning" if whole else "inconclusive")


def sentence(report: Report) -> str:
    """Say how many points succeeded, which is best, and how it was chosen."""
    counts, best = report["counts"], report["best"]
    lost = [f"{counts[state]} {state}" for state in ("failed", "cancelled") if counts[state]]
    said = f"{counts['succeeded']} of {counts['total']} points succeeded{''.join(f', {words}' for words in lost)}."
    if best is None:
        return f"{said} There is no ticket to compare."
    return (
        f"{said} The sparsest ticket within tolerance of its dense network on validation is at "
        f"{point_of(best['point'])}: {percent(best['sparsity'])} sparsity, "
        f"{points(best['delta_vs_dense'])} points against dense."
    )


def pooled_rows(report: Report) -> list[list[str]]:
    """List what was judged over seeds, a row for every network that a ticket was compared with."""
    return [
        [
            point_of(entry["point"]) or "all points",
            entry["certificate"]["verdict"],
            f"{entry['certificate']['n']} ({len(entry['jobs'])} seeds)",
            name,
            points(found["mean"]),
            interval(found["interval"]),
            interval(found["bootstrap"]),
            str(found["outcome"]).replace("_", " "),
        ]
        for entry in report.get("pooled", ())
        if entry["certificate"]
        for name, found in entry["certificate"]["against"].items()
    ]


POOLED_HEAD = ("point", "verdict", "n", "ticket minus", "mean", "95 % Student t", "95 % crossed bootstrap", "outcome")


def mean(figures: Mapping[str, Any] | None, *, decimals: int = 2) -> str:
    """Write a mean of fractions with its range; a dash where there is none."""
    if figures is None:
        return "\N{EN DASH}"
    if figures["n"] == 1 or figures["min"] == figures["max"]:
        return percent(figures["mean"], decimals)
    low, high = (f"{100 * figures[key]:.{decimals}f}" for key in ("min", "max"))
    return f"{percent(figures['mean'], decimals)} ({low} to {high})"


def pooled_sentence(entry: Mapping[str, Any]) -> str:
    """Say what jobs that differ in their seed alone show together, or why they are not judged together."""
    name, jobs, seeds = point_of(entry["point"]) or "all points", len(entry["jobs"]), len(entry["seeds"])
    if entry["refused"]:
        return f"{name}: no certificate over seeds: {entry['refused']}."
    found = certificate_sentence(entry["certificate"], sparsity=entry["sparsity"], tolerance=entry["tolerance"])
    made, begun = entry["certificate"]["n"], entry["initialisations"]
    return f"{name}: {found} {jobs} of {seeds} seeds, {made} replicates from {begun} initialisation{'s' * (begun > 1)}."


POOLED = (
    "Jobs that differ in their seed alone, judged by all their replicates together: paired differences in test "
    "accuracy (points) at the checkpoint of minimum validation loss. The first replicate of every job begins with the "
    "model's own weights."
)


CHOSEN_ON_VALIDATION = (
    "The best point is chosen on validation alone. Test figures of the other points are exploratory: whoever picks a "
    "point by its test accuracy has used the test split to choose, and its figure is then too good."
)
