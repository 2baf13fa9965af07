"""The levels a run's searches walk and walked, read off recipe and journal; trains nothing."""

from dataclasses import dataclass
from itertools import count, takewhile

from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.ladder.ways import COLLAPSED, Cut, Walked, Way, sorted_out, through, to_drop
from ticketing.recipe import Iterative


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


def allowed_drop(recipe: Iterative) -> float | None:
    """Give the accuracy that the target allows to lose; None where the ladder is fixed beforehand."""
    return None if recipe.target is None else recipe.target.max_accuracy_drop


def way_of(bench: Workbench, replicate: int) -> Way:
    """Give a search's way: the fixed ladder, the way to an accuracy drop, or in later searches where that led."""
    drop, last = allowed_drop(bench.recipe), bench.plan.levels
    if drop is None:
        return through([*taken_over_levels(bench), *range(bench.start.level if bench.start else 0, last + 1)])
    return to_drop(drop, last=last) if replicate == 0 else through(walk_of(bench).within)


def next_cut(bench: Workbench, replicate: int, way: Way, walked: list[Walked]) -> Cut | None:
    """Give the next level on a way; levels that are known to leave a layer nothing are added to `walked` as such."""
    while (cut := way(walked)) is not None and collapse(replicate, cut.level) in bench.journal.facts:
        walked.append(Walked(cut.level, COLLAPSED))
    return cut


def collapse(replicate: int, level: int) -> str:
    """Give the journal's name for the fact that a level of a search would leave a layer nothing."""
    return f"collapse/{replicate}/{level}"


def walk_of(bench: Workbench) -> Walk:
    """Walk the first search's way again on the figures in the journal, to its end or to where they end."""
    way, walked = way_of(bench, 0), list[Walked]()
    here: Cut | None = Cut(0, after=0)
    while here is not None and (where := Where.of_search(0, here.level)).piece in bench.journal.facts:
        walked.append(Walked(here.level, bench.result(where).accuracy))
        here = next_cut(bench, 0, way, walked)
    trained = [at for at in walked if at.accuracy != COLLAPSED]
    within, beyond = sorted_out(trained, allowed_drop(bench.recipe))
    return Walk(tuple(within), tuple(beyond))


def searches_made(bench: Workbench) -> int:
    """Count the searches that went the whole way; a certificate that grows asks for more than a recipe begins with."""
    last = walk_of(bench).within[-1]
    ends = (Where.of_search(replicate, last).piece in bench.journal.facts for replicate in count())
    return sum(takewhile(bool, ends))


def taken_over_levels(bench: Workbench) -> list[int]:
    """List the levels a fork took over: of a parent that went to an accuracy drop, those on the ticket's way."""
    facts, end = bench.journal.facts, bench.start.level if bench.start else 0
    return [level for level in range(end) if Where.of_search(0, level).piece in facts]
