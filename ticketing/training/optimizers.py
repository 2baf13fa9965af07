"""Adam, AdamW and SGD by the kernels that `torch.optim` calls, without `torch.optim`; knows no schedule and no mask.

The first constructor of `torch.optim` imports `torch._dynamo`, which takes longer than the training of a small level.
The arithmetic is that of `torch.optim` with `fused=True`, bit for bit (tests hold it to that).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ticketing.recipe import SGD, Adam, AdamW
from ticketing.training.state import copy_into

ADAM_EPSILON = 1e-8


@dataclass(frozen=True)
class Group:
    """Parameters that decay alike: the kernels take one decay a call."""

    weight_decay: float
    places: tuple[int, ...]
    """Of its parameters among all of them."""

    def of(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Pick its own out of tensors that are given one per parameter, or none where there are none."""
        return [tensors[place] for place in self.places] if tensors else []


def groups_of(settings: SGD | Adam | AdamW, parameters: Sequence[Tensor]) -> list[Group]:
    """Split parameters by decay. Weights have two dimensions or more; norms and biases have one."""
    weights = [place for place, parameter in enumerate(parameters) if parameter.dim() > 1]
    others = [place for place, parameter in enumerate(parameters) if parameter.dim() <= 1]
    if settings.weight_decay == 0 or settings.weight_decay_on == "all":
        return [Group(settings.weight_decay, tuple(range(len(parameters))))]
    split = [Group(settings.weight_decay, tuple(weights)), Group(0.0, tuple(others))]
    return [group for group in split if group.places]


class FusedAdam:
    """Adam and AdamW as `torch.optim.Adam(fused=True)` and `AdamW(fused=True)` compute them."""

    def __init__(self, settings: Adam | AdamW, parameters: Mapping[str, Tensor], *, skips: bool = False) -> None:
        """Start with zero moments for `parameters`; `skips` where `update` may be told to skip."""
        self.steps = 0
        """Updates made or skipped since the moments were zero."""
        self._settings = settings
        self._kernel = torch._fused_adamw_ if isinstance(settings, AdamW) else torch._fused_adam_
        self._first = {name: torch.zeros_like(p, requires_grad=False) for name, p in parameters.items()}
        self._second = {name: torch.zeros_like(p, requires_grad=False) for name, p in parameters.items()}
        # The kernel wants a counter per parameter and only reads them: all may be one.
        self._counter = torch.zeros((), device=next(iter(parameters.values())).device)
        self._skips = skips
        own = list(parameters.values())
        per_parameter = [own, list(self._first.values()), list(self._second.values()), [self._counter] * len(own)]
        groups = groups_of(settings, own)
        self._groups = [(group, [group.of(tensors) for tensors in per_parameter]) for group in groups]

    def update(self, learning_rate: float, gradients: Sequence[Tensor], *, skip: Tensor | None = None) -> None:
        """Change the parameters by their gradients, given in their order; in place.

        Args:
            learning_rate: Of this update.
            gradients: One per parameter.
            skip: A float on the device; 1 leaves parameters and moments as they are.
        """
        self.steps += 1
        self._counter += 1
        for group, (own, first, second, counters) in self._groups:
            self._kernel(
                own,
                group.of(gradients),
                first,
                second,
                [],
                counters,
                lr=learning_rate,
                beta1=self._settings.betas[0],
                beta2=self._settings.betas[1],
                weight_decay=group.weight_decay,
                eps=ADAM_EPSILON,
                amsgrad=False,
                maximize=False,
                found_inf=skip,
            )
        if skip is not None:
            self._counter -= skip

    def moments(self) -> dict[str, Tensor]:
        """Give the running means of gradient and squared gradient by name: the tensors themselves, not copies."""
        first = {f"first/{name}": tensor for name, tensor in self._first.items()}
        second = {f"second/{name}": tensor for name, tensor in self._second.items()}
        # How many updates were skipped is known on the device alone.
        return first | second | ({"made": self._counter} if self._skips else {})

    def restore(self, moments: Mapping[str, Tensor], steps: int) -> None:
        """Take back what `moments` gave after `steps` updates.

        Raises:
            CheckpointError: Other names or shapes.
        """
        self.steps = steps
        self._counter.fill_(steps)
        copy_into(self.moments(), moments, what="optimizer moments")


class FusedSGD:
    """SGD as `torch.optim.SGD(fused=True)` computes it: L2 in the gradient, dampening 0."""

    def __init__(self, settings: SGD, parameters: Mapping[str, Tensor]) -> None:
        """Start with zero momentum for `parameters`."""
        self.steps = 0
        """Updates made or skipped since the moments were zero."""
        self._settings = settings
        remembered = parameters if settings.momentum else {}
        self._velocity = {name: torch.zeros_like(p, requires_grad=False) for name, p in remembered.items()}
        own, velocities = list(parameters.values()), list(self._velocity.values())
        groups = groups_of(settings, own)
        self._groups = [(group, group.of(own), group.of(velocities)) for group in groups]

    def update(self, learning_rate: float, gradients: Sequence[Tensor], *, skip: Tensor | None = None) -> None:
        """Change the parameters by their gradients, given in their order; in place.

        Args:
            learning_rate: Of this update.
            gradients: One per parameter.
            skip: A float on the device; 1 leaves parameters and moments as they are.
        """
        for group, own, velocities in self._groups:
            torch._fused_sgd_(
                own,
                group.of(gradients),
                velocities,
                lr=learning_rate,
                momentum=self._settings.momentum,
                weight_decay=group.weight_decay,
                dampening=0.0,
                nesterov=self._settings.nesterov,
                maximize=False,
                is_first_step=False,  # the velocities start at 0, which comes to the same
                found_inf=skip,
            )
        self.steps += 1

    def moments(self) -> dict[str, Tensor]:
        """Give the velocities by name: the tensors themselves, not copies; none without momentum."""
        return {f"velocity/{name}": tensor for name, tensor in self._velocity.items()}

    def restore(self, moments: Mapping[str, Tensor], steps: int) -> None:
        """Take back what `moments` gave after `steps` updates.

        Raises:
            CheckpointError: Other names or shapes.
        """
        copy_into(self.moments(), moments, what="optimizer moments")
        self.steps = steps


Optimizer = FusedAdam | FusedSGD


def optimizer_for(settings: SGD | Adam | AdamW, parameters: Mapping[str, Tensor], *, skips: bool = False) -> Optimizer:
    """Give a fresh update rule: every moment zero, no step made.

    Args:
        settings: Of the recipe.
        parameters: To be updated, by name.
        skips: Whether updates will be skipped: then what was made is counted on the device and kept in the moments.
    """
    return FusedSGD(settings, parameters) if isinstance(settings, SGD) else FusedAdam(settings, parameters, skips=skips)
