"""The list of what a run made: `manifest.json` for programs, `SHA256SUMS` for people; knows no formats."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ticketing.errors import VerificationError
from ticketing.whole import sha256_of, sync_folder, write_whole

MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
MANIFEST_VERSION = 1
NONE: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
MEDIA_TYPES = {
    ".safetensors": "application/octet-stream",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".onnx": "application/octet-stream",
    ".pt2": "application/zip",
    "": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class Listed:
    """One file of the folder."""

    name: str
    """Its path inside the folder, with forward slashes."""
    bytes: int
    sha256: str
    media_type: str


def write_listing(folder: Path, parities: Mapping[str, Mapping[str, Any]] = NONE) -> list[Listed]:
    """Write `manifest.json` over all files and `SHA256SUMS` over all and the manifest; give the list of everything.

    The list ends with `SHA256SUMS` itself, which no file lists. Files are in the order of their names.

    Args:
        folder: Of the files.
        parities: By name, how far each file that is a graph is from the network it was made of.
    """
    files = [_listed(folder, path) for path in _files(folder)]
    told = [asdict(file) | ({"parity": parities[file.name]} if file.name in parities else {}) for file in files]
    manifest = {"manifest_version": MANIFEST_VERSION, "files": told}
    write_whole(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
    files.append(_listed(folder, folder / MANIFEST))
    sums = "".join(f"{file.sha256}  {file.name}\n" for file in sorted(files, key=lambda file: file.name))
    write_whole(folder / SUMS, sums.encode())
    sync_folder(folder)
    return [*files, _listed(folder, folder / SUMS)]


def check_listing(folder: Path) -> dict[str, str]:
    """Check every file of a folder against both lists, and give their digests by name.

    Raises:
        VerificationError: A file is missing, altered, listed nowhere, or the two lists disagree.
    """
    expected = dict(_digest_and_name(line) for line in _text(folder / SUMS).splitlines())
    found = {_name(folder, path): sha256_of(path) for path in [*_files(folder), folder / MANIFEST]}
    if found != expected:
        odd = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        raise VerificationError(f"expected the files that {SUMS} lists, but these differ: {odd[:8]}")
    manifest = {entry["name"]: entry["sha256"] for entry in json.loads(_text(folder / MANIFEST))["files"]}
    if manifest != {name: digest for name, digest in expected.items() if name != MANIFEST}:
        raise VerificationError(f"expected {MANIFEST} and {SUMS} to list the same files")
    return found | {SUMS: sha256_of(folder / SUMS)}


def _files(folder: Path) -> list[Path]:
    """List the files a manifest lists: all but the two lists, in the order of their names."""
    lists = {folder / MANIFEST, folder / SUMS}
    return sorted((path for path in folder.rglob("*") if path.is_file() and path not in lists), key=str)


def _listed(folder: Path, path: Path) -> Listed:
    return Listed(_name(folder, path), path.stat().st_size, sha256_of(path), MEDIA_TYPES[path.suffix])


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _digest_and_name(line: str) -> tuple[str, str]:
    digest, _, name = line.partition("  ")
    return name, digest


def _text(path: Path) -> str:
    if not path.is_file():
        raise VerificationError(f"expected a file {path.name}, got none")
    return path.read_text()
