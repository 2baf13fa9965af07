"""workers.inbox: what a child leaves behind is taken only if it is the very file it announced, in its place."""

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.blobs import BlobFolder
from ticketing.export.listing import MEDIA_TYPES, SUMS
from workers.inbox import MAX_FILES, UntrustedFileError, collect, collect_all

CONTENT = b"a ticket"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = "report.json"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "attempt" / "out"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "blobs")


def announced(*names: str) -> dict[str, dict[str, Any]]:
    return {name: {"sha256": SHA256, "bytes": len(CONTENT)} for name in names}


def test_an_announced_file_becomes_a_blob_with_its_digest_and_level(out: Path, blobs: BlobFolder) -> None:
    (out / "levels/07").mkdir(parents=True)
    for name in (NAME, "levels/07/mask.safetensors", "SHA256SUMS"):
        (out / name).write_bytes(CONTENT)
    files = announced(NAME, "levels/07/mask.safetensors", "SHA256SUMS")
    artifacts = collect_all(out, files, blobs=blobs, max_bytes=1000)
    assert [(a.name, a.level, a.sha256) for a in artifacts] == [
        ("SHA256SUMS", None, SHA256),
        ("levels/07/mask.safetensors", 7, SHA256),
        (NAME, None, SHA256),
    ]
    assert blobs.path(SHA256).read_bytes() == CONTENT


def symlink(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere)


def hard_link(path: Path, elsewhere: Path) -> None:
    path.hardlink_to(elsewhere)


def pipe(path: Path, elsewhere: Path) -> None:
    os.mkfifo(path)


def folder(path: Path, elsewhere: Path) -> None:
    path.mkdir()


def unix_socket(path: Path, elsewhere: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(path))


def nothing(path: Path, elsewhere: Path) -> None:
    assert not path.exists()


@pytest.mark.parametrize("lay", [symlink, hard_link, pipe, folder, unix_socket, nothing])
def test_anything_but_a_regular_file_with_one_name_is_refused(
    lay: Callable[[Path, Path], None], out: Path, blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = out.parent / "elsewhere"
    elsewhere.write_bytes(CONTENT)
    monkeypatch.chdir(out)  # a socket's path has to be short
    lay(out / NAME, elsewhere)
    with pytest.raises(UntrustedFileError, match=NAME):
        collect(out, NAME, sha256=SHA256, blobs=blobs, max_bytes=1000)
    assert not blobs.exists(SHA256)


def test_a_link_in_place_of_a_folder_is_not_followed(out: Path, blobs: BlobFolder) -> None:
    elsewhere = out.parent / "elsewhere" / "07"
    elsewhere.mkdir(parents=True)
    (elsewhere / "mask.safetensors").write_bytes(CONTENT)
    (out / "levels").symlink_to(elsewhere.parent)
    with pytest.raises(UntrustedFileError):
        collect(out, "levels/07/mask.safetensors", sha256=SHA256, blobs=blobs, max_bytes=1000)


def test_other_bytes_than_announced_are_refused(out: Path, blobs: BlobFolder) -> None:
    (out / NAME).write_bytes(b"something else")
    with pytest.raises(UntrustedFileError, match="sha256"):
        collect(out, NAME, sha256=SHA256, blobs=blobs, max_bytes=1000)


def test_all_files_together_are_bounded(out: Path, blobs: BlobFolder) -> None:
    for name in ("a.json", "b.json"):
        (out / name).write_bytes(CONTENT)
    with pytest.raises(UntrustedFileError, match="at most 7 bytes"):
        collect_all(out, announced("a.json", "b.json"), blobs=blobs, max_bytes=2 * len(CONTENT) - 1)


@pytest.mark.parametrize(
    "name",
    [
        "../recipe.json",
        "/etc/passwd",
        "levels/../../x.json",
        "a/b.json",
        ".hidden.json",
        "x.py",
        "x.json\n",
        "hf/x.py",
        "README.md",
        "",
    ],
)
def test_a_name_no_run_makes_is_refused(name: str, out: Path, blobs: BlobFolder) -> None:
    with pytest.raises(UntrustedFileError, match="name"):
        collect_all(out, announced(name), blobs=blobs, max_bytes=1000)


def test_the_number_of_files_is_bounded(out: Path, blobs: BlobFolder) -> None:
    with pytest.raises(UntrustedFileError, match=str(MAX_FILES)):
        collect_all(out, announced(*(f"f{n}.json" for n in range(MAX_FILES + 1))), blobs=blobs, max_bytes=1000)


def test_a_folder_for_the_hub_is_taken_with_its_card(out: Path, blobs: BlobFolder) -> None:
    (out / "hf").mkdir()
    names = ["hf/README.md", "hf/config.json", "hf/model.safetensors"]
    for name in names:
        (out / name).write_bytes(CONTENT)
    taken = collect_all(out, announced(*names), blobs=blobs, max_bytes=1000)
    assert [(artifact.name, artifact.level) for artifact in taken] == [(name, None) for name in names]


@pytest.mark.parametrize("ending", MEDIA_TYPES)
def test_every_kind_of_file_that_a_run_lists_is_taken(ending: str, out: Path, blobs: BlobFolder) -> None:
    name = f"slim{ending}" if ending else SUMS
    (out / name).write_bytes(CONTENT)
    (artifact,) = collect_all(out, announced(name), blobs=blobs, max_bytes=1000)
    assert (artifact.name, artifact.media_type, artifact.level) == (name, MEDIA_TYPES[ending], None)
