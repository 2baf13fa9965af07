"""What a level begins with: one action on what its mask keeps, one on what it removed; draws no mask, trains nothing.

`kept` decides what stands for the initial weights of kept entries, `pruned` which entries have them at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from ticketing.actions.kept import KEPT, Untrained
from ticketing.actions.pruned import PRUNED, Pruning
from ticketing.mask import Mask
from ticketing.recipe import Iterative
from ticketing.seeds import derive
from ticketing.subject import Subject, redraw

__all__ = ["KEPT", "PRUNED", "Actions", "alike", "begun", "replaced", "with_initial"]

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Actions:
    """The words of a recipe that say it."""

    kept: str = "rewind"
    keep_sign: bool = False
    pruned: str = "zero"

    @classmethod
    def of(cls, recipe: Iterative) -> "Actions":
        """Read them off a recipe."""
        return cls(recipe.kept, recipe.keep_sign, recipe.pruned)

    @property
    def holds(self) -> bool:
        """Whether a removed entry may hold anything but zero."""
        return self.pruned != "zero"


def replaced(
    subject: Subject,
    initial: State,
    mask: Mask,
    actions: Actions,
    *,
    seed: int,
    replicate: int,
    labels: tuple[str, ...],
) -> State:
    """Put in place of the initial weights of kept entries what `kept` says; all else stays, and nothing is masked.

    Args:
        subject: The network; its initialiser draws for `reinit`.
        initial: Whole state dict before training.
        mask: True = kept.
        actions: `kept` and `keep_sign` count.
        seed: Of the recipe.
        replicate: Whose draw it is.
        labels: What else tells one draw from another: the level, and who trains on it.
    """
    if actions.kept == "rewind":
        return initial

    @cache
    def redrawn() -> State:
        return redraw(subject, derive(seed, replicate, "reinit", "kept", *labels))

    state = dict(initial)
    for name, kept in mask.items():
        generator = torch.Generator().manual_seed(derive(seed, replicate, "shuffle", "kept", *labels, name))
        chosen = KEPT[actions.kept](Untrained(name, initial[name], kept, redrawn, generator))
        if actions.keep_sign:
            chosen = torch.copysign(chosen, initial[name])
        state[name] = torch.where(kept, chosen, initial[name])
    return state


def with_initial(
    action: str, *, before: Mask, mask: Mask, initial_before: Mask, initial: State, trained: State
) -> Mask:
    """Say which entries a level begins with at their initial weight, when its mask is drawn.

    Args:
        action: The recipe's `pruned`.
        before: The mask of the level that ends here.
        mask: The one just drawn.
        initial_before: What this function said of the level that ends here; a full mask at level 0.
        initial: w_i of that level.
        trained: w_f of that level.
    """
    return Mask(
        {
            name: PRUNED[action](
                Pruning(before[name], kept, initial_before[name] & ~before[name], initial[name], trained[name])
            )
            for name, kept in mask.items()
        }
    )


def begun(state: State, initial: Mask) -> State:
    """Give the state a level begins with: zero, +0.0, wherever `initial` says no. Removed entries hold it from then."""
    # Adding 0 makes +0.0 of a -0.0 that was uploaded: what is held has one form.
    return {name: tensor + 0.0 if name in initial else tensor for name, tensor in initial.applied_to(state).items()}


def alike(mask: Mask, *, ticket: Mask, initial: Mask, seed: int) -> Mask:
    """Give a control's mask as many entries at their initial weight as the ticket's has, kept and removed apart.

    Which ones is drawn, layer by layer; a control with the ticket's own mask has the ticket's.

    Args:
        mask: Of the control; the ticket's counts in every layer.
        ticket: The ticket's.
        initial: Which of the ticket's entries begin at their initial weight.
        seed: Of the draw.
    """
    if mask == ticket:
        return initial
    generator = torch.Generator().manual_seed(seed)
    drawn = {}
    for name, kept in mask.items():
        bits = torch.zeros(kept.numel(), dtype=torch.bool)
        for ours, theirs in ((kept, ticket[name]), (~kept, ~ticket[name])):
            places = ours.reshape(-1).nonzero().reshape(-1)
            count = int((initial[name] & theirs).sum())
            bits[places[torch.randperm(len(places), generator=generator)[:count]]] = True
        drawn[name] = bits.reshape(kept.shape)
    return Mask(drawn)
