"""The promises a certificate rests on, checked while running and counted; a broken one ends the run.

Knows masks and states, no search. A promise that was never checked is reported as checked 0 times.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from torch import Tensor, nn

from ticketing.blocks import uneven
from ticketing.errors import InvariantError
from ticketing.mask import Mask
from ticketing.sparse import same_bits

PROMISES = {
    "masked_entries_zero": "Pruned entries are exactly zero at every evaluation while training, and in every file.",
    "pruned_entries_held": "Where pruned entries are not zero, they hold exactly what they were given at every "
    "evaluation while training, and in every file.",
    "survivors_rewound": "At its first step a level has the weights of its rewind point, biases, norms and buffers "
    "too, bit for bit.",
    "optimizer_reset": "Optimizer and schedule start afresh: a training counts its own updates alone.",
    "masks_monotone": "What a level removed, no later level brings back.",
    "counts_as_asked": "Every level keeps exactly the number of entries the ladder says.",
    "structure_kept": "With structure N:M every mask, a control's too, keeps as many inputs of every block of a "
    "parameter.",
    "no_empty_parameter": "No parameter is left with nothing.",
    "control_differs": "A control differs from its ticket, at equal counts: in every layer, in total (random), or "
    "with no more parameters (small_dense).",
    "order_unseen": "Certificate trainings see a data order that the search never saw, the same for all that are "
    "compared.",
    "test_after_choice": "The test split was looked at only after the level was chosen.",
}


@dataclass
class Invariants:
    """How often each promise was checked and held."""

    checked: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PROMISES, 0))

    def hold(self, promise: str, held: bool, detail: str) -> None:
        """Count a promise that held.

        Raises:
            InvariantError: It did not.
        """
        if not held:
            raise InvariantError(f"{PROMISES[promise]} Broken: {detail}")
        self.checked[promise] += 1

    def mask_drawn(
        self, mask: Mask, *, before: Mask, counts: Mapping[str, int], groups: Mapping[str, tuple[str, ...]],
        allow_collapse: bool, name: str,
    ) -> None:  # fmt: skip
        """Check a newly drawn mask against the one before it and against the ladder."""
        kept = mask.counts()
        came = {group: sum(kept[member] for member in members) for group, members in groups.items()}
        self.hold("masks_monotone", mask.within(before), name)
        self.hold("counts_as_asked", came == dict(counts), f"{name} expected {dict(counts)}, got {came}")
        if not allow_collapse:
            self.hold("no_empty_parameter", all(kept.values()), f"{name} keeps {kept}")

    def structured(self, mask: Mask, block: int | None, *, name: str) -> None:
        """Check that a mask keeps as many of every `block` inputs; None, of any other structure, promises nothing."""
        if block is not None:
            odd = uneven(mask, block)
            self.hold("structure_kept", not odd, f"{name} in {odd}")

    def started(
        self,
        began: Mapping[str, Tensor],
        *,
        rewind_point: Mapping[str, Tensor],
        mask: Mask,
        name: str,
        hold: bool = False,
    ) -> None:
        """Check the state in which a training really began against its rewind point, under the mask or with what holds.

        Args:
            began: Whole state dict at the first step.
            rewind_point: What it was to be.
            mask: True = kept.
            name: Of the training.
            hold: Pruned entries hold what the rewind point has there, instead of zero.
        """
        expected = rewind_point if hold else mask.applied_to(rewind_point)
        self.hold("survivors_rewound", same_bits(began, expected), name)

    def control_drawn(
        self, *, mask: Mask, start: Mapping[str, Tensor], ticket: Mask, rewind_point: Mapping[str, Tensor], name: str,
        in_total: bool = False,
    ) -> None:  # fmt: skip
        """Check that what a control trains is not the ticket and has its counts, in every layer or in total."""
        equal = mask.kept_count == ticket.kept_count if in_total else mask.counts() == ticket.counts()
        same = mask == ticket and same_bits(mask.applied_to(start), ticket.applied_to(rewind_point))
        self.hold("control_differs", equal and not same, name)

    def watched(
        self,
        module: nn.Module,
        mask: Mask | Callable[[], Mask],
        *,
        name: str,
        held: Mapping[str, Tensor] | None = None,
    ) -> nn.Module:
        """Copy a module so that it, and every copy of it, checks its pruned entries at each evaluation.

        A mask that keeps everything promises nothing: then nothing is checked or counted.

        Args:
            module: The network.
            mask: True = kept; of a training that prunes on the way a function that gives the newest.
            name: Of the training, for the error.
            held: What pruned entries hold, in a state dict; None for zero.
        """
        if isinstance(mask, Mask) and mask.kept_count == mask.total:
            return module
        watched = deepcopy(module)
        trained_since = [True]
        there: dict[str, Tensor] = {}

        def look(network: nn.Module, _: object) -> None:
            if network.training:
                trained_since[0] = True
            elif trained_since[0]:
                trained_since[0] = False
                weights, newest = dict(network.named_parameters()), mask if isinstance(mask, Mask) else mask()
                if held is not None and not there:
                    there.update({key: held[key].to(weights[key].device) for key in newest})
                if newest.kept_count < newest.total:
                    self.pruned(weights, newest, name=name, held=None if held is None else there)

        watched.register_forward_pre_hook(look)
        return watched

    def pruned(
        self, state: Mapping[str, Tensor], mask: Mask, *, name: str, held: Mapping[str, Tensor] | None = None
    ) -> None:
        """Check that every pruned entry is exactly zero, or exactly what it holds."""
        odd = []
        for key, kept in mask.items():
            weight = state[key].detach()
            off = weight if held is None else weight - held[key].to(weight.device)
            if bool(off.masked_fill(_on(weight, kept), 0).any()):
                odd.append(key)
        self.hold("masked_entries_zero" if held is None else "pruned_entries_held", not odd, f"{name} in {odd}")

    def as_json(self) -> list[dict[str, object]]:
        """Write them as the report lists them; there is a report only of runs in which all held."""
        return [{"code": n, "name": PROMISES[n], "checked": times, "held": True} for n, times in self.checked.items()]


def _on(weight: Tensor, kept: Tensor) -> Tensor:
    return kept if kept.device == weight.device else kept.to(weight.device)
