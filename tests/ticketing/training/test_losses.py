"""ticketing.training.losses: squared loss is the distance to the one-hot class; both are called alike."""

import pytest
import torch
from torch.nn import functional

from ticketing.training.losses import LOSSES, mse

LOGITS = torch.tensor([[0.5, 0.0, 2.0], [1.0, 0.0, 0.0]])
CLASSES = torch.tensor([2, 0])


def test_squared_loss_is_what_one_computes_by_hand() -> None:
    assert mse(LOGITS, CLASSES, reduction="none").tolist() == [1.25, 0.0]
    assert mse(LOGITS, CLASSES).item() == 0.625


def test_smoothing_spreads_its_share_over_all_classes() -> None:
    smoothed = mse(torch.tensor([[0.8, 0.1, 0.1]]), torch.tensor([0]), label_smoothing=0.3)
    assert smoothed.item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("word", LOSSES)
def test_the_mean_is_that_of_the_examples(word: str) -> None:
    each = LOSSES[word](LOGITS, CLASSES, reduction="none")
    assert each.shape == (2,)
    assert LOSSES[word](LOGITS, CLASSES).item() == pytest.approx(each.mean().item())


def test_cross_entropy_is_that_of_torch() -> None:
    assert LOSSES["cross_entropy"](LOGITS, CLASSES).equal(functional.cross_entropy(LOGITS, CLASSES))
