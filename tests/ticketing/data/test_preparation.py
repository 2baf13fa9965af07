"""ticketing.data.preparation: each split in its role, normalised with what train says alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ticketing.data.canonical import Canonical, load_canonical
from ticketing.data.dataset import Dataset
from ticketing.data.inspection import inspect_upload
from ticketing.data.preparation import prepare
from ticketing.errors import DataError, RecipeError
from ticketing.recipe import Iterative

Open = Callable[..., Canonical]


@pytest.fixture
def canonical(tmp_path: Path) -> Open:
    """Write 48 training and 12 test images whose first pixel is the row's number."""

    def make(*, validation: bool = False, test: int = 12, shape: tuple[int, ...] = (4, 5, 3)) -> Canonical:
        x = np.random.default_rng(0).random((60, *shape))
        x.reshape(60, -1)[:, 0] = np.arange(60)
        arrays = {
            "x_train": x[:48],
            "y_train": np.arange(48) % 3,
            "x_test": x[48:][:test],
            "y_test": np.arange(test) % 3,
        }
        if validation:
            arrays |= {"x_validation": x[:9] + 100, "y_validation": np.arange(9) % 3}
        np.savez(tmp_path / "d.npz", **arrays)
        inspect_upload(tmp_path / "d.npz", tmp_path / "data", name="rows")
        return load_canonical(tmp_path / "data")

    return make


def prepared(canonical: Canonical, *, seed: int = 0, weights: Any = "initial", **words: Any) -> Dataset:
    training = {name: words.pop(name) for name in ("precision", "label_noise", "augment") if name in words}
    recipe = Iterative.model_validate({"search": "iterative", "seed": seed, "training": training})
    return prepare(canonical, recipe=recipe, weights=weights, device="cpu", **words)


def rows_of(canonical: Canonical, x: torch.Tensor) -> list[int]:
    """Read the row numbers back out of normalised images."""
    summary = canonical.summary
    return (x[:, 0, 0, 0] * summary.std[0] + summary.mean[0]).round().int().tolist()


def test_validation_is_carved_from_train_and_nothing_is_lost(canonical: Open) -> None:
    opened = canonical()
    data = prepared(opened)
    train, validation = rows_of(opened, data.x_train), rows_of(opened, data.x_validation)
    assert len(validation) == 4
    assert sorted(train + validation) == list(range(48))
    assert rows_of(opened, data.x_test) == list(range(48, 60))
    assert data.notes == ()


def test_labels_stay_with_their_examples(canonical: Open) -> None:
    opened = canonical()
    data = prepared(opened)
    assert data.y_train.tolist() == [row % 3 for row in rows_of(opened, data.x_train)]
    assert data.y_validation.tolist() == [row % 3 for row in rows_of(opened, data.x_validation)]


def test_the_seed_decides_the_draw(canonical: Open) -> None:
    opened = canonical()
    drawn = [rows_of(opened, prepared(opened, seed=seed).x_validation) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_validation_split_that_is_given_is_used(canonical: Open) -> None:
    data = prepared(canonical(validation=True))
    assert (len(data.y_train), len(data.y_validation), len(data.y_test)) == (48, 9, 12)


def test_a_model_that_came_trained_takes_half_of_test_and_says_so(canonical: Open) -> None:
    opened = canonical(test=11)
    data = prepared(opened, weights="trained")
    assert (len(data.y_train), len(data.y_validation), len(data.y_test)) == (48, 5, 6)
    assert sorted(rows_of(opened, data.x_validation) + rows_of(opened, data.x_test)) == list(range(48, 59))
    assert "5 of its test examples, drawn by class, serve as validation and 6 are left" in data.notes[0]


def test_a_model_that_came_trained_leaves_test_alone_where_validation_is_given(canonical: Open) -> None:
    data = prepared(canonical(validation=True), weights="trained")
    assert (len(data.y_validation), len(data.y_test), data.notes) == (9, 12, ())


def test_one_test_example_cannot_be_halved(canonical: Open) -> None:
    with pytest.raises(DataError, match="two test examples"):
        prepared(canonical(test=1), weights="trained")


def test_every_split_is_normalised_with_the_statistics_of_train(canonical: Open) -> None:
    opened = canonical(validation=True)
    data, summary = prepared(opened), opened.summary
    mean, std = (torch.tensor(values).reshape(1, -1, 1, 1) for values in (summary.mean, summary.std))
    for split in ("train", "validation", "test"):
        expected = (opened.arrays[f"x_{split}"] - mean) / std
        assert torch.allclose(getattr(data, f"x_{split}"), expected, atol=1e-5)
    assert data.x_train.mean((0, 2, 3)).abs().max() < 1e-5


def test_the_canonical_arrays_are_left_as_they_were(canonical: Open) -> None:
    opened = canonical()
    before = {name: tensor.clone() for name, tensor in opened.arrays.items()}
    prepared(opened)
    assert all(torch.equal(tensor, before[name]) for name, tensor in opened.arrays.items())


def test_tables_are_normalised_by_feature(canonical: Open) -> None:
    data = prepared(canonical(shape=(5,)))
    assert torch.cat([data.x_train, data.x_validation]).mean(0).abs().max() < 1e-5


def test_bf16_and_channels_last_are_had_when_asked_for(canonical: Open) -> None:
    plain, asked = prepared(canonical()), prepared(canonical(), precision="bf16", channels_last=True)
    assert plain.x_train.dtype == torch.float32
    assert plain.x_train.is_contiguous()
    assert asked.x_train.dtype == torch.bfloat16
    for x in (asked.x_train, asked.x_validation, asked.x_test):
        assert x.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(asked.x_train, plain.x_train.to(torch.bfloat16))


def test_fp16_is_had_when_asked_for(canonical: Open) -> None:
    assert prepared(canonical(), precision="fp16").x_train.dtype == torch.float16


NOISE = {"kind": "symmetric", "fraction": 0.25}


@pytest.mark.parametrize("validation", [False, True])
def test_label_noise_is_in_train_alone_and_counted(canonical: Open, validation: bool) -> None:
    opened = canonical(validation=validation)
    plain, made = prepared(opened), prepared(opened, label_noise=NOISE)
    assert (plain.labels_changed, made.labels_changed) == (0, len(plain.y_train) // 4)
    assert int((plain.y_train != made.y_train).sum()) == made.labels_changed
    for name in ("x_train", "x_validation", "y_validation", "x_test", "y_test"):
        assert torch.equal(getattr(plain, name), getattr(made, name)), name


def test_half_of_test_is_taken_with_its_own_labels(canonical: Open) -> None:
    made = prepared(canonical(), weights="trained", label_noise=NOISE)
    assert made.labels_changed == 12
    assert made.y_validation.tolist() == [row % 3 for row in rows_of(canonical(), made.x_validation)]


def test_the_seed_decides_which_labels_are_wrong(canonical: Open) -> None:
    opened = canonical(validation=True)
    drawn = [prepared(opened, seed=seed, label_noise=NOISE).y_train.tolist() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_what_does_not_suit_the_data_is_refused_at_its_field(canonical: Open) -> None:
    with pytest.raises(RecipeError, match="from 0 to 2, got 3"):
        prepared(canonical(), label_noise={"kind": "asymmetric", "fraction": 0.5, "map": {0: 3}})
    with pytest.raises(RecipeError, match="without images"):
        prepared(canonical(shape=(5,)), augment="flip")
