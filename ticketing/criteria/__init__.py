"""The criteria: which score each gives an entry; higher means keep.

To add one: a function of `Criterion`'s shape in a file here, its line in `CRITERIA`, and its word and sentence in
`ticketing.recipe.masking`.
"""

from collections.abc import Callable, Mapping

from torch import Tensor

from ticketing.criteria.candidates import Candidates
from ticketing.criteria.chance import random
from ticketing.criteria.magnitude import (
    large_final,
    large_init,
    large_init_large_final,
    small_final,
    small_init,
    small_init_small_final,
)
from ticketing.criteria.movement import magnitude_increase, movement
from ticketing.criteria.sensitivity import gradient, snip
from ticketing.criteria.sign import (
    ELIGIBLE,
    large_final_different_sign,
    large_final_same_sign,
    magnitude_increase_different_sign,
    magnitude_increase_same_sign,
)

__all__ = ["CRITERIA", "ELIGIBLE", "Candidates", "Criterion"]

Criterion = Callable[[Candidates], dict[str, Tensor]]
"""Candidates -> one finite score tensor per prunable parameter, shaped like it, on the CPU."""

CRITERIA: Mapping[str, Criterion] = {
    "large_final": large_final,
    "small_final": small_final,
    "large_init": large_init,
    "small_init": small_init,
    "large_init_large_final": large_init_large_final,
    "small_init_small_final": small_init_small_final,
    "magnitude_increase": magnitude_increase,
    "movement": movement,
    "random": random,
    "large_final_same_sign": large_final_same_sign,
    "large_final_different_sign": large_final_different_sign,
    "magnitude_increase_same_sign": magnitude_increase_same_sign,
    "magnitude_increase_different_sign": magnitude_increase_different_sign,
    "snip": snip,
    "gradient": gradient,
}
