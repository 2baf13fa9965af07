"""From a canonical file to the tensors a training reads: roles of the splits, wrong labels, layout, device."""

from typing import Literal

import torch
from torch import Tensor

from ticketing.data.canonical import Canonical, torch_dtype
from ticketing.data.dataset import Dataset
from ticketing.data.label_noise import noisy
from ticketing.data.stratified import stratified
from ticketing.errors import DataError
from ticketing.plans.suitability import check_data
from ticketing.recipe import Recipe
from ticketing.seeds import derive
from ticketing.splits import validation_size

Split = tuple[Tensor, Tensor]


def prepare(
    canonical: Canonical,
    *,
    recipe: Recipe,
    weights: Literal["initial", "trained"],
    device: torch.device | str,
    channels_last: bool = False,
) -> Dataset:
    """Make the three splits of a run, normalised with the statistics of the train split.

    A validation split that the dataset brings is used as it is. Otherwise one twelfth of train becomes it, or, for
    a model that came trained (and so has seen train), half of test. The draw is stratified and depends on the
    recipe's seed alone. Label noise is in train alone, after the split.

    Args:
        canonical: The dataset.
        recipe: Its seed, `training.precision` and `training.label_noise` count.
        weights: Which moment the model's weights are of.
        device: Where the tensors are to be.
        channels_last: Lay images out channels-last, as networks with convolutions want them.

    Raises:
        DataError: Half of test is to become validation, and test is one example.
        RecipeError: Augmentation or label noise does not suit the dataset.
    """
    summary = canonical.summary
    check_data(recipe.training, shape=summary.shape, classes=summary.classes)
    train, test = canonical.split("train"), canonical.split("test")
    notes: tuple[str, ...] = ()
    seed = derive(recipe.seed, 0, "split")
    if "validation" in summary.splits:
        validation = canonical.split("validation")
    elif weights == "trained":
        size = len(test[1]) // 2
        if size == 0:
            raise DataError("expected two test examples or more, half of which become validation, got one")
        validation, test = _carve(test, size, seed)
        notes = (
            f"The model came trained and the dataset has no validation split: {size} of its test examples, "
            f"drawn by class, serve as validation and {len(test[1])} are left as test.",
        )
    else:
        validation, train = _carve(train, validation_size(len(train[1])), seed)
    train, labels_changed = _mislabelled(train, recipe, summary.classes)
    dtype = torch_dtype(recipe.training.precision)
    arrays: dict[str, Tensor] = {}
    for name, (x, y) in {"train": train, "validation": validation, "test": test}.items():
        normalised = _normalised(x.to(device), summary.mean, summary.std).to(dtype)
        if channels_last and x.dim() == 4:
            normalised = normalised.contiguous(memory_format=torch.channels_last)
        arrays |= {f"x_{name}": normalised, f"y_{name}": y.to(device)}
    return Dataset(
        **arrays,
        classes=summary.classes,
        name=summary.name,
        fingerprint=summary.fingerprint,
        mean=summary.mean,
        std=summary.std,
        labels_changed=labels_changed,
        notes=notes,
    )


def _mislabelled(train: Split, recipe: Recipe, classes: int) -> tuple[Split, int]:
    """Make labels wrong as the recipe asks, and count them."""
    noise, (x, y) = recipe.training.label_noise, train
    if noise is None:
        return train, 0
    labels, changed = noisy(y.numpy(), noise, classes=classes, seed=derive(recipe.seed, 0, "label_noise"))
    return (x, torch.from_numpy(labels)), changed


def _carve(split: Split, size: int, seed: int) -> tuple[Split, Split]:
    """Draw `size` examples by class: (those drawn, the rest), both in their old order."""
    x, y = split
    drawn = torch.from_numpy(stratified(y.numpy(), size, seed=seed))
    rest = torch.ones(len(y), dtype=torch.bool)
    rest[drawn] = False
    left = rest.nonzero().reshape(-1)
    return (x[drawn], y[drawn]), (x[left], y[left])


def _normalised(x: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    shape = (1, -1, *[1] * (x.dim() - 2))
    centre = torch.tensor(mean, dtype=torch.float32, device=x.device).reshape(shape)
    scale = torch.tensor(std, dtype=torch.float32, device=x.device).reshape(shape)
    return x.to(torch.float32, copy=True).sub_(centre).div_(scale)
