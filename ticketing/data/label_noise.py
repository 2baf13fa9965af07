"""Which training labels become wrong, and what they become; knows no images."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ticketing.data.stratified import stratified
from ticketing.ladder.schedule import round_half_up
from ticketing.recipe import LabelNoise

Labels = NDArray[np.int64]


def noisy(labels: Labels, noise: LabelNoise, *, classes: int, seed: int) -> tuple[Labels, int]:
    """Give the labels with noise, and how many differ from what they were.

    Of the m labels that can change, `fraction` x m do, rounded half up, every class its share to within one.
    Those that can: all for `symmetric` and `pairflip`, those of the mapped classes for `asymmetric`.

    Args:
        labels: Class of every training example.
        noise: Kind and fraction.
        classes: Of the dataset, two at least.
        seed: Of which labels change, and to what.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    becomes = _becomes(noise, classes)
    able = np.flatnonzero(np.isin(labels, list(becomes))) if becomes else np.arange(len(labels))
    size = round_half_up(len(able) * Fraction(str(noise.fraction)))
    changing = able[stratified(labels[able], size, seed=int(random.integers(2**63)))] if size else able[:0]
    made = labels.copy()
    if becomes:
        made[changing] = [becomes[number] for number in labels[changing].tolist()]
    else:
        # Any class but its own, all alike: a step of 1 to K - 1 around the circle of classes.
        made[changing] = (labels[changing] + random.integers(1, classes, size)) % classes
    return made, size


def _becomes(noise: LabelNoise, classes: int) -> Mapping[int, int]:
    """Say what each class is mistaken for; nothing for `symmetric`, where it is any other."""
    if noise.kind == "pairflip":
        return {number: (number + 1) % classes for number in range(classes)}
    return noise.map or {}
