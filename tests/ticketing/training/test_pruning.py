"""ticketing.training.pruning: a mask is asked for after the named updates alone, each drawn within the one before."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ticketing.mask import Mask
from ticketing.training.pruning import Pruning


def first_goes(step: int, weights: Mapping[str, Tensor], within: Mask) -> Mask:
    """Remove the first entry that is left."""
    kept = within["a"].clone()
    kept[int(kept.nonzero()[0])] = False
    return Mask({"a": kept})


def test_the_mask_changes_after_the_named_updates_alone_and_the_newest_is_remembered() -> None:
    pruning = Pruning({2, 5}, first_goes, Mask({"a": torch.ones(3, dtype=torch.bool)}))
    kept = [None if (mask := pruning.after(step, {})) is None else mask.kept_count for step in range(1, 7)]
    assert kept == [None, 2, None, None, 1, None]
    assert pruning.mask["a"].tolist() == [False, False, True]
