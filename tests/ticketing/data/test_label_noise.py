"""ticketing.data.label_noise: exactly as many labels change as asked, each to what its kind says."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.data.label_noise import noisy
from ticketing.recipe import LabelNoise

CIFAR_10 = {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}
"""Truck to automobile, bird to airplane, deer to horse, cat and dog to each other (Patrini et al. 2017)."""


def asked(kind: str, fraction: float, **words: Any) -> LabelNoise:
    return LabelNoise.model_validate({"kind": kind, "fraction": fraction} | words)


LABELS = np.random.default_rng(0).integers(0, 10, 2000)


@settings(deadline=None)
@given(fraction=st.floats(0.001, 1), kind=st.sampled_from(["symmetric", "pairflip"]), n=st.integers(1, 200))
def test_exactly_the_fraction_changes(fraction: float, kind: str, n: int) -> None:
    labels = LABELS[:n]
    made, changed = noisy(labels, asked(kind, fraction), classes=10, seed=1)
    assert changed == (made != labels).sum()
    assert abs(changed - fraction * n) <= 0.5


def test_a_fraction_is_the_decimal_that_was_written() -> None:
    assert noisy(LABELS[:100], asked("symmetric", 0.145), classes=10, seed=0)[1] == 15  # not 14.499999999999998


def test_symmetric_noise_reaches_every_other_class_alike() -> None:
    labels = np.zeros(18_000, dtype=np.int64)
    made, _ = noisy(labels, asked("symmetric", 0.5), classes=10, seed=3)
    counts = np.bincount(made, minlength=10)
    assert counts[0] == 9000
    assert abs(counts[1:] - 1000).max() < 150  # five deviations of a binomial


def test_pairflip_takes_the_next_class_and_after_the_last_the_first() -> None:
    made, _ = noisy(LABELS, asked("pairflip", 1.0), classes=10, seed=0)
    assert (made == (LABELS + 1) % 10).all()


def test_asymmetric_noise_changes_the_mapped_classes_alone_and_as_mapped() -> None:
    made, changed = noisy(LABELS, asked("asymmetric", 0.4, map=CIFAR_10), classes=10, seed=0)
    moved = made != LABELS
    assert set(LABELS[moved].tolist()) == set(CIFAR_10)
    assert all(CIFAR_10[old] == new for old, new in zip(LABELS[moved].tolist(), made[moved].tolist(), strict=True))
    assert changed == moved.sum() == round(0.4 * np.isin(LABELS, list(CIFAR_10)).sum())


@pytest.mark.parametrize("kind", ["symmetric", "pairflip"])
def test_every_class_has_its_share(kind: str) -> None:
    made, _ = noisy(LABELS, asked(kind, 0.2), classes=10, seed=5)
    for number in range(10):
        own = number == LABELS
        assert abs((made[own] != number).sum() - 0.2 * own.sum()) <= 1


def test_the_seed_decides_and_the_labels_are_left_as_they_were() -> None:
    before, noise = LABELS.copy(), asked("symmetric", 0.2)
    drawn = [noisy(LABELS, noise, classes=10, seed=seed)[0] for seed in (1, 1, 2)]
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[0] != drawn[2]).any()
    assert (before == LABELS).all()


def test_a_map_of_classes_that_no_example_has_changes_nothing() -> None:
    labels = np.array([0, 0, 1])
    made, changed = noisy(labels, asked("asymmetric", 1.0, map={5: 1}), classes=10, seed=0)
    assert (made.tolist(), changed) == ([0, 0, 1], 0)
