"""How many bytes the files of a ticket have, as they are and compressed: counts and writes nothing."""

from collections.abc import Mapping
from pathlib import Path

import zstandard
from torch import Tensor

ZSTD_LEVEL = 3
STEMS = ("ticket", "model", "mask", "sparse", "slim")
ENDINGS = (".safetensors", ".json", ".onnx", ".pt2")


def sizes_of(out: Path, initial_state: Mapping[str, Tensor]) -> dict[str, int]:
    """Count the bytes of every file of a network in a folder, and of each by zstd at level 3 as `<name>.zst`; first
    those of the dense network's tensors, as `dense_weights`.
    """
    dense = [tensor.contiguous().numpy().tobytes() for tensor in initial_state.values()]
    sizes = {"dense_weights": sum(map(len, dense)), "dense_weights.zst": _compressed(b"".join(dense))}
    for path in sorted(path for path in out.glob("*.*") if path.stem in STEMS and path.suffix in ENDINGS):
        content = path.read_bytes()
        sizes |= {path.name: len(content), f"{path.name}.zst": _compressed(content)}
    return sizes


def _compressed(content: bytes) -> int:
    return len(zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(content))
