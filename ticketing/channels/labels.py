"""Channels under discovery: labels that are found to be one channel are joined, those that must stay are marked."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

Labels = Int[Tensor, " entries"]


@dataclass(frozen=True)
class Carried:
    """What a tensor's entries along one axis are labelled with."""

    axis: int
    """From 0."""
    labels: Labels


class Book:
    """Which labels are one, which must stay and why, and where in the network's tensors they stand."""

    def __init__(self) -> None:
        """Begin with no labels."""
        self.axes: dict[tuple[str, int], Labels] = {}
        """Along each axis of each tensor of the state dict that holds channels."""
        self._parent: list[int] = []
        self._reasons: dict[int, str] = {}

    def fresh(self, count: int) -> Labels:
        """Give labels that no entry has yet."""
        first = len(self._parent)
        self._parent.extend(range(first, first + count))
        return torch.arange(first, first + count)

    def stand(self, name: str, axis: int, labels: Labels) -> None:
        """Note what the entries of a tensor of the state dict are; one that is read twice joins both readings."""
        if (name, axis) in self.axes:
            self.join(self.axes[name, axis], labels)
        self.axes[name, axis] = labels

    def join(self, one: Labels, other: Labels) -> Labels:
        """Make entries of the same places one channel each."""
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            self._unite(a, b)
        return one

    def stay(self, labels: Iterable[int], reason: str) -> None:
        """Mark labels as part of what cannot be removed; the first reason is kept."""
        for label in labels:
            self._reasons.setdefault(self.root(label), reason)

    def root(self, label: int) -> int:
        """Give the one label that stands for all that were joined with it."""
        while self._parent[label] != label:
            self._parent[label] = self._parent[self._parent[label]]
            label = self._parent[label]
        return label

    def reason(self, label: int) -> str | None:
        """Say why a channel must stay; None if it need not."""
        return self._reasons.get(self.root(label))

    def _unite(self, a: int, b: int) -> None:
        first, second = sorted((self.root(a), self.root(b)))
        self._parent[second] = first
        if second in self._reasons:
            self._reasons.setdefault(first, self._reasons.pop(second))
