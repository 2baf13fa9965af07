"""Counterparts of a ticket: if they do as well, the ticket was luck.

To add one: a function in `sparse` (under the ticket's counts) or `dense` with `Draw`'s shape, its line in `CONTROLS`,
its word in `Control` of `ticketing.recipe.evidence`, and its row in `docs/evidence.md`; if it draws a mask, its
counterpart within blocks in `n_of_m`. `DENSE_LENGTHS` are drawn by nobody: they are the dense network, and `length`
counts their updates.
"""

from collections.abc import Mapping

from ticketing.controls.dense import small_dense
from ticketing.controls.drawn import Draw, Drawn
from ticketing.controls.n_of_m import controls_in_blocks
from ticketing.controls.sparse import random, reinit, reinit_shuffle, shuffle

__all__ = ["CONTROLS", "Draw", "Drawn", "control"]

CONTROLS: Mapping[str, Draw] = {
    "reinit": reinit,
    "shuffle": shuffle,
    "reinit_shuffle": reinit_shuffle,
    "random": random,
    "small_dense": small_dense,
}


def control(word: str, *, block: int | None = None) -> Draw:
    """Give what draws a control.

    Args:
        word: Of the recipe.
        block: With N:M how many inputs a block has: masks are drawn within blocks. None with any other structure.
    """
    return CONTROLS[word] if block is None else {**CONTROLS, **controls_in_blocks(block)}[word]
