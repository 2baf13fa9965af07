"""Trains slim tickets, the dense network and slim counterparts once more, on an order no search saw, and tests them.

Runs after the choice is in the log. Judges nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from ticketing.channels import Kept
from ticketing.channels.scales import scales_of
from ticketing.controls.channels import scattered, seeds_of, shuffled
from ticketing.evidence.testing import answered
from ticketing.evidence.trainings import CHOICE, search_of, unseen_order, untrained
from ticketing.journal.birds import birds_of, start_of_slim
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench
from ticketing.mask import Mask
from ticketing.recipe.early_bird import EarlyBird
from ticketing.seeds import derive
from ticketing.subject import redraw
from ticketing.training.rewinding import initial_state

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Drawn:
    """What is trained beside a ticket, or the ticket itself."""

    kept: Kept | None
    """Channels that stay; None for the whole network."""
    start: State
    """Whole state dict."""
    first_step: int


def gather(bench: Bench[EarlyBird], *, levels: tuple[int, ...], replicates: Iterable[int] | None = None) -> None:
    """Train and test everything that the verdicts on `levels` need; what the journal has is not trained again.

    Replicate i of ticket, dense network and every control see the same examples in the same order. The dense network
    begins with its norms at rest and without the L1 term: it is trained as it would be without a search.

    Args:
        bench: Of the run.
        levels: Levels to be judged.
        replicates: Numbers of the replicates to train; those of the first look when left out.

    Raises:
        Stopped: The observer asked to stop; the journal was saved.
        SearchError: A training diverged, or a promise of the certificate broke.
    """
    for where in untrained(bench, levels, replicates):
        _train_and_test(bench, where)


def _train_and_test(bench: Bench[EarlyBird], where: Where) -> None:
    bench.phase("evaluate")
    bench.invariants.hold("test_after_choice", CHOICE in bench.journal.facts, where.piece)
    drawn = _drawn(bench, where)
    trained, result = bench.train(
        where,
        drawn.start,
        mask=Mask.full(bench.subject.shapes),
        order_seed=unseen_order(bench, where),
        first_step=drawn.first_step,
        kept=drawn.kept,
    )
    bench.record(where, result, trained, answered(bench, trained, kept=drawn.kept))
    bench.between(where.at(trained.curve[-1].step))


def _drawn(bench: Bench[EarlyBird], where: Where) -> Drawn:
    search, seed, level = search_of(bench, where.replicate), bench.recipe.seed, where.level
    if where.branch == "dense":
        return Drawn(None, initial_state(bench.subject, seed=seed, replicate=search), 0)
    kept = birds_of(bench).kept(search, level)
    ticket = Drawn(kept, *start_of_slim(bench, search, level))
    if where.branch == "ticket":
        return ticket
    drawn = _counterpart(bench, where, ticket)
    _check_difference(bench, where, drawn, ticket)
    return drawn


def _counterpart(bench: Bench[EarlyBird], where: Where, ticket: Drawn) -> Drawn:
    """Draw a control: other channels, other weights, or both."""
    assert ticket.kept is not None
    seeds, kept = seeds_of(bench.recipe.seed, where.replicate, where.level, where.branch), ticket.kept
    if where.branch in ("shuffle", "reinit_shuffle"):
        kept = shuffled(bench.channels, kept, seeds)
    elif where.branch == "random":
        kept = scattered(bench.channels, kept, scales_of(bench.subject.inventory, bench.channels).kinds.values(), seeds)
    if where.branch in ("reinit", "reinit_shuffle"):
        drawn = redraw(bench.subject, derive(bench.recipe.seed, where.replicate, "reinit", where.level, where.branch))
        return Drawn(kept, drawn, 0)
    return Drawn(kept, ticket.start, ticket.first_step)


def _check_difference(bench: Bench[EarlyBird], where: Where, drawn: Drawn, ticket: Drawn) -> None:
    """Check that a control is not the ticket, and has as many channels."""
    assert drawn.kept is not None
    assert ticket.kept is not None
    other_channels = bool((drawn.kept ^ ticket.kept).any())
    other_weights = any(not bool((drawn.start[name] == tensor).all()) for name, tensor in ticket.start.items())
    equal = int(drawn.kept.sum()) == int(ticket.kept.sum())
    bench.invariants.hold("control_differs", equal and (other_channels or other_weights), where.piece)
