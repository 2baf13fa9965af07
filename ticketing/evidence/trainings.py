"""Trains ticket, dense network and controls once more, on an order the search never saw, and takes them to the test.

Runs after the choice is in the log. Judges nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ticketing.actions import alike, begun, replaced
from ticketing.channels.slimming import kept_of
from ticketing.controls import Draw, Drawn, control
from ticketing.controls.length import updates_of_dense
from ticketing.controls.slim import CHANNEL_CONTROLS
from ticketing.evidence.testing import answered
from ticketing.journal.findings import Findings
from ticketing.journal.reuse import PARENTS, Course, address, forget, reuse
from ticketing.journal.structure import kept_in
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench, Workbench
from ticketing.ladder.level_length import delivers_finalist
from ticketing.plans.narrowing import parameters_with
from ticketing.plans.start import searches_of
from ticketing.recipe import DENSE_LENGTHS
from ticketing.seeds import derive, order_of_level
from ticketing.training.rewinding import Restart

CHOICE = "run/choice"
"""The journal's name for the choice of the delivered level."""
LEAST_SECONDS_BETWEEN_CHECKPOINTS = 1.0
"""Small networks train faster than a checkpoint is stored: losing a second of them costs less than saving each."""


def gather(
    bench: Workbench,
    found: Findings,
    *,
    restart: Restart,
    levels: tuple[int, ...],
    replicates: Iterable[int] | None = None,
) -> None:
    """Train and test everything that the verdicts on `levels` need; what the journal has is not trained again.

    Replicate i of ticket, dense network and every control see the same examples in the same order.

    Args:
        bench: Of the run.
        found: What its searches found.
        restart: How a ticket's training begins.
        levels: Pruned levels to be judged.
        replicates: Numbers of the replicates to train; those of the first look when left out.

    Raises:
        Stopped: The observer asked to stop; the journal was saved.
        SearchError: A training diverged, or a promise of the certificate broke.
    """
    for where in untrained(bench, levels, replicates):
        _train_and_test(bench, found, where, restart)
    forget(bench.journal, PARENTS)


def untrained(bench: Bench[Any], levels: tuple[int, ...], replicates: Iterable[int] | None) -> Iterator[Where]:
    """List what the verdicts on `levels` need and the journal does not have, replicate by replicate."""
    for replicate in range(bench.recipe.evidence.replicates) if replicates is None else replicates:
        yield from (where for where in trainings(bench, replicate, levels) if not bench.passed(where))


def trainings(bench: Bench[Any], replicate: int, levels: tuple[int, ...]) -> Iterator[Where]:
    """List the trainings of one replicate: dense, then ticket and controls of every level."""
    yield Where(replicate, "certificate", "dense", 0)
    for level in levels:
        for branch in ("ticket", *bench.recipe.evidence.controls):
            yield Where(replicate, "certificate", branch, level)


def all_trainings(bench: Bench[Any], judged: Sequence[int]) -> list[Where]:
    """List the trainings that a certificate is made of, replicate by replicate; a level may have more than another."""
    most = bench.recipe.evidence.looks[-1]
    planned = [where for replicate in range(most) for where in trainings(bench, replicate, tuple(judged))]
    return [where for where in planned if where.piece in bench.journal.facts]


def finalist(bench: Workbench) -> Where | None:
    """Name the training whose weights are delivered where the search's own were trained for less; None otherwise."""
    level = bench.journal.facts[CHOICE]["level"]
    return Where(0, "certificate", "ticket", level) if level and delivers_finalist(bench.recipe) else None


def search_of(bench: Bench[Any], replicate: int) -> int:
    """Say which search a replicate's ticket comes from: its own, or the one there is."""
    return replicate if bench.recipe.evidence.replicates_of == "search" else 0


def _drawn(bench: Workbench, found: Findings, where: Where) -> Drawn:
    search = search_of(bench, where.replicate)
    dense = Drawn(bench.subject, found.mask(search, 0), found.initial(search), full_schedule=True)
    if where.branch == "dense":
        return dense
    if where.branch in DENSE_LENGTHS:
        return replace(dense, updates=updates_of_dense(bench, found, where, search=search))
    ticket, start = found.mask(search, where.level), found.start(search, where.level)
    if where.branch == "ticket":
        return Drawn(bench.subject, ticket, start, full_schedule=False)
    draw = _draw(bench, where.branch)
    seed, rewind_point = bench.recipe.seed, found.rewind_point(search, where.level)
    drawn = draw(bench.subject, ticket, rewind_point, seed=seed, replicate=where.replicate, level=where.level)
    if drawn.equal == "parameters":
        most = parameters_with(bench.subject.inventory, ticket.kept_count)
        came = drawn.subject.inventory.parameters_total
        bench.invariants.hold("control_differs", came <= most, f"{where.piece}: {came} parameters, at most {most}")
        return drawn
    drawn = _acted_on(bench, found, where, drawn, own_weights=drawn.start is not rewind_point)
    if drawn.equal == "channels":
        as_many = int(kept_of(bench.channels, drawn.mask).sum()) == int(kept_of(bench.channels, ticket).sum())
        bench.invariants.hold("control_differs", as_many and drawn.mask != ticket, where.piece)
        return drawn
    bench.invariants.control_drawn(
        mask=drawn.mask, start=drawn.start, ticket=ticket, rewind_point=start, name=where.piece,
        in_total=drawn.equal == "total",
    )  # fmt: skip
    bench.invariants.structured(drawn.mask, bench.recipe.block, name=where.piece)
    return drawn


def _draw(bench: Workbench, word: str) -> Draw:
    """Give how a control is drawn: of channels where channels are removed."""
    if bench.recipe.removes_channels and word in CHANNEL_CONTROLS:
        return partial(CHANNEL_CONTROLS[word], bench.channels)
    return control(word, block=bench.recipe.block)


def _acted_on(bench: Workbench, found: Findings, where: Where, drawn: Drawn, *, own_weights: bool) -> Drawn:
    """Do to a control's weights what `kept` and `pruned` do to the ticket's: it differs in what it asks about alone.

    A control over the ticket's weights shares the ticket's draws; one with weights of its own has its own draws.
    """
    search, actions, seed = search_of(bench, where.replicate), found.actions, bench.recipe.seed
    start = replaced(
        bench.subject,
        drawn.start,
        drawn.mask,
        actions,
        seed=seed,
        replicate=where.replicate if own_weights else search,
        labels=(where.branch if own_weights else "ticket", str(where.level)),
    )
    if actions.holds:
        ties = derive(seed, where.replicate, "shuffle", "held", where.branch, where.level)
        ticket, initial = found.mask(search, where.level), found.initial_of(search, where.level)
        start = begun(start, alike(drawn.mask, ticket=ticket, initial=initial, seed=ties))
    return replace(drawn, start=start)


def _train_and_test(bench: Workbench, found: Findings, where: Where, restart: Restart) -> None:
    drawn = _drawn(bench, found, where)
    bench.phase("evaluate")
    bench.invariants.hold("test_after_choice", CHOICE in bench.journal.facts, where.piece)
    course = Course(
        drawn.mask,
        unseen_order(bench, where),
        first_step=0 if drawn.full_schedule else restart.first_step,
        last_step=drawn.updates,
        fine_tune=restart.fine_tune and not drawn.full_schedule,
        spread=drawn.updates is not None,
        kept=kept_in(bench, drawn.mask),
    )
    known_by = address(bench, drawn.start, course)
    if where != finalist(bench) and reuse(bench, where, known_by):
        return
    trained, result = bench.train(where, drawn.start, module=drawn.subject.module, **vars(course))
    bench.record(where, result, trained, answered(bench, trained, subject=drawn.subject, kept=course.kept))
    bench.journal.facts[where.piece]["address"] = known_by
    if where == finalist(bench):
        found.keep_trained(0, where.level, trained.best)
    reached = where.at(trained.curve[-1].step)
    bench.between(reached, least_seconds=min(LEAST_SECONDS_BETWEEN_CHECKPOINTS, bench.checkpoint_seconds))


def unseen_order(bench: Bench[Any], where: Where) -> int:
    """Give the seed of an order that no search saw, the same for all that a replicate compares."""
    seed = derive(bench.recipe.seed, where.replicate, "order", "certificate")
    seen = {
        order_of_level(bench.recipe.seed, replicate, level)
        for replicate in range(max(searches_of(bench.recipe.evidence), where.replicate + 1))
        for level in range(bench.levels_total + 1)
    }
    bench.invariants.hold("order_unseen", seed not in seen, where.piece)
    return seed
