"""ticketing.analysis.paths: kept entries that lead nowhere, or come from nothing that varies, are not counted."""

from collections.abc import Callable, Mapping

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ticketing.analysis.paths import effective_counts, varying_inputs
from ticketing.mask import Mask
from ticketing.subject import Subject

MakeSubject = Callable[..., Subject]
TINY = {"in_features": 3, "hidden": [2], "classes": 2}
ALL = torch.tensor([True, True, True])


def tiny_mask(first: list[list[int]], second: list[list[int]]) -> Mask:
    return Mask({"fc1.weight": torch.tensor(first).bool(), "fc2.weight": torch.tensor(second).bool()})


def counts_by_walking(layers: list[Tensor], varying: Tensor) -> list[int]:
    """Follow every path of a perceptron by hand: reached from a varying input, and leading to an output."""
    reached = [varying]
    for kept in layers:
        reached.append((kept & reached[-1]).any(1))
    leading = [torch.ones(len(layers[-1]), dtype=torch.bool)]
    for kept in reversed(layers):
        leading.insert(0, (kept & leading[0][:, None]).any(0))
    return [int((kept & reached[i] & leading[i + 1][:, None]).sum()) for i, kept in enumerate(layers)]


def test_a_full_network_is_effective_throughout(make_subject: MakeSubject) -> None:
    for architecture in ("mlp", "conv-2", "resnet-20"):
        subject = make_subject(architecture, in_channels=2, input_size=[6, 6], classes=3)
        mask = Mask.full(subject.shapes)
        varying = torch.ones(2, 6, 6, dtype=torch.bool)
        assert effective_counts(subject, mask, varying) == mask.counts()


@pytest.mark.parametrize(
    ("first", "second", "varying", "expected"),
    [
        ([[1, 1, 1], [1, 1, 1]], [[1, 1], [1, 1]], [True, True, False], (4, 4)),
        ([[1, 1, 1], [1, 1, 1]], [[1, 0], [1, 0]], [True, True, True], (3, 2)),
        ([[1, 1, 1], [0, 0, 0]], [[1, 1], [1, 1]], [True, True, True], (3, 2)),
        ([[0, 0, 1], [1, 0, 0]], [[1, 1], [1, 1]], [True, True, False], (1, 2)),
        ([[1, 1, 1], [1, 1, 1]], [[1, 1], [1, 1]], [False, False, False], (0, 0)),
    ],
    ids=["a constant input", "a unit nobody reads", "a unit that reads nothing", "a unit of a constant", "no input"],
)
def test_counts_by_hand(
    make_subject: MakeSubject,
    first: list[list[int]],
    second: list[list[int]],
    varying: list[bool],
    expected: tuple[int, int],
) -> None:
    found = effective_counts(make_subject(**TINY), tiny_mask(first, second), torch.tensor(varying))
    assert tuple(found.values()) == expected


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.6))
def test_agrees_with_walking_every_path(make_subject: MakeSubject, seed: int, density: float) -> None:
    subject, generator = make_subject(), torch.Generator().manual_seed(seed)
    mask = Mask({name: torch.rand(shape, generator=generator) < density for name, shape in subject.shapes.items()})
    varying = torch.rand(8, generator=generator) < 0.7
    expected: Mapping[str, int] = dict(zip(mask, counts_by_walking(list(mask.values()), varying), strict=True))
    assert effective_counts(subject, mask, varying) == expected


def test_a_shortcut_carries_what_its_block_does_not(make_subject: MakeSubject) -> None:
    subject = make_subject("resnet-20", in_channels=1, input_size=[8, 8], classes=3)
    shapes = subject.shapes.items()
    outside = Mask({name: torch.full(shape, "layer" not in name) for name, shape in shapes})
    found = effective_counts(subject, outside, torch.ones(1, 8, 8, dtype=torch.bool))
    assert found["conv1.weight"] == 16 * 9
    # Two paddings of the channels leave the 16 that were carried among 64.
    assert found["fc.weight"] == 3 * 16


def test_nothing_is_claimed_of_a_network_with_attention(make_subject: MakeSubject) -> None:
    sizes = {"width": 8, "depth": 1, "heads": 2}
    subject = make_subject("vit-tiny", in_channels=1, input_size=[4, 4], classes=3, **sizes)
    assert effective_counts(subject, Mask.full(subject.shapes), torch.ones(1, 4, 4, dtype=torch.bool)) is None


def test_inputs_that_never_change_do_not_vary() -> None:
    x = torch.tensor([[0.0, 1.0, 5.0], [0.0, 2.0, 5.0], [0.0, 1.0, 5.1]])
    assert varying_inputs(x).tolist() == [False, True, True]
