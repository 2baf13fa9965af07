"""The words for which entries stay and what becomes of the others, each with its sentence; knows no tensors.

w_i is what an entry held before training, w_f what it holds after; numbers are those of Zhou et al. 2019.
"""

from collections.abc import Mapping
from typing import Any, Literal

Criterion = Literal[
    "large_final", "small_final", "large_init", "small_init", "large_init_large_final", "small_init_small_final",
    "magnitude_increase", "movement", "random", "large_final_same_sign", "large_final_different_sign",
    "magnitude_increase_same_sign", "magnitude_increase_different_sign", "snip", "gradient",
    "l1", "l2", "norm_scale", "taylor",
]  # fmt: skip
Scope = Literal["layerwise", "global", "erk", "lamp"]
Kept = Literal["rewind", "reinit", "reshuffle", "reshuffle_all", "constant", "constant_random_sign"]
Pruned = Literal["zero", "freeze", "freeze_if_growing", "freeze_if_growing_all", "freeze_if_shrinking"]

CRITERION_WORDS: Mapping[Criterion, str] = {
    "large_final": "|w_f|",
    "small_final": "-|w_f|, its reverse control",
    "large_init": "|w_i|",
    "small_init": "-|w_i|, its reverse control",
    "large_init_large_final": "the lower of the two ranks of |w_i| and |w_f| within the parameter",
    "small_init_small_final": "minus the higher of these two ranks",
    "magnitude_increase": "|w_f| - |w_i|",
    "movement": "|w_f - w_i|",
    "random": "a seeded draw: the control of all",
    "large_final_same_sign": "|w_f|, entries that changed their sign after all others",
    "large_final_different_sign": "|w_f|, entries that kept their sign after all others",
    "magnitude_increase_same_sign": "|w_f| - |w_i|, entries that changed their sign after all others",
    "magnitude_increase_different_sign": "|w_f| - |w_i|, entries that kept their sign after all others",
    "snip": "|g w| at w_i, g the gradient of the training loss (Lee et al. 2018)",
    "gradient": "|g| at w_i",
    "l1": "of a channel: the mean of |w_f| over what makes it (Li et al. 2017)",
    "l2": "of a channel: the root mean square of w_f over what makes it",
    "norm_scale": "of a channel: the mean of |gamma|, the scales of its norms (Liu et al. 2017)",
    "taylor": "of a channel: (the sum of g w)^2 over what makes it, at w_f (Molchanov et al. 2019)",
}
SCOPE_WORDS: Mapping[Scope, str] = {
    "layerwise": "the entries of one parameter compete among themselves",
    "global": "the entries of all parameters compete together",
    "erk": "as layerwise, with counts by the Erdos-Renyi-Kernel rule (Evci et al. 2019)",
    "lamp": "as global, with scores normalised within each parameter (Lee et al. 2020)",
}
KEPT_WORDS: Mapping[Kept, str] = {
    "rewind": "what it held at the rewind point",
    "reinit": "a fresh draw from the layer's initialiser",
    "reshuffle": "the initial weights of the kept entries, permuted among them",
    "reshuffle_all": "the whole initial parameter permuted",
    "constant": "sign(w_i) times the population standard deviation of the initial parameter",
    "constant_random_sign": "the same size under a random sign: the control of constant",
}
PRUNED_WORDS: Mapping[Pruned, str] = {
    "zero": "zero",
    "freeze": "its initial weight, untrained",
    "freeze_if_growing": "its initial weight where training had moved it away from zero, else zero",
    "freeze_if_growing_all": "the same, and kept entries that had shrunk start at zero",
    "freeze_if_shrinking": "its initial weight where training had moved it towards zero, else zero",
}

OF_CHANNELS: frozenset[Criterion] = frozenset({"l1", "l2", "norm_scale", "taylor", "random"})
"""Criteria that score whole channels."""
OF_WEIGHTS: frozenset[Criterion] = frozenset(CRITERION_WORDS) - OF_CHANNELS | {"random"}
"""Criteria that score single entries."""
NEED_INITIAL: frozenset[Criterion] = OF_WEIGHTS - {"large_final", "small_final", "random"}
"""Criteria that look at w_i; a model uploaded trained has none to look at."""
MAGNITUDES: frozenset[Criterion] = frozenset({"large_final", "large_init", "movement", "snip", "gradient"})
"""Criteria whose scores are sizes, which LAMP can square."""
CROWDED: frozenset[Criterion] = frozenset(
    word for word in CRITERION_WORDS if word in ("movement", "snip", "gradient") or word.startswith("magnitude")
) | {"large_final_same_sign", "large_final_different_sign"}
"""Criteria that tie by the thousand: an input that never varies moves no weight and sends back no gradient."""
RANDOM_KEPT: frozenset[Kept] = frozenset({"reinit", "reshuffle", "reshuffle_all", "constant_random_sign"})
"""What a survivor restarts as is drawn: another initialisation makes it no different in kind."""
TAKE_A_SIGN: frozenset[Kept] = frozenset({"reinit", "reshuffle", "reshuffle_all"})
"""Actions under which `keep_sign` says something."""


def described(words: Mapping[Any, str], page: str) -> dict[str, Any]:
    """Give what the JSON schema of a field says of each word, and the page that says more."""
    return {"x-words": dict(words), "x-page": page}
