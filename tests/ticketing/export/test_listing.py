"""ticketing.export.listing: every file in both lists, `sha256sum` agrees, the lists find what changed."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ticketing.errors import VerificationError
from ticketing.export.listing import check_listing, write_listing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "levels/00").mkdir(parents=True)
    (tmp_path / "levels/00/metrics.json").write_text("{}")
    (tmp_path / "report.md").write_text("# report")
    return tmp_path


def test_everything_is_listed_with_size_digest_and_kind(folder: Path) -> None:
    files = {file.name: file for file in write_listing(folder)}
    assert list(files) == ["levels/00/metrics.json", "report.md", "manifest.json", "SHA256SUMS"]
    assert files["report.md"].bytes == 8
    assert files["report.md"].sha256 == hashlib.sha256(b"# report").hexdigest()
    assert files["report.md"].media_type == "text/markdown; charset=utf-8"


def test_the_manifest_lists_all_but_the_lists(folder: Path) -> None:
    write_listing(folder)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert [file["name"] for file in manifest["files"]] == ["levels/00/metrics.json", "report.md"]


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_sha256sum_reads_the_sums(folder: Path) -> None:
    write_listing(folder)
    subprocess.run([str(shutil.which("sha256sum")), "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True)


def test_listing_twice_lists_the_same(folder: Path) -> None:
    assert write_listing(folder) == write_listing(folder)


def test_a_whole_folder_gives_every_digest(folder: Path) -> None:
    files = write_listing(folder)
    assert check_listing(folder) == {file.name: file.sha256 for file in files}


def test_a_manifest_of_other_files_is_found(folder: Path) -> None:
    write_listing(folder)
    manifest = folder / "manifest.json"
    manifest.write_text('{"files": []}')
    sums = (folder / "SHA256SUMS").read_text().splitlines()
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    changed = [f"{digest}  manifest.json" if line.endswith("manifest.json") else line for line in sums]
    (folder / "SHA256SUMS").write_text("\n".join(changed))
    with pytest.raises(VerificationError, match="list the same files"):
        check_listing(folder)


def test_a_folder_without_lists_is_refused(folder: Path) -> None:
    with pytest.raises(VerificationError, match="expected a file SHA256SUMS"):
        check_listing(folder)
