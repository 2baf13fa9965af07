"""Scores by the size of weights: Frankle & Carbin 2018; names as in Zhou et al. 2019, table 1."""

import torch
from jaxtyping import Float
from torch import Tensor

from ticketing.criteria.candidates import Candidates, shares_at_or_below

Scores = dict[str, Float[Tensor, "..."]]


def large_final(candidates: Candidates) -> Scores:
    """|w_f|: the magnitude after training, whatever it was before (Frankle & Carbin 2018, section 2)."""
    return {name: final.abs() for name, _, final in candidates.pairs()}


def small_final(candidates: Candidates) -> Scores:
    """-|w_f|: the reverse control of `large_final` (Zhou et al. 2019, table 1)."""
    return {name: -final.abs() for name, _, final in candidates.pairs()}


def large_init(candidates: Candidates) -> Scores:
    """|w_i|: the magnitude before training, which no training can change (Zhou et al. 2019, table 1)."""
    return {name: initial.abs() for name, initial, _ in candidates.pairs()}


def small_init(candidates: Candidates) -> Scores:
    """-|w_i|: the reverse control of `large_init` (Zhou et al. 2019, table 1)."""
    return {name: -initial.abs() for name, initial, _ in candidates.pairs()}


def large_init_large_final(candidates: Candidates) -> Scores:
    """Min(rank |w_i|, rank |w_f|), ranks among the candidates of a parameter: large at both ends.

    Zhou et al. 2019, table 1, write min(a|w_f|, |w_i|) and search a percentile that both tails share; ranks need no
    search.
    """
    return {
        name: torch.minimum(
            shares_at_or_below(initial.abs(), candidates.within[name]),
            shares_at_or_below(final.abs(), candidates.within[name]),
        )
        for name, initial, final in candidates.pairs()
    }


def small_init_small_final(candidates: Candidates) -> Scores:
    """-max(rank |w_i|, rank |w_f|): the reverse control of `large_init_large_final` (Zhou et al. 2019, table 1)."""
    return {
        name: -torch.maximum(
            shares_at_or_below(initial.abs(), candidates.within[name]),
            shares_at_or_below(final.abs(), candidates.within[name]),
        )
        for name, initial, final in candidates.pairs()
    }
