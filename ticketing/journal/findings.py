"""What searches leave in the journal for those who judge and export: masks, restarts, trained weights. Trains nothing.

| piece            | what                                                      |
| `mask/r/l`       | the mask of level l in replicate r, packed into one tensor |
| `point/r`        | the dense run's weights at the rewind step, where it is > 0 |
| `latest/r`       | what the last finished level trained to                    |
| `restart/r/l`    | what level l restarted from, where that is trained weights |
| `trained/r/l`    | level l at its minimum validation loss                     |
| `initial/r/l`    | which entries begin level l at their initial weight, where removed ones are not all zero |
| `ineligible/r/l` | how many entries level l kept that its criterion puts last |
"""

from collections.abc import Mapping
from functools import lru_cache
from math import prod
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from ticketing.actions import Actions, begun, replaced
from ticketing.journal.journal import Journal
from ticketing.mask import Mask
from ticketing.sparse import decode, encode
from ticketing.subject import Subject
from ticketing.training.rewinding import Restart, initial_state

State = Mapping[str, Tensor]


@runtime_checkable
class Masks(Protocol):
    """What a report asks of any search's findings, by replicate and level."""

    def mask(self, replicate: int, level: int) -> Mask:
        """Give which entries of the weights are left."""

    def carrying(self, replicate: int, level: int) -> Mask:
        """Give the entries that are kept or hold a weight."""

    def ineligible_kept(self, replicate: int, level: int) -> int | None:
        """Give how many entries a level kept that its criterion puts last; None where it puts none last."""


class Findings:
    """Reads and writes a journal by replicate and level. Whole state dicts in and out, on the CPU."""

    def __init__(
        self, journal: Journal, subject: Subject, *, restart: Restart, seed: int, actions: Actions | None = None
    ) -> None:
        """Take the journal, what the weights at 0it are drawn from, and what is done to kept and removed entries."""
        self.actions = actions or Actions()
        self._journal = journal
        self._subject = subject
        self._seed = seed
        self._shapes = subject.shapes
        self._restart = restart
        self._initial = lru_cache(maxsize=2)(lambda r: initial_state(subject, seed=seed, replicate=r))

    def initial(self, replicate: int) -> State:
        """Give the weights that a replicate's dense run starts from."""
        return self._initial(replicate)

    def mask(self, replicate: int, level: int) -> Mask:
        """Give a mask that was drawn; everything is kept at level 0."""
        return Mask.full(self._shapes) if level == 0 else self._bits(f"mask/{replicate}/{level}")

    def keep_mask(self, replicate: int, level: int, mask: Mask) -> None:
        """Keep a newly drawn mask."""
        self._keep_bits(f"mask/{replicate}/{level}", mask)

    def initial_of(self, replicate: int, level: int) -> Mask:
        """Give the entries that begin a level at their initial weight: all that are kept, unless removed ones hold."""
        if level == 0 or not self.actions.holds:
            return self.mask(replicate, level)
        return self._bits(f"initial/{replicate}/{level}")

    def keep_initial_of(self, replicate: int, level: int, initial: Mask) -> None:
        """Keep which entries begin a level at their initial weight, where the mask alone does not say it."""
        self._keep_bits(f"initial/{replicate}/{level}", initial)

    def carrying(self, replicate: int, level: int) -> Mask:
        """Give the entries that are kept or hold a weight: those a forward pass cannot leave out."""
        mask = self.mask(replicate, level)
        if not self.actions.holds:
            return mask
        initial = self.initial_of(replicate, level)
        return Mask({name: kept | initial[name] for name, kept in mask.items()})

    def ineligible_kept(self, replicate: int, level: int) -> int | None:
        """Give how many entries a level kept that its criterion puts last; None where it puts none last."""
        facts = self._journal.facts.get(f"ineligible/{replicate}/{level}")
        return None if facts is None else int(facts["kept"])

    def keep_ineligible(self, replicate: int, level: int, kept: int) -> None:
        """Keep how many entries a level kept that its criterion puts last."""
        self._journal.record(f"ineligible/{replicate}/{level}", {"kept": kept})

    def _bits(self, piece: str) -> Mask:
        sizes = [(prod(shape) + 7) // 8 for shape in self._shapes.values()]
        packed = torch.split(self._journal.tensors[piece]["bits"], sizes)
        return Mask.unpack(dict(zip(self._shapes, packed, strict=True)), self._shapes)

    def _keep_bits(self, piece: str, mask: Mask) -> None:
        self._journal.record(piece, mask.counts(), {"bits": torch.cat(list(mask.pack().values()))})

    def untrained(self, replicate: int, level: int) -> State:
        """Give w_i: the initial weights, or what stood in their place when a level began; nothing is masked."""
        if level == 0:
            return self.initial(replicate)
        return replaced(
            self._subject,
            self.initial(replicate),
            self.mask(replicate, level),
            self.actions,
            seed=self._seed,
            replicate=replicate,
            labels=("ticket", str(level)),
        )

    def start(self, replicate: int, level: int) -> State:
        """Give the weights that a level trains; where removed entries are zero, its mask is still to be applied."""
        if self.actions.kept == "rewind" and not self.actions.holds:
            return self.rewind_point(replicate, level)
        untrained = self.untrained(replicate, level)
        return begun(untrained, self.initial_of(replicate, level)) if self.actions.holds and level else untrained

    def rewind_point(self, replicate: int, level: int) -> State:
        """Give the weights from which a level restarts, before its mask is applied and any action is taken."""
        if level == 0:
            return self.initial(replicate)
        if self._restart.from_trained:
            kept = self._journal.tensors.get(f"restart/{replicate}/{level}")
            return self.latest(replicate) if kept is None else decode(kept, self._shapes)[0]
        if self._restart.first_step:
            return self._journal.tensors[f"point/{replicate}"]
        return self.initial(replicate)

    def keep_point(self, replicate: int, state: State) -> None:
        """Keep the dense run's weights at the rewind step."""
        self._journal.record(f"point/{replicate}", {}, state)

    def keep_restart(self, replicate: int, level: int, *, after: int | None = None) -> None:
        """Keep what a level restarted from, if no rewind point could give it back later.

        Args:
            replicate: Whose.
            level: Of the ladder.
            after: The level it was cut from; the one before it when left out.
        """
        if self._restart.from_trained and level > 0:
            before = self.mask(replicate, level - 1 if after is None else after)
            self._journal.record(f"restart/{replicate}/{level}", {}, encode(self.latest(replicate), before))

    def latest(self, replicate: int) -> State:
        """Give what the last finished level of a replicate trained to."""
        return self._journal.tensors[f"latest/{replicate}"]

    def keep_latest(self, replicate: int, state: State | None) -> None:
        """Keep what a level trained to, in place of the level before; None once the search has ended."""
        if state is None:
            self._journal.forget(f"latest/{replicate}")
        else:
            self._journal.record(f"latest/{replicate}", {}, state)

    def forget_weights(self, replicate: int, level: int) -> None:
        """Drop a level's restart and trained weights: a sparser one is delivered."""
        self._journal.forget(f"restart/{replicate}/{level}")
        self._journal.forget(f"trained/{replicate}/{level}")

    def trained(self, replicate: int, level: int) -> State:
        """Give a level at its minimum validation loss, if it was kept."""
        kept = self._journal.tensors[f"trained/{replicate}/{level}"]
        return kept if self.actions.holds else decode(kept, self._shapes)[0]

    def keep_trained(self, replicate: int, level: int, state: State) -> None:
        """Keep a level's trained weights for the export; whole, where removed entries are not all zero."""
        if self.actions.holds:
            self._journal.record(f"trained/{replicate}/{level}", {}, state)
            return
        self._journal.record(f"trained/{replicate}/{level}", {}, encode(state, self.mask(replicate, level)))
