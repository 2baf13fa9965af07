"""What a ticket is where it runs: its graphs, how fast and how large it is beside the dense network. Trains nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ticketing.architectures import Inventory
from ticketing.channels import Kept
from ticketing.channels.slimming import slim_inventory
from ticketing.export.graphs import write_graphs
from ticketing.gain.measured import Candidate, gain
from ticketing.journal.workbench import Bench
from ticketing.plans.gain import measures_gain
from ticketing.subject import placed
from ticketing.training.narrow import Narrow

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
    """
    recipe, listed = bench.recipe, bench.subject.inventory
    measures = measures_gain(recipe, training_flops=bench.plan.training_flops)
    whole = partial(_candidate, bench.subject.module, listed=listed)
    slim = None if kept is None else _slim(bench, trained, kept)
    delivered = slim or whole(trained)
    stem = "model" if slim is None else "slim"
    parities = write_graphs(out, delivered.network, listed, stem=stem, words=recipe.outputs)
    if not measures:
        return Deployed(None, parities)
    networks = {"dense": whole(bench.subject.initial_state), "masked": whole(trained)}
    return Deployed(gain(networks | ({} if slim is None else {"slim": slim}), listed), parities)


def _slim(bench: Bench[Any], trained: State, kept: Kept) -> Candidate:
    narrow = Narrow(bench.subject.module, bench.channels, kept)
    listed = slim_inventory(bench.subject.inventory, bench.channels, kept)
    return _candidate(narrow.module, narrow.shrunk(trained), listed=listed)


def _candidate(module: nn.Module, state: State, *, listed: Inventory) -> Candidate:
    return Candidate(placed(module, state, device="cpu").eval(), listed.parameters_total, listed.multiply_adds)
