"""Counterparts of a ticket: if they do as well, the ticket was luck.

To add one: a function in `sparse` (under the ticket's counts) or `dense` with `Draw`'s shape, its line in `CONTROLS`,
its word in `Control` of `ticketing.recipe.evidence`, and its row in `docs/evidence.md`. `DENSE_LENGTHS` are drawn by
nobody: they are the dense network, and `length` counts their updates.
"""

from collections.abc import Mapping

from ticketing.controls.dense import small_dense
from ticketing.controls.drawn import Draw, Drawn
from ticketing.controls.sparse import random, reinit, reinit_shuffle, shuffle

__all__ = ["CONTROLS", "Draw", "Drawn"]

CONTROLS: Mapping[str, Draw] = {
    "reinit": reinit,
    "shuffle": shuffle,
    "reinit_shuffle": reinit_shuffle,
    "random": random,
    "small_dense": small_dense,
}
