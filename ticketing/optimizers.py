"""Adam and SGD by the fused kernels that `torch.optim` calls, without `torch.optim`; knows no schedule and no mask.

The first constructor of `torch.optim` imports `torch._dynamo`, which takes longer than the training of a small level.
The arithmetic is that of `torch.optim` with `fused=True`, bit for bit (tests hold it to that).
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ticketing.errors import CheckpointError
from ticketing.recipe import SGD, Adam

ADAM_EPSILON = 1e-8


class FusedAdam:
    """Adam as `torch.optim.Adam(fused=True)` computes it (Kingma & Ba 2014, algorithm 1)."""

    def __init__(self, settings: Adam, parameters: Mapping[str, Tensor]) -> None:
        """Start with zero moments for `parameters`."""
        self.steps = 0
        """Updates made since the moments were zero."""
        self._settings = settings
        self._parameters = list(parameters.values())
        self._first = {name: torch.zeros_like(p, requires_grad=False) for name, p in parameters.items()}
        self._second = {name: torch.zeros_like(p, requires_grad=False) for name, p in parameters.items()}
        # The kernel wants a counter per parameter and only reads them: all may be one.
        self._counter = torch.zeros((), device=self._parameters[0].device)
        self._counters = [self._counter] * len(self._parameters)
        self._moments = (list(self._first.values()), list(self._second.values()))

    def update(self, learning_rate: float, gradients: Sequence[Tensor]) -> None:
        """Change the parameters by their gradients, given in their order; in place."""
        self.steps += 1
        self._counter += 1
        torch._fused_adam_(
            self._parameters,
            list(gradients),
            *self._moments,
            [],
            self._counters,
            lr=learning_rate,
            beta1=self._settings.betas[0],
            beta2=self._settings.betas[1],
            weight_decay=self._settings.weight_decay,
            eps=ADAM_EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def moments(self) -> dict[str, Tensor]:
        """Give the running means of gradient and squared gradient by name: the tensors themselves, not copies."""
        first = {f"first/{name}": tensor for name, tensor in self._first.items()}
        return first | {f"second/{name}": tensor for name, tensor in self._second.items()}

    def restore(self, moments: Mapping[str, Tensor], steps: int) -> None:
        """Take back what `moments` gave after `steps` updates.

        Raises:
            CheckpointError: Other names or shapes.
        """
        _copy_into(self.moments(), moments)
        self.steps = steps
        self._counter.fill_(steps)


class FusedSGD:
    """SGD as `torch.optim.SGD(fused=True)` computes it: L2 in the gradient, dampening 0."""

    def __init__(self, settings: SGD, parameters: Mapping[str, Tensor]) -> None:
        """Start with zero momentum for `parameters`."""
        self.steps = 0
        """Updates made since the moments were zero."""
        self._settings = settings
        self._parameters = list(parameters.values())
        remembered = parameters if settings.momentum else {}
        self._velocity = {name: torch.zeros_like(p, requires_grad=False) for name, p in remembered.items()}
        self._velocities = list(self._velocity.values())

    def update(self, learning_rate: float, gradients: Sequence[Tensor]) -> None:
        """Change the parameters by their gradients, given in their order; in place."""
        torch._fused_sgd_(
            self._parameters,
            list(gradients),
            self._velocities,
            lr=learning_rate,
            momentum=self._settings.momentum,
            weight_decay=self._settings.weight_decay,
            dampening=0.0,
            nesterov=self._settings.nesterov,
            maximize=False,
            is_first_step=False,  # the velocities start at 0, which comes to the same
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
        _copy_into(self.moments(), moments)
        self.steps = steps


Optimizer = FusedAdam | FusedSGD


def optimizer_for(settings: SGD | Adam, parameters: Mapping[str, Tensor]) -> Optimizer:
    """Give a fresh update rule: every moment zero, no step made."""
    return FusedSGD(settings, parameters) if isinstance(settings, SGD) else FusedAdam(settings, parameters)


def _copy_into(own: Mapping[str, Tensor], saved: Mapping[str, Tensor]) -> None:
    expected, came = ({name: tuple(t.shape) for name, t in given.items()} for given in (own, saved))
    if expected != came:
        raise CheckpointError(f"expected optimizer moments {expected}, got {came}")
    for name, tensor in own.items():
        tensor.copy_(saved[name])
