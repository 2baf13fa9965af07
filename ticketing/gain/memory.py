"""The memory that one forward pass holds at most, counted tensor by tensor: the same on every machine."""

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def peak_bytes(network: nn.Module, x: Tensor) -> int:
    """Give the most bytes of tensors that are alive at once in a forward pass: weights, buffers, the batch and what
    the layers make of it. What kernels take for themselves while they run is not in it.

    Args:
        network: In eval mode.
        x: The batch.
    """
    held = [*network.parameters(), *network.buffers(), x]
    alive = _Alive(held)
    with torch.no_grad(), alive:
        network(x)
    return alive.peak


class _Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the storages that are alive, those of results until nobody holds them."""

    def __init__(self, held: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._seen: set[int] = set()
        self._bytes = 0
        self.peak = 0
        for tensor in held:
            self._see(tensor)

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Sequence[Any] = (), keywords: Mapping[str, Any] | None = None
    ) -> Any:
        result = function(*args, **(keywords or {}))
        for made in tree_leaves(result):
            if isinstance(made, Tensor):
                self._see(made)
        return result

    def _see(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._seen:
            self._seen.add(key)
            self._bytes += size
            self.peak = max(self.peak, self._bytes)
            weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self._bytes -= size
