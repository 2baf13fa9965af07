"""What a report says in plain sentences, for the page and the card alike; knows no markup."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from ticketing.certificate.words import AS_DENSE
from ticketing.recipe import Control

Report = Mapping[str, Any]
BRANCHES = ("ticket", "dense", *get_args(Control))
"""What may be taken to the test split, in the order in which it is shown."""


def tested(levels: Sequence[Mapping[str, Any]]) -> list[str]:
    """List what was taken to the test split at any level."""
    return [branch for branch in BRANCHES if any((row.get("test") or {}).get(branch) for row in levels)]


def percent(value: float, decimals: int = 1) -> str:
    """Write a fraction as a percentage."""
    return f"{100 * value:.{decimals}f} %"


def points(value: float) -> str:
    """Write a difference of two fractions in percentage points, with its sign."""
    return f"{100 * value:+.2f}".replace("-", "\N{MINUS SIGN}")


def interval(bounds: tuple[float, float] | list[float] | None) -> str:
    """Write an interval in percentage points; a dash where there is none."""
    return "\N{EN DASH}" if bounds is None else f"{points(bounds[0])} to {points(bounds[1])}"


def judged_by(comparison: Mapping[str, Any]) -> tuple[float, float] | None:
    """Give the bounds an outcome was judged by: those on which the t interval and the bootstrap agree."""
    found = [bounds for bounds in (comparison["interval"], comparison["bootstrap"]) if bounds]
    return (min(low for low, _ in found), max(high for _, high in found)) if found else None


def delivered_level(report: Report) -> Mapping[str, Any]:
    """Give the row of the level that was handed out."""
    chosen = report["search"]["delivered_level"]
    return next(row for row in report["levels"] if row["level"] == chosen)


def answer(report: Report) -> str:
    """Name what is right or wrong, one at a time: an example, or a token of a text."""
    return "token" if report["dataset"].get("task") == "next_token" else "example"


def verdict(report: Report) -> str:
    """Give the one word; `none` where no evidence was asked for."""
    certificate = report.get("certificate")
    return certificate["verdict"] if certificate else "none"


def verdict_sentence(report: Report) -> str:
    """Say what was shown, on how many replicates, and what was not."""
    sparsity, certificate = delivered_level(report)["sparsity"], report.get("certificate")
    if certificate:
        return certificate_sentence(certificate, sparsity=sparsity, tolerance=certificate["tolerance"])
    ticket = f"The ticket at {percent(sparsity)} sparsity"
    return f"{ticket} was handed out without evidence: no replicates were asked for, so nothing is claimed."


def certificate_sentence(certificate: Mapping[str, Any], *, sparsity: float, tolerance: float) -> str:
    """Say what a certificate shows of a ticket; both numbers are fractions."""
    ticket, tolerance = f"The ticket at {percent(sparsity)} sparsity", 100 * tolerance
    n = certificate["n"]
    dense = certificate["against"]["dense"]
    to_beat = [name for name in certificate["against"] if name != "dense" and name not in AS_DENSE]
    if certificate["verdict"] == "winning":
        same = _list(["the dense network", *(name for name in certificate["against"] if name in AS_DENSE)])
        return f"{ticket} matches {same} within {tolerance:g} points and beats {_list(to_beat)} (n = {n})."
    if certificate["verdict"] == "matching":
        but = _but(to_beat, certificate["not_beaten"])
        return f"{ticket} matches the dense network within {tolerance:g} points (n = {n}), but {but}."
    if certificate["verdict"] == "losing":
        return f"{ticket} is worse than the dense network by more than {tolerance:g} points (n = {n})."
    if n < 3:
        return f"{ticket} cannot be judged on n = {n}: a verdict needs three replicates or more."
    return (
        f"{ticket} is undecided on n = {n} replicates: its difference from the dense network lies between "
        f"{interval(judged_by(dense))} points, and the tolerance is {tolerance:g} points."
    )


def _but(to_beat: list[str], not_beaten: list[str]) -> str:
    """Say what keeps a ticket that matches dense from winning."""
    found = [
        f"{_list(names)} not {short_of}"
        for short_of, names in (
            ("beaten", [name for name in not_beaten if name not in AS_DENSE]),
            ("matched", [name for name in not_beaten if name in AS_DENSE]),
        )
        if names
    ]
    return ", ".join(found if to_beat else [*found, "no control was run that it could beat"])


def regime_sentence(report: Report) -> str:
    """Say at which level the network stops fitting its train split, and on which side the delivered one is.

    Nothing where no level was trained densely to its end.
    """
    found = report["regime"]
    if found is None:
        return ""
    bound, delivered, critical = percent(found["interpolating_error"]), found["delivered"], found["critical_levels"]
    dense = found["levels"][0]
    if critical:
        named = f"level {critical[0]}" if len(critical) == 1 else f"levels {critical[0]} and {critical[1]}"
        where = f"At {named} the network stops fitting its train split (train error above {bound}): the critical regime"
    elif dense["regime"] == "interpolating":
        where = f"Every level fits its train split (train error at most {bound})"
    else:
        where = f"Not even the dense network fits its train split (train error {percent(dense['train_error'], 2)})"
    return f"{where}. The level handed out is {delivered}."


def gradual_sentence(report: Report) -> str | None:
    """Say what a network is that was pruned while it trained, and what the certificate speaks of; None elsewhere."""
    found = report["search"].get("gradual")
    if not found:
        return None
    made, rewind = found["prunings"], report["search"]["rewind"]
    first, last = made[0]["step"], made[-1]["step"]
    when = f"after update {last}" if len(made) == 1 else f"{len(made)} times from update {first} to {last}"
    speaks = "The certificate speaks of the ticket" if report.get("certificate") else "It is not the ticket"
    return (
        f"The network handed out was pruned while it trained, {when} of {found['updates']}: "
        f"{percent(found['test_accuracy'], 2)} on test (n = 1). {speaks}: the same entries, "
        f"restarted (rewind {rewind}) and trained under their mask from the first update on."
    )


def budget_sentence(report: Report) -> str | None:
    """Say what one search could cost and whether that ended it; None where nothing bounded it."""
    found = report["search"].get("budget")
    if not found:
        return None
    bounds = _list([f"{value:.15g} {name}" for name, value in found["asked"].items()])
    used = _list([f"{found['used'][name]:.6g} {name}" for name in found["asked"]])
    trained = f"{found['levels']} of {found['levels_asked']} pruned levels"
    ended = f"its {found['ended_by']} ended it after {trained}" if found["ended_by"] else "it was not used up"
    again = "" if found["repeatable"] else " Seconds are not repeatable: the same seed may end at another level."
    return f"A budget of {bounds} for one search: {ended}, {used} used. Evidence is not cut by it.{again}"


def start_sentence(report: Report) -> str | None:
    """Say of a fork whose levels it begins with and what it changed; None where nothing was taken over."""
    start = report["provenance"].get("start")
    if start is None:
        return None
    taken = "level 0 is" if start["level"] == 1 else f"levels 0 to {start['level'] - 1} are"
    changed = ", ".join(start["changed"]) or "nothing"
    return f"A fork of {start['job']} from level {start['level']}: {taken} its parent's. Changed: {changed}."


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


SPEED = (
    "Zeros in a dense layout make the stored file smaller; they do not make a matrix product faster on ordinary "
    "hardware. No speed was measured and none is claimed; for speed, channels have to be removed for good."
)


def mean_of(result: Mapping[str, Any] | None) -> str:
    """Write the mean accuracy of a branch at a level, with its n; a dash where it was not run."""
    return "\N{EN DASH}" if not result else f"{percent(result['mean'], 2)} (n = {result['n']})"


def number(value: Any) -> str:
    """Write a value for a table: whole numbers in groups of three, others with four significant digits."""
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or (value == int(value) and abs(value) < 1e15):
        return f"{int(value):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{value:.4g}"
