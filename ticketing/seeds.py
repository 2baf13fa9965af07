"""Where every random number comes from: one seed per (seed, replicate, purpose), never an ambient one."""

import hashlib
from typing import Literal

Purpose = Literal[
    "init", "order", "augment", "label_noise", "reinit", "shuffle", "ties", "mask_noise", "split", "bootstrap",
    "rounding",
]  # fmt: skip


def derive(seed: int, replicate: int, purpose: Purpose, *labels: str | int) -> int:
    """Derive a 63-bit seed that depends on all of its arguments and on nothing else.

    Two purposes, replicates or labels (a level, an epoch, `"certificate"`) never share a stream.
    """
    words = "/".join([str(seed), str(replicate), purpose, *map(str, labels)])
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big") >> 1


def order_of_level(seed: int, replicate: int, level: int) -> int:
    """Derive the seed of the order in which a level of a search sees its examples."""
    return derive(seed, replicate, "order", "search", level)
