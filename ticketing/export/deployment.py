"""What a ticket is where it runs: its graphs, how fast and how large it is beside the dense network. Trains nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ticketing.channels import Kept
from ticketing.export.graphs import graphs_among, write_graphs
from ticketing.gain.measured import Candidate, gain
from ticketing.journal.workbench import Bench
from ticketing.plans.gain import measures_gain

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Deployed:
    """What was found of a ticket as it would be deployed."""

    gain: dict[str, Any] | None
    """As `ticketing.gain.measured` tells it; None where it was not measured."""
    parities: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By the name of every graph: how far it is from the network."""


def deploy(out: Path, bench: Bench[Any], trained: State, kept: Kept | None = None) -> Deployed:
    """Write the graphs a recipe asks for, of the slim network where there is one, and measure what the ticket gains.

    Args:
        out: The folder.
        bench: Of the finished run.
        trained: The delivered network in whole tensors, zero where pruned.
        kept: Of its channels; None where none were removed.

    Raises:
        Stopped: The observer asked to stop while it was measured.
        VerificationError: A graph does not compute what the network does.
    """
    subject, words = bench.subject, graphs_among(bench.recipe.outputs)
    measures = measures_gain(bench.recipe, training_flops=bench.plan.training_flops)
    if not (words or measures):
        return Deployed(None)
    stem, delivered = (
        ("model", _whole(bench, trained))
        if kept is None
        else ("slim", Candidate.slim(subject, trained, bench.channels, kept))
    )
    parities = write_graphs(out, delivered.network, subject.inventory, stem=stem, words=words)
    if not measures:
        return Deployed(None, parities)
    dense = {"dense": _whole(bench, subject.initial_state)}
    others = {"masked": delivered} if kept is None else {"masked": _whole(bench, trained), "slim": delivered}
    return Deployed(gain(dense | others, subject.inventory, between=bench.still_there), parities)


def _whole(bench: Bench[Any], state: State) -> Candidate:
    return Candidate.of(bench.subject.module, state, bench.subject.inventory)
