"""Files of tensors that are whole or not there; knows nothing of what is in them."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from ticketing.whole import fill_whole, sha256_of, sync_folder, write_whole

__all__ = ["sha256_of", "sync_folder", "write_tensors", "write_whole"]


def write_tensors(path: Path, tensors: Mapping[str, Tensor], *, metadata: str) -> None:
    """Write tensors as safetensors, whole or not at all.

    The metadata is one string under the key `winnow`: the format keeps a map in no fixed order, and equal content
    must have equal bytes.
    """
    placed = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    fill_whole(path, lambda temporary: save_file(placed, temporary, metadata={"winnow": metadata}))
