"""What is done to gradients between the backward pass and the update; knows no network.

Nothing here waits for the device.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ticketing.training.state import copy_into

FIRST_SCALE = 2.0**16
GROWTH, BACKOFF, GROWTH_INTERVAL = 2.0, 0.5, 2000


class LossScale:
    """A factor that keeps the small gradients of fp16 from vanishing (Micikevicius et al. 2018, section 3.2).

    It halves whenever a gradient overflows, and doubles after 2,000 updates without: as `torch.amp.GradScaler` does.
    """

    def __init__(self, device: torch.device) -> None:
        """Start at 65,536."""
        self._scale = torch.tensor(FIRST_SCALE, device=device)
        self._calm = torch.zeros((), dtype=torch.int32, device=device)

    def of(self, loss: Tensor) -> Tensor:
        """Scale a loss, to be differentiated."""
        return loss * self._scale

    def undo(self, gradients: Sequence[Tensor]) -> tuple[list[Tensor], Tensor]:
        """Give the gradients of the loss itself, and 1.0 where any of them overflowed, else 0.0; adapt the factor."""
        plain = [gradient.clone() for gradient in gradients]
        overflowed = torch.zeros((), device=self._scale.device)
        torch._amp_foreach_non_finite_check_and_unscale_(plain, overflowed, self._scale.reciprocal())
        torch._amp_update_scale_(self._scale, self._calm, overflowed, GROWTH, BACKOFF, GROWTH_INTERVAL)
        return plain, overflowed

    def state(self) -> dict[str, Tensor]:
        """Give what the next update depends on: the tensors themselves, not copies."""
        return {"scale": self._scale, "calm": self._calm}

    def restore(self, saved: Mapping[str, Tensor]) -> None:
        """Take back what `state` gave.

        Raises:
            CheckpointError: Other names or shapes.
        """
        copy_into(self.state(), saved, what="a loss scale")


def clipped(gradients: list[Tensor], limit: float) -> list[Tensor]:
    """Shorten gradients to a common L2 norm of `limit` where it is longer (Pascanu et al. 2013, algorithm 1).

    As `torch.nn.utils.clip_grad_norm_` does: all are multiplied by min(1, limit / (norm + 1e-6)).
    """
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    return list(torch._foreach_mul(gradients, (limit / (norm + 1e-6)).clamp(max=1.0)))


def laid_like(weight: Tensor, gradient: Tensor) -> Tensor:
    """Give the gradient in the memory layout of its weight: the fused kernels walk both by address."""
    if gradient.stride() == weight.stride():
        return gradient
    return torch.empty_like(weight, requires_grad=False).copy_(gradient)
