"""ticketing.plans.dense_length: a dense network gets the multiply-adds or the updates of its ticket, not one more."""

from hypothesis import given
from hypothesis import strategies as st

from ticketing.architectures import arguments_for, inventory
from ticketing.plans.costs import forward_flops, training_flops
from ticketing.plans.dense_length import updates_of_short

ARGUMENTS = {"in_features": 8, "hidden": [16, 12], "classes": 3}
MLP = inventory("mlp", arguments_for("mlp", ARGUMENTS, data_shape=None, classes=None))


masks = st.fixed_dictionaries({layer.parameter: st.integers(0, layer.entries) for layer in MLP.prunable})


@given(masks, st.integers(1, 10_000), st.integers(0, 10_000))
def test_a_short_one_has_the_multiply_adds_of_the_ticket_to_less_than_one_update(
    kept: dict[str, int], steps: int, first: int
) -> None:
    first %= steps
    updates = updates_of_short(MLP, kept, steps=steps, first=first)
    one = training_flops(MLP, None, updates=1, batch_size=10).executed
    ticket = first * one + training_flops(MLP, kept, updates=steps - first, batch_size=10).nonzero
    assert 1 <= updates <= steps
    assert (updates - 1) * one < ticket + one
    assert updates == 1 or updates * one <= ticket < (updates + 1) * one


def test_it_is_what_one_can_count_by_hand() -> None:
    # Weights of 8 x 16, 16 x 12 and 12 x 3: 356 multiply-adds, of which 64 + 96 + 18 = 178 are left.
    half = {"fc1.weight": 64, "fc2.weight": 96, "fc3.weight": 18}
    assert forward_flops(MLP, None, examples=1).nonzero == 2 * 356
    assert updates_of_short(MLP, half, steps=100, first=0) == 50
    assert updates_of_short(MLP, half, steps=100, first=20) == 60
    nothing = dict.fromkeys(half, 0)
    assert [updates_of_short(MLP, nothing, steps=100, first=first) for first in (0, 20)] == [1, 20]
