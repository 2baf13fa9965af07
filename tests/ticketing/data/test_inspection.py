"""ticketing.data.inspection: what is written is what came, and what is said of it is true."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ticketing.data.canonical import Summary, load_canonical
from ticketing.data.inspection import inspect_builtin, inspect_upload
from ticketing.errors import DataError


def upload(folder: Path, **replaced: Any) -> tuple[Summary, Path]:
    x = np.random.default_rng(0).integers(0, 256, (40, 5, 5, 3)).astype(np.uint8)
    arrays = {"x_train": x[:30], "y_train": np.arange(30) % 3, "x_test": x[30:], "y_test": np.arange(10) % 3}
    np.savez(folder / "d.npz", **arrays | replaced)
    return inspect_upload(folder / "d.npz", folder / "data", name="dots"), folder / "data"


def test_says_what_is_there(tmp_path: Path) -> None:
    summary, _ = upload(tmp_path)
    assert (summary.name, summary.shape, summary.dtype, summary.classes) == ("dots", (3, 5, 5), "uint8", 3)
    assert summary.splits == {"train": 30, "test": 10}
    assert summary.class_counts == {"train": (10, 10, 10), "test": (4, 3, 3)}
    assert summary.class_names == ("0", "1", "2")
    assert summary.resolution == 0.1
    assert summary.warnings == ()


def test_statistics_are_of_train_per_channel(tmp_path: Path) -> None:
    summary, path = upload(tmp_path)
    x = load_canonical(path).split("train")[0].double()
    assert summary.mean == pytest.approx(x.mean((0, 2, 3)).tolist())
    assert summary.std == pytest.approx(x.std((0, 2, 3), correction=0).tolist())


def test_a_constant_channel_has_deviation_one(tmp_path: Path) -> None:
    summary, _ = upload(tmp_path, x_train=np.full((30, 4), 7.0), x_test=np.zeros((10, 4)))
    assert summary.std == (1, 1, 1, 1)


def test_the_canonical_file_holds_the_arrays_and_the_summary(tmp_path: Path) -> None:
    summary, path = upload(tmp_path)
    canonical = load_canonical(path)
    assert canonical.summary == summary
    with np.load(tmp_path / "d.npz") as given:
        assert (canonical.arrays["x_train"].numpy() == given["x_train"].transpose(0, 3, 1, 2)).all()
        assert (canonical.arrays["y_test"].numpy() == given["y_test"]).all()


def test_the_fingerprint_depends_on_every_array_and_on_nothing_else(tmp_path: Path) -> None:
    first = upload(tmp_path)[0].fingerprint
    assert upload(tmp_path, unrelated=np.ones(3))[0].fingerprint == first
    others = {
        upload(tmp_path, y_test=np.arange(10)[::-1] % 3)[0].fingerprint,
        upload(tmp_path, x_validation=np.zeros((1, 5, 5, 3), np.uint8), y_validation=[0])[0].fingerprint,
        upload(tmp_path, x_test=np.zeros((10, 5, 5, 3), np.uint8))[0].fingerprint,
    }
    assert len(others | {first}) == 4


def test_identical_rows_across_splits_are_counted(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((30, 4))
    summary, _ = upload(tmp_path, x_train=x, x_test=np.concatenate([x[:3], x[:7] + 9]))
    assert [w["detail"] for w in summary.warnings] == ["3 of 10 test examples are in train too, byte for byte"]


def test_a_class_ten_times_the_size_of_another_is_warned_of(tmp_path: Path) -> None:
    labels = np.array([0] * 25 + [1] * 3 + [2] * 2)
    assert [w["code"] for w in upload(tmp_path, y_train=labels)[0].warnings] == ["class_imbalance"]


def test_class_names_are_kept(tmp_path: Path) -> None:
    assert upload(tmp_path, class_names=np.array(["a", "b", "c"]))[0].class_names == ("a", "b", "c")


@pytest.mark.parametrize("names", [["a", "b"], [1, 2, 3], [["a", "b", "c"]]])
def test_class_names_that_do_not_fit_are_refused(tmp_path: Path, names: list[object]) -> None:
    with pytest.raises(DataError, match="3 strings"):
        upload(tmp_path, class_names=np.array(names))


def test_digits_are_the_same_bytes_everywhere(tmp_path: Path) -> None:
    summary = inspect_builtin("builtin:digits", tmp_path / "data")
    assert (summary.name, summary.shape, summary.dtype) == ("digits", (1, 8, 8), "uint8")
    assert summary.splits == {"train": 1437, "test": 360}
    assert {min(row) for row in summary.class_counts.values()} == {35, 139}
    assert summary.fingerprint == "9822b3e3e303393371d95b67b355a346aa9477e294cbb8b8acc13bf2bb008b98"


def test_an_unknown_builtin_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="mnist") as refused:
        inspect_builtin("builtin:mnist", tmp_path / "data")
    assert refused.value.faults[0].allowed == ("builtin:digits",)


def test_mnist_is_read_as_it_is(tmp_path: Path, winnow_data: Path | None) -> None:
    if winnow_data is None:
        pytest.skip("WINNOW_DATA is not set: the real MNIST was not read")
    summary = inspect_upload(winnow_data / "mnist.npz", tmp_path / "data", name="mnist")
    assert summary.splits == {"train": 60_000, "test": 10_000}
    assert summary.class_counts["test"] == (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
