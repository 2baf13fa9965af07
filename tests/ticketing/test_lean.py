"""ticketing.lean: what a mask has cut off may be left out: the same function, the same training, less work."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ticketing.lean import Lean, lean
from ticketing.mask import Mask
from ticketing.observer import RecordingObserver
from ticketing.sparse import same_bits
from ticketing.subject import Subject, placed
from ticketing.training import train


def drawn(subject: Subject, seed: int, density: float) -> Mask:
    generator = torch.Generator().manual_seed(seed)
    return Mask({name: torch.rand(shape, generator=generator) < density for name, shape in subject.shapes.items()})


def sparse(subject: Subject) -> Mask:
    """Keep two inputs, three units of the first layer and two of the second, and one that nobody listens to."""
    mask = {name: torch.zeros(shape, dtype=torch.bool) for name, shape in subject.shapes.items()}
    mask["fc1.weight"][[2, 5, 9, 11], [1, 6, 6, 7]] = True  # unit 11 reads input 7, and nobody listens to 11
    mask["fc2.weight"][[0, 4, 4], [2, 5, 9]] = True
    mask["fc3.weight"][:, [0, 4]] = True
    return Mask(mask)


def left(network: Lean) -> list[tuple[int, ...]]:
    return [tuple(kept.shape) for kept in network.mask.values()]


def test_inputs_nobody_reads_and_units_nobody_listens_to_are_left_out(make_subject: Any) -> None:
    subject = make_subject()
    assert left(lean(subject.module, sparse(subject), decays=False)) == [(3, 2), (2, 3), (3, 2)]


def test_with_weight_decay_only_inputs_are_left_out(make_subject: Any) -> None:
    subject = make_subject(in_features=64, hidden=[16, 12], classes=3)
    mask = Mask({name: kept.clone() for name, kept in Mask.full(subject.shapes).items()})
    mask["fc1.weight"][:, 5:] = False
    mask["fc2.weight"][:, 3:] = False
    assert left(lean(subject.module, mask, decays=True)) == [(16, 5), (12, 16), (3, 12)]
    assert left(lean(subject.module, mask, decays=False)) == [(3, 5), (12, 3), (3, 12)]


@given(seed=st.integers(0, 10_000), density=st.floats(0.02, 0.5))
def test_the_function_is_the_same(make_subject: Any, seed: int, density: float) -> None:
    subject = make_subject()
    mask = drawn(subject, seed, density)
    slim, state = lean(subject.module, mask, decays=False), mask.applied_to(subject.initial_state)
    x = torch.randn(7, 8, generator=torch.Generator().manual_seed(seed))
    whole, small = (
        placed(module, weights, device="cpu")(x)
        for module, weights in ((subject.module, state), (slim.module, slim.shrunk(state)))
    )
    assert torch.allclose(whole, small, atol=1e-6)  # another order of summation


@given(seed=st.integers(0, 10_000), density=st.floats(0.02, 0.5))
def test_what_is_taken_out_and_put_back_is_what_it_was(make_subject: Any, seed: int, density: float) -> None:
    subject = make_subject()
    slim = lean(subject.module, drawn(subject, seed, density), decays=False)
    assert same_bits(slim.grown(slim.shrunk(subject.initial_state), whole=subject.initial_state), subject.initial_state)


@pytest.mark.parametrize("optimizer", [{"name": "adam"}, {"name": "sgd", "momentum": 0.9, "nesterov": True}])
def test_a_training_comes_to_the_same_and_what_was_left_out_has_not_moved(
    make_subject: Any, make_dataset: Any, make_training: Any, optimizer: dict[str, Any]
) -> None:
    subject, data, training = make_subject(), make_dataset(), make_training(optimizer=optimizer)
    mask = sparse(subject)
    start, slim = mask.applied_to(subject.initial_state), lean(subject.module, mask, decays=False)

    def final(module: Any, weights: dict[str, Tensor], kept: Mask) -> dict[str, Tensor]:
        return train(
            module, weights, data=data, training=training, mask=kept, order_seed=3, observer=RecordingObserver()
        ).final

    whole = final(subject.module, start, mask)
    small = slim.grown(final(slim.module, slim.shrunk(start), slim.mask), whole=start)
    assert all(torch.allclose(whole[name], small[name], atol=1e-5) for name in whole)
    # The unit nobody listens to: its weight and bias are those it began with, in both.
    for state in (whole, small):
        assert torch.equal(state["fc1.weight"][11], start["fc1.weight"][11])
        assert torch.equal(state["fc1.bias"][11], start["fc1.bias"][11])
    assert not torch.equal(small["fc3.bias"], start["fc3.bias"])


def test_a_network_that_loses_little_is_left_whole(make_subject: Any) -> None:
    subject = make_subject()
    full = Mask.full(subject.shapes)
    whole = lean(subject.module, full, decays=False)
    assert whole.module is subject.module
    assert whole.mask is full
    assert same_bits(whole.shrunk(subject.initial_state), subject.initial_state)


def test_a_network_cut_in_two_is_left_whole(make_subject: Any) -> None:
    subject = make_subject()
    mask = Mask({name: torch.zeros(shape, dtype=torch.bool) for name, shape in subject.shapes.items()})
    assert lean(subject.module, mask, decays=False).module is subject.module


def test_a_network_of_another_kind_is_left_whole(make_subject: Any) -> None:
    subject = make_subject("conv-2", in_channels=1, input_size=[8, 8], classes=3)
    mask = drawn(subject, 0, 0.001)
    assert lean(subject.module, mask, decays=False).module is subject.module
