"""What an early-bird search leaves in the journal: masks of every epoch, and where its tickets begin. Trains nothing.

| piece         | what                                                                                   |
| `epochs/r`    | which channels would stay after every epoch of search r, and when each level was found |
| `bird/r/e`    | the dense network's state after epoch e, at which a level was found                    |
| `trained/r/l` | the slim network of level l at its minimum validation loss, in whole tensors           |
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ticketing.channels import Channels, Kept
from ticketing.channels.scales import scales_of
from ticketing.channels.slimming import weight_mask
from ticketing.journal.journal import Journal
from ticketing.journal.workbench import Bench
from ticketing.mask import Mask
from ticketing.recipe.early_bird import EarlyBird
from ticketing.seeds import derive
from ticketing.subject import redraw
from ticketing.training.rewinding import initial_state

State = Mapping[str, Tensor]


class Birds:
    """Reads and writes a journal by replicate and level; levels are the sparsities, counted from 1."""

    def __init__(
        self,
        journal: Journal,
        channels: Channels,
        shapes: Mapping[str, tuple[int, ...]],
        *,
        ranked: Kept,
        watched: Sequence[float | None],
    ) -> None:
        """Take a journal and what it is of.

        Args:
            journal: Of the run.
            channels: Of the network.
            shapes: Of its weights, by name.
            ranked: The channels that compete; the others stay.
            watched: Share of these that every level was asked to remove; None where a target decides it.
        """
        self._journal = journal
        self._channels = channels
        self._shapes = shapes
        self._ranked = ranked
        self._watched = watched

    def epochs(self, replicate: int) -> int:
        """Count the epochs after which a search was looked at."""
        piece = f"epochs/{replicate}"
        return len(self._journal.tensors[piece]["bits"]) if piece in self._journal.tensors else 0

    def masks(self, replicate: int, level: int) -> list[NDArray[np.bool_]]:
        """Give which channels would have stayed after every epoch so far, the first one first."""
        if not self.epochs(replicate):
            return []
        bits = self._journal.tensors[f"epochs/{replicate}"]["bits"][:, level - 1].numpy()
        return list(np.unpackbits(bits, axis=1, count=self._channels.count).astype(bool))

    def found(self, replicate: int) -> Mapping[int, int]:
        """Give the epoch at which every level was found; those that have not settled are not there."""
        facts = self._journal.facts.get(f"epochs/{replicate}", {"found": {}})
        return {int(level): int(epoch) for level, epoch in facts["found"].items()}

    def rescued(self, replicate: int, level: int) -> tuple[str, ...]:
        """Name the layers that would have lost every channel at the epoch that counts."""
        return tuple(self._journal.facts[f"epochs/{replicate}"]["rescued"].get(str(level), ()))

    def fitted(self, replicate: int) -> Mapping[str, Any]:
        """Give what was noted of holding networks against a target at the epoch that counts."""
        noted: Mapping[str, Any] = self._journal.facts[f"epochs/{replicate}"]["fitted"]
        return noted

    def keep_epoch(
        self,
        replicate: int,
        kept: Sequence[Kept],
        *,
        found: Mapping[int, int],
        rescued: Mapping[int, Sequence[str]],
        fitted: Mapping[str, Any] | None = None,
    ) -> None:
        """Add the masks of one more epoch, one for each level.

        Args:
            replicate: Whose.
            kept: Of every level.
            found: Every level that has settled, with its epoch.
            rescued: Per level the layers that were left their best channel, at the epoch that counts so far.
            fitted: What is noted of holding networks against a target, where there is one.
        """
        packed = torch.from_numpy(np.stack([np.packbits(mask.numpy()) for mask in kept]))[None]
        if self.epochs(replicate):
            packed = torch.cat([self._journal.tensors[f"epochs/{replicate}"]["bits"], packed])
        facts: dict[str, Any] = {
            "found": {str(level): epoch for level, epoch in found.items()},
            "rescued": {str(level): list(names) for level, names in rescued.items()},
        }
        if fitted is not None:
            facts["fitted"] = fitted
        self._journal.record(f"epochs/{replicate}", facts, {"bits": packed})

    def settled(self, replicate: int, level: int) -> bool:
        """Say whether a level was found before the search ended."""
        return level in self.found(replicate)

    def epoch(self, replicate: int, level: int) -> int:
        """Give the epoch whose mask counts: at which the level was found, else the last."""
        return self.found(replicate).get(level, self.epochs(replicate))

    def kept(self, replicate: int, level: int) -> Kept:
        """Give which channels stay at a level."""
        return torch.from_numpy(self.masks(replicate, level)[self.epoch(replicate, level) - 1])

    def share(self, replicate: int, level: int) -> float:
        """Say which share of the competing channels a level removes: as it was asked to, or as its target took."""
        asked = self._watched[level - 1]
        if asked is not None:
            return asked
        left, total = int(self.kept(replicate, level)[self._ranked].sum()), int(self._ranked.sum())
        return (total - left) / total

    def mask(self, replicate: int, level: int) -> Mask:
        """Give which entries of the weights are left; all at level 0."""
        if level == 0:
            return Mask.full(self._shapes)
        return weight_mask(self._channels, self.kept(replicate, level), self._shapes)

    def carrying(self, replicate: int, level: int) -> Mask:
        """Give the same: what is removed holds nothing."""
        return self.mask(replicate, level)

    def ineligible_kept(self, replicate: int, level: int) -> int | None:
        """Give None: no channel is put last but by its score."""
        return None

    def state(self, replicate: int, level: int) -> State:
        """Give the dense network's state at the epoch whose mask counts."""
        return self._journal.tensors[f"bird/{replicate}/{self.epoch(replicate, level)}"]

    def keep_state(self, replicate: int, epoch: int, state: State) -> None:
        """Keep the state after an epoch at which a level was found; several may have been."""
        self._journal.record(f"bird/{replicate}/{epoch}", {}, state)

    def trained(self, replicate: int, level: int) -> State:
        """Give a slim network at its minimum validation loss, in whole tensors."""
        return self._journal.tensors[f"trained/{replicate}/{level}"]

    def keep_trained(self, replicate: int, level: int, state: State) -> None:
        """Keep it for the export."""
        self._journal.record(f"trained/{replicate}/{level}", {}, state)


def birds_of(bench: Bench[EarlyBird]) -> Birds:
    """Give what the searches of a bench found."""
    ranked = scales_of(bench.subject.inventory, bench.channels).ranked
    return Birds(bench.journal, bench.channels, bench.subject.shapes, ranked=ranked, watched=bench.recipe.watched)


def start_of_search(bench: Bench[EarlyBird], replicate: int) -> dict[str, Tensor]:
    """Give the weights that a search begins with: the first ones, scales of norms at `initial_scale`."""
    first = dict(initial_state(bench.subject, seed=bench.recipe.seed, replicate=replicate))
    scales = scales_of(bench.subject.inventory, bench.channels)
    return first | {name: first[name] * bench.recipe.initial_scale for name in scales.names if name in first}


def start_of_slim(bench: Bench[EarlyBird], replicate: int, level: int) -> tuple[State, int]:
    """Give what a slim network trains from, in whole tensors, and how many updates that has behind it."""
    birds, then = birds_of(bench), bench.recipe.then
    if then in ("continue", "retrain"):
        made = birds.epoch(replicate, level) * bench.per_epoch
        return birds.state(replicate, level), made if then == "continue" else 0
    if then == "rewind":
        return start_of_search(bench, replicate), 0
    return redraw(bench.subject, derive(bench.recipe.seed, replicate, "reinit", level, "slim")), 0


def not_settled(bench: Bench[EarlyBird], birds: Birds, replicate: int) -> list[dict[str, str]]:
    """Say which shares of the channels had not settled when a search ended, as warnings."""
    return [
        {
            "code": "not_settled",
            "detail": f"the mask at {birds.share(replicate, level):g} of the channels had not settled after "
            f"{birds.epochs(replicate)} epochs: the last one counts",
        }
        for level in range(1, len(bench.recipe.watched) + 1)
        if not birds.settled(replicate, level)
    ]
