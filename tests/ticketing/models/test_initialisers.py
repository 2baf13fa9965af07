"""ticketing.models.initialisers: every word draws with the deviation its source gives."""

import math

import pytest
import torch

from ticketing.architectures.inventory import Layer
from ticketing.models.initialisers import CUT, INITIALISERS

LINEAR = Layer("fc", "linear", (400, 800), True, 0, deviation=0.02)
CONVOLUTION = Layer("conv", "conv", (128, 64, 3, 3), False, 0, deviation=0.02)


@pytest.mark.parametrize(
    ("word", "layer", "deviation"),
    [
        ("glorot_normal", LINEAR, math.sqrt(2 / (400 + 800))),
        ("glorot_normal", CONVOLUTION, math.sqrt(2 / ((128 + 64) * 9))),
        ("kaiming_normal", LINEAR, math.sqrt(2 / 800)),
        ("kaiming_normal", CONVOLUTION, math.sqrt(2 / (128 * 9))),
        ("normal", LINEAR, 0.02),
        # A normal cut at two deviations has 0.8796 of its deviation left.
        ("truncated_normal", LINEAR, 0.02 * 0.8796),
    ],
)
def test_a_word_draws_with_its_deviation(word: str, layer: Layer, deviation: float) -> None:
    drawn = INITIALISERS[word](layer, torch.Generator().manual_seed(0))
    assert drawn.shape == layer.weight
    assert drawn.std().item() == pytest.approx(deviation, rel=0.01)
    assert drawn.mean().item() == pytest.approx(0, abs=deviation / 50)


def test_a_truncated_normal_ends_where_it_is_cut_and_a_whole_one_does_not() -> None:
    drawn = {word: INITIALISERS[word](LINEAR, torch.Generator().manual_seed(0)) for word in INITIALISERS}
    assert drawn["truncated_normal"].abs().max() <= CUT * 0.02 < drawn["normal"].abs().max()
