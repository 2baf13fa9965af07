"""The weights of one network under a mask: what an update may not change in them; knows no optimizer and no loss."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from ticketing.mask import Mask


class MaskedWeights:
    """The masked parameters of a network that trains, in place: pruned entries are zero, or keep what they hold."""

    def __init__(self, parameters: Mapping[str, Tensor], mask: Mask, *, hold: bool) -> None:
        """Take the parameters as they stand, already masked.

        Args:
            parameters: All of the network, by name; their order is that of the gradients.
            mask: True = kept, of some of them.
            hold: Pruned entries keep what they have now (never -0.0) instead of zero.
        """
        self.mask = mask
        self._hold = hold
        self._weights = [parameters[name] for name in mask]
        places = {name: place for place, name in enumerate(parameters)}
        self._places = [places[name] for name in mask]
        # Of the weights' dtype and memory layout: then the multiplication is one pass over plain memory.
        self._masks = [
            torch.empty_like(weight, requires_grad=False).copy_(mask[name])
            for name, weight in zip(mask, self._weights, strict=True)
        ]
        # A product with the mask is a zero where pruned, so adding what is held there gives exactly that.
        self._held = [w.detach() * (mask == 0) for w, mask in zip(self._weights, self._masks, strict=True) if hold]

    def __call__(self) -> dict[str, Float[Tensor, "..."]]:
        """Give the masked parameters by name, detached: the very tensors that train."""
        return {name: weight.detach() for name, weight in zip(self.mask, self._weights, strict=True)}

    def put_back(self) -> None:
        """Undo what an update did to pruned entries."""
        if self._weights:
            torch._foreach_mul_(self._weights, self._masks)
        if self._held:
            torch._foreach_add_(self._weights, self._held)

    def of_kept(self, gradients: list[Tensor]) -> list[Tensor]:
        """Give the gradients of the network that is trained: what flows to pruned entries is no part of them."""
        masked = list(gradients)
        for place, mask in zip(self._places, self._masks, strict=True):
            masked[place] = gradients[place] * mask
        return masked

    def shrink(self, mask: Mask) -> dict[str, Tensor]:
        """Go on under a mask within the one so far, and give it as factors, by name, for what else has such entries.

        Not of weights that hold anything where they are pruned: nobody says what the newly pruned would hold.
        """
        if self._hold:
            raise ValueError("expected pruned entries that are zero, got some that hold weights")
        self.mask = Mask({name: mask[name] for name in self.mask})
        for own, kept in zip(self._masks, self.mask.values(), strict=True):
            own.copy_(kept)
        self.put_back()
        return dict(zip(self.mask, self._masks, strict=True))

    def in_state(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Write pruned entries as +0.0: a product with the mask may be -0.0. What is held has its bits already."""
        return dict(state) if self._hold else self.mask.applied_to(state)
