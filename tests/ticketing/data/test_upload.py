"""ticketing.data.upload: arrays out of an archive, and nothing run or believed on the way."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ticketing.data.upload import REQUIRED, read_npz
from ticketing.errors import DataError

GOOD = {name: np.arange(4, dtype=np.uint8) for name in REQUIRED["classification"]}


def member(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def archive(path: Path, **members: bytes) -> Path:
    written = {f"{name}.npy": member(array) for name, array in GOOD.items()}
    with zipfile.ZipFile(path, "w") as file:
        for name, content in (written | {f"{name}.npy": content for name, content in members.items()}).items():
            file.writestr(name, content)
    return path


def claiming(shape: tuple[int, ...], data: bytes = b"1234") -> bytes:
    stream = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + data


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_what_numpy_writes(tmp_path: Path, save: object) -> None:
    arrays = {"x_train": np.random.rand(3, 4), "y_train": np.arange(3), "x_test": np.ones((1, 4), ">i2")}
    arrays |= {"y_test": np.zeros(1, int), "class_names": np.array(["a", "b"]), "other": np.arange(9)}
    save(tmp_path / "d.npz", **arrays)  # type: ignore[operator]
    read = read_npz(tmp_path / "d.npz")
    assert read.keys() == arrays.keys() - {"other"}
    assert all((read[name] == arrays[name]).all() for name in read)


def test_arrays_in_column_order_are_read_right(tmp_path: Path) -> None:
    array = np.asfortranarray(np.arange(6).reshape(2, 3))
    assert (read_npz(archive(tmp_path / "d", x_train=member(array)))["x_train"] == array).all()


def test_missing_arrays_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x_train=np.ones(1), y_test=np.ones(1))
    with pytest.raises(DataError, match="none named y_train, x_test"):
        read_npz(tmp_path / "d.npz")


class _Dangerous:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('it ran')",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (member(np.array([{"a": 1}], dtype=object)), "x_test: expected numbers, got objects"),
        (member(np.array([_Dangerous()], dtype=object)), "x_test: expected numbers, got objects"),
        (pickle.dumps(_Dangerous()), "x_test: expected an array in .npy form"),
        (b"", "x_test: expected an array in .npy form"),
        (b"\x93NUMPY\x09\x00", "version"),
        (claiming((10**15,)), "x_test: expected 1000000000000000 bytes"),
        (claiming((2**40, 2**40)), "x_test: expected"),
        (claiming((5,)), "x_test: expected an array in .npy form"),
        (claiming((-1,)), "x_test: expected"),
    ],
    ids=["objects", "code", "a bare pickle", "nothing", "unknown version", "a lie", "an absurd lie", "cut", "negative"],
)
def test_a_bad_array_is_refused_by_name(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        read_npz(archive(tmp_path / "d", x_test=content))


@pytest.mark.parametrize("content", [b"", b"no archive at all", member(np.ones(3)), b"PK\x05\x06" + bytes(18)])
def test_what_is_no_archive_of_the_arrays_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "d").write_bytes(content)
    with pytest.raises(DataError):
        read_npz(tmp_path / "d")


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.95])
def test_a_cut_archive_is_refused(tmp_path: Path, keep: float) -> None:
    content = archive(tmp_path / "d").read_bytes()
    (tmp_path / "d").write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(DataError):
        read_npz(tmp_path / "d")


def test_flipped_bits_are_refused(tmp_path: Path) -> None:
    content = bytearray(archive(tmp_path / "d", x_train=member(np.zeros(100, np.uint8))).read_bytes())
    content[content.index(bytes(100)) + 50] = 1
    (tmp_path / "d").write_bytes(content)
    with pytest.raises(DataError, match="CRC"):
        read_npz(tmp_path / "d")


def test_arrays_that_unpack_to_more_than_the_bound_are_refused_unread(tmp_path: Path) -> None:
    with zipfile.ZipFile(archive(tmp_path / "d"), "a") as file:
        file.writestr("unasked.npy", bytes(5000))
    read_npz(tmp_path / "d", max_bytes=1000)
    with pytest.raises(DataError, match="at most 1000 bytes"):
        read_npz(archive(tmp_path / "d", x_train=member(np.zeros(2000, np.uint8))), max_bytes=1000)
