"""ticketing.training.masked: whatever an update does, pruned entries are afterwards what they were to be."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ticketing.mask import Mask
from ticketing.training.masked import MaskedWeights

KEPT = torch.tensor([[True, False], [False, True]])


def parameters() -> dict[str, Tensor]:
    return {"bias": torch.ones(2), "weight": torch.tensor([[1.0, 2.0], [3.0, 4.0]])}


@given(hold=st.booleans(), change=st.floats(-100, 100, allow_nan=False, width=32))
def test_an_update_changes_kept_entries_alone(hold: bool, change: float) -> None:
    named = parameters()
    masked = MaskedWeights(named, Mask({"weight": KEPT}), hold=hold)
    named["weight"] += change
    named["bias"] += change
    masked.put_back()
    before = parameters()["weight"]
    assert torch.equal(named["weight"][KEPT], before[KEPT] + change)
    assert torch.equal(named["weight"][~KEPT], before[~KEPT] if hold else torch.zeros(2))
    assert torch.equal(named["bias"], torch.ones(2) + change)


def test_the_weights_it_gives_are_those_that_train() -> None:
    named = parameters()
    masked = MaskedWeights(named, Mask({"weight": KEPT}), hold=False)
    masked()["weight"].fill_(7)
    assert named["weight"].eq(7).all()


def test_gradients_of_pruned_entries_are_no_part_of_the_gradient_and_the_given_ones_are_left() -> None:
    gradients = [torch.ones(2), torch.ones(2, 2)]
    of_bias, of_weight = MaskedWeights(parameters(), Mask({"weight": KEPT}), hold=False).of_kept(gradients)
    assert torch.equal(of_bias, torch.ones(2))
    assert torch.equal(of_weight, KEPT.float())
    assert gradients[1].eq(1).all()


def test_a_smaller_mask_is_held_at_once_and_from_then_on() -> None:
    named = parameters()
    masked = MaskedWeights(named, Mask({"weight": KEPT}), hold=False)
    smaller = KEPT & torch.tensor([[False, True], [True, True]])
    factors = masked.shrink(Mask({"weight": smaller}))
    assert torch.equal(factors["weight"], smaller.float())
    assert masked.mask == Mask({"weight": smaller})
    assert torch.equal(named["weight"], torch.tensor([[0.0, 0.0], [0.0, 4.0]]))
    named["weight"] += 1
    masked.put_back()
    assert torch.equal(named["weight"], torch.tensor([[0.0, 0.0], [0.0, 5.0]]))


def test_weights_that_hold_something_are_not_pruned_further() -> None:
    masked = MaskedWeights(parameters(), Mask({"weight": KEPT}), hold=True)
    with pytest.raises(ValueError, match="that are zero"):
        masked.shrink(Mask({"weight": KEPT}))


@pytest.mark.parametrize(("hold", "sign"), [(False, False), (True, True)])
def test_a_pruned_entry_is_written_as_plus_zero_unless_it_is_held(hold: bool, sign: bool) -> None:
    state = {"weight": torch.full((2, 2), -0.0)}
    written = MaskedWeights(parameters(), Mask({"weight": KEPT}), hold=hold).in_state(state)["weight"]
    assert torch.signbit(written[~KEPT]).tolist() == [sign, sign]
    assert torch.signbit(written[KEPT]).all()
