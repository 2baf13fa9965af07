"""The levels a run's searches walk and walked, read off recipe and journal; trains nothing."""

from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

from ticketing.journal.results import Result
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench, Workbench
from ticketing.ladder.ways import COLLAPSED, Cut, Purse, Walked, Way, paid_by, sorted_out, through, to_drop
from ticketing.plans.plan import Plan
from ticketing.recipe import AnyRecipe, EarlyBird, Iterative


@dataclass(frozen=True)
class Walk:
    """What the first search walked: it decides the levels of all."""

    within: tuple[int, ...]
    """Levels that are part of the ticket's way, level 0 first; the last one is delivered."""
    beyond: tuple[int, ...] = ()
    """Candidates that lost more than the target allows."""

    @property
    def levels(self) -> tuple[int, ...]:
        """All of them, rising."""
        return tuple(sorted(self.within + self.beyond))

    def searches_at(self, level: int, searches: int) -> int:
        """Count the searches that trained a level: only the first looks beyond the target."""
        return 1 if level in self.beyond else searches


def allowed_drop(recipe: AnyRecipe) -> float | None:
    """Give the accuracy that the target allows to lose; None where the ladder is fixed beforehand."""
    target = recipe.target if isinstance(recipe, Iterative) else None
    return None if target is None else target.max_accuracy_drop


def way_of(bench: Workbench, replicate: int) -> Way:
    """Give a search's way: the fixed ladder, the way to an accuracy drop, or in later searches where the first led."""
    purse = purse_of(bench)
    if replicate and (allowed_drop(bench.recipe) is not None or purse is not None):
        return through(walk_of(bench).within)
    return paid_by(purse, _unpaid_way(bench))


def _unpaid_way(bench: Workbench) -> Way:
    drop, last = allowed_drop(bench.recipe), bench.plan.levels
    if drop is not None:
        return to_drop(drop, last=last)
    return through([*taken_over_levels(bench), *range(bench.start.level if bench.start else 0, last + 1)])


def purse_of(bench: Workbench) -> Purse | None:
    """Give what the budget lets a search train; None where it has none."""
    found = _budget(bench)
    return None if found is None else Purse(found["levels"], found["asked"].get("seconds"))


def ended_by(bench: Workbench) -> str | None:
    """Name the bound of the budget that ended the first search; None where its way ended by itself."""
    purse, found = purse_of(bench), _budget(bench)
    if purse is None or found is None:
        return None
    walked = _walked(bench)
    by: str | None = purse.empty_after(walked)
    if _unpaid_way(bench)(walked) is None:
        # A fixed ladder was cut by the plan; an accuracy drop that is found needs no more levels.
        by = "levels" if allowed_drop(bench.recipe) is None else None
    named: str | None = found["ended_by"]
    return named if by == "levels" else by


def warnings_of_end(bench: Workbench) -> list[dict[str, str]]:
    """Say that the budget ended the search, and where."""
    by, found = ended_by(bench), _budget(bench)
    if by is None or found is None:
        return []
    asked, pruned = f"{found['asked'][by]:.15g} {by}", f"{levels_paid(bench)} of {found['levels_asked']} pruned levels"
    detail = f"{asked} ended the search after {pruned}, at level {walk_of(bench).within[-1]}"
    return [{"code": "budget_ended_search", "detail": detail}]


def levels_paid(bench: Workbench) -> int:
    """Count the pruned levels that the first search trained; those a fork took over were paid by its parent."""
    taken_over = 0 if bench.start is None else bench.start.level - 1
    return sum(level > taken_over for level in walk_of(bench).levels)


def _budget(bench: Workbench) -> dict[str, Any] | None:
    return bench.plan.budget if isinstance(bench.plan, Plan) else None


def walked_at(bench: Workbench, where: Where, result: Result) -> Walked:
    """Say of a level that is trained what a way looks at."""
    inherited = where.piece in bench.journal.facts and bench.inherited(where)
    facts, beside = bench.journal.facts, f"search/{where.replicate}/child_"
    tries = sum(facts[p]["seconds"] for p in facts if p.startswith(beside) and p.endswith(f"/{where.level}"))
    return Walked(where.level, result.accuracy, 0.0 if inherited else result.seconds, tries, inherited)


def next_cut(bench: Workbench, replicate: int, way: Way, walked: list[Walked]) -> Cut | None:
    """Give the next level on a way; levels that are known to leave a layer nothing are added to `walked` as such."""
    while (cut := way(walked)) is not None and collapse(replicate, cut.level) in bench.journal.facts:
        walked.append(Walked(cut.level, COLLAPSED))
    return cut


def collapse(replicate: int, level: int) -> str:
    """Give the journal's name for the fact that a level of a search would leave a layer nothing."""
    return f"collapse/{replicate}/{level}"


def walk_of(bench: Bench[Any]) -> Walk:
    """Walk the first search's way again on the figures in the journal, to its end or to where they end."""
    if isinstance(bench.recipe, EarlyBird):
        return Walk(tuple(range(bench.levels_total + 1)))
    trained = [level for level in _walked(bench) if level.accuracy != COLLAPSED]
    within, beyond = sorted_out(trained, allowed_drop(bench.recipe))
    return Walk(tuple(within), tuple(beyond))


def _walked(bench: Workbench) -> list[Walked]:
    way, walked = way_of(bench, 0), list[Walked]()
    here: Cut | None = Cut(0, after=0)
    while here is not None and (where := Where.of_search(0, here.level)).piece in bench.journal.facts:
        walked.append(walked_at(bench, where, bench.result(where)))
        here = next_cut(bench, 0, way, walked)
    return walked


def searches_made(bench: Bench[Any]) -> int:
    """Count the searches that went the whole way; a certificate that grows asks for more than a recipe begins with."""
    last = walk_of(bench).within[-1]
    ends = (Where.of_search(replicate, last).piece in bench.journal.facts for replicate in count())
    return sum(takewhile(bool, ends))


def taken_over_levels(bench: Workbench) -> list[int]:
    """List the levels a fork took over: of a parent that went to an accuracy drop, those on the ticket's way."""
    facts, end = bench.journal.facts, bench.start.level if bench.start else 0
    return [level for level in range(end) if Where.of_search(0, level).piece in facts]
