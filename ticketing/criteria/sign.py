"""Scores that put entries first whose sign training kept, or turned: Zhou et al. 2019, section 4.1.

The authors' code sets ineligible entries to 0, which puts them above eligible ones of negative score. Here every
eligible entry ranks above every ineligible one, and inside each class the score decides. Where a level keeps more than
are eligible, the report says how many ineligible ones it kept (`ineligible_kept`).
"""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ticketing.criteria.candidates import Candidates, eligible_first
from ticketing.criteria.magnitude import large_final
from ticketing.criteria.movement import magnitude_increase

Scores = dict[str, Float[Tensor, "..."]]
Eligible = dict[str, Bool[Tensor, "..."]]


def same_sign(candidates: Candidates) -> Eligible:
    """Mark where sign(w_f) = sign(w_i) and neither is zero."""
    return {name: torch.sign(final) * torch.sign(initial) > 0 for name, initial, final in candidates.pairs()}


def different_sign(candidates: Candidates) -> Eligible:
    """Mark where sign(w_f) = -sign(w_i) and neither is zero."""
    return {name: torch.sign(final) * torch.sign(initial) < 0 for name, initial, final in candidates.pairs()}


def large_final_same_sign(candidates: Candidates) -> Scores:
    """|w_f| where the sign stayed; the paper's max(0, w_f w_i / |w_i|)."""
    return eligible_first(large_final(candidates), same_sign(candidates))


def large_final_different_sign(candidates: Candidates) -> Scores:
    """|w_f| where the sign turned; the paper's max(0, -w_f w_i / |w_i|), its reverse control."""
    return eligible_first(large_final(candidates), different_sign(candidates))


def magnitude_increase_same_sign(candidates: Candidates) -> Scores:
    """|w_f| - |w_i| where the sign stayed."""
    return eligible_first(magnitude_increase(candidates), same_sign(candidates))


def magnitude_increase_different_sign(candidates: Candidates) -> Scores:
    """|w_f| - |w_i| where the sign turned, its reverse control."""
    return eligible_first(magnitude_increase(candidates), different_sign(candidates))


ELIGIBLE: Mapping[str, Callable[[Candidates], Eligible]] = {
    "large_final_same_sign": same_sign,
    "large_final_different_sign": different_sign,
    "magnitude_increase_same_sign": same_sign,
    "magnitude_increase_different_sign": different_sign,
}
"""Which entries a criterion puts first; criteria that are not here treat all alike."""
