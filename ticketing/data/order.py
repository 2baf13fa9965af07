"""In which order examples are seen: a seeded permutation per epoch and a position in it; knows no examples."""

import torch
from jaxtyping import Int64
from torch import Tensor

from ticketing.errors import CheckpointError
from ticketing.seeds import derive
from ticketing.step import iterations_per_epoch


class Order:
    """Batches of row numbers, whole batches only, a new permutation every epoch.

    The batch of an update depends on the seed, the epoch and the position alone, so `restore` goes on exactly
    where `state` was taken, and two trainings with one seed see the same batches at the same updates.
    """

    def __init__(self, n: int, batch_size: int, seed: int, *, device: torch.device | str = "cpu") -> None:
        """Order `n` rows in batches of `batch_size` (one batch of all rows where there are fewer)."""
        self._n = n
        self._batch_size = min(batch_size, n)
        self._seed = seed
        self._device = device
        self.per_epoch = iterations_per_epoch(n, batch_size)
        self._go_to(0, 0)

    def next(self) -> Int64[Tensor, " batch"]:
        """Give the rows of the next batch and move on by one."""
        if self._position == self.per_epoch:
            self._go_to(self._epoch + 1, 0)
        start = self._position * self._batch_size
        self._position += 1
        return self._rows[start : start + self._batch_size]

    def seek(self, step: int) -> None:
        """Go to where the order stands after `step` batches."""
        self._go_to(*divmod(step, self.per_epoch))

    def state(self) -> dict[str, int]:
        """Give the epoch and the number of its batches already seen."""
        return {"epoch": self._epoch, "position": self._position}

    def restore(self, state: dict[str, int]) -> None:
        """Go back to a `state`.

        Raises:
            CheckpointError: It is no position of this order.
        """
        epoch, position = state.get("epoch", -1), state.get("position", -1)
        if epoch < 0 or not 0 <= position <= self.per_epoch:
            raise CheckpointError(f"expected an epoch and a position of 0 to {self.per_epoch}, got {state}")
        self._go_to(epoch, position)

    def _go_to(self, epoch: int, position: int) -> None:
        generator = torch.Generator().manual_seed(derive(self._seed, 0, "order", epoch))
        self._rows = torch.randperm(self._n, generator=generator).to(self._device)
        self._epoch, self._position = epoch, position
