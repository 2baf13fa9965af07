"""workers.attempt: the folder holds what the contract draws, as copies, and is gone afterwards."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.blobs import BlobFolder
from jobs.inputs import Dataset, Model
from jobs.leases import Checkpoint, Claim, Lease
from ticketing.folder import Execution, StartSpec, read_spec
from ticketing.recipe import Iterative
from workers.attempt import laid_out

EXECUTION = Execution(threads=1, checkpoint_seconds=60, sandbox="landlock")


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "blobs")


def stored(blobs: BlobFolder, content: bytes) -> str:
    with blobs.writer() as writer:
        writer.write(content)
        return writer.finish().sha256


def model(sha256: str | None = None) -> Model:
    return Model(
        "mdl_1", "default", None, "ready", sha256, "mlp", {"hidden": [4]}, None if sha256 else 7, "initial", None,
        None, None, (), 0.0, 1,
    )  # fmt: skip


def dataset(*, uri: str | None = "builtin:digits", sha256: str | None = None, canonical: str | None = None) -> Dataset:
    summary = None if canonical is None else {"fingerprint": "f" * 64}
    return Dataset("ds_1", "default", "digits", "ready", uri, sha256, canonical, summary, None, (), 0.0, 1)


def claim(kind: str = "search", **more: Any) -> Claim:
    known: dict[str, Any] = {
        "lease": Lease("job_00000000000000000000000000", 2, "slot", "default"),
        "kind": kind,
        "name": "mine",
        "labels": {"team": "a"},
        "device": "cpu",
        "resolved_recipe": {"search": "iterative"} if kind == "search" else None,
        "gates": {},
        "strikes": 0,
        "model": None,
        "dataset": None,
        "checkpoints": (),
    }
    return Claim(**(known | more))


def test_a_search_finds_its_recipe_its_inputs_and_the_machine(tmp_path: Path, blobs: BlobFolder) -> None:
    weights, data = stored(blobs, b"weights"), stored(blobs, b"canonical")
    wanted = claim(model=model(weights), dataset=dataset(canonical=data))
    with laid_out(wanted, attempts=tmp_path, blobs=blobs, execution=EXECUTION) as folder:
        spec = read_spec(folder)
        assert (spec.purpose, spec.execution) == ("search", EXECUTION)
        assert spec.model is not None
        assert (spec.model.architecture, spec.model.sha256, spec.model.seed) == ("mlp", weights, None)
        assert spec.data is not None
        assert spec.data.fingerprint == "f" * 64
        assert spec.labels == {"team": "a", "id": wanted.lease.job_id, "name": "mine"}
        assert json.loads((folder / "recipe.json").read_text()) == {"search": "iterative"}
        assert (folder / "model/model.safetensors").read_bytes() == b"weights"
        assert (folder / "data/data.safetensors").read_bytes() == b"canonical"
        assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == [
            "checkpoint", "data", "model", "out", "tmp",
        ]  # fmt: skip


def test_inputs_are_copies_that_a_run_cannot_reach_the_blob_through(tmp_path: Path, blobs: BlobFolder) -> None:
    data = stored(blobs, b"canonical")
    with laid_out(
        claim(dataset=dataset(canonical=data)), attempts=tmp_path, blobs=blobs, execution=EXECUTION
    ) as folder:
        (folder / "data/data.safetensors").write_bytes(b"poisoned")
    assert blobs.path(data).read_bytes() == b"canonical"


def test_the_last_checkpoints_come_back_with_the_markers_that_prove_them(tmp_path: Path, blobs: BlobFolder) -> None:
    digests = {number: stored(blobs, f"state {number}".encode()) for number in (6, 7)}
    saved = tuple(Checkpoint(number, digests[number], 7, {}, {}) for number in (7, 6))
    with laid_out(claim(checkpoints=saved), attempts=tmp_path, blobs=blobs, execution=EXECUTION) as folder:
        for number, sha256 in digests.items():
            assert (folder / f"checkpoint/{number:06d}.safetensors").read_bytes() == f"state {number}".encode()
            assert (folder / f"checkpoint/{number:06d}.done").read_text() == f"{sha256}\n"


def test_a_fork_finds_the_checkpoint_it_starts_from(tmp_path: Path, blobs: BlobFolder) -> None:
    recipe = Iterative.model_validate({"search": "iterative"})
    start = StartSpec(job="job_parent", level=3, sha256=stored(blobs, b"parent's"), recipe=recipe, searches=2)
    origin = {"kind": "fork", "job": "job_parent", "start": start.model_dump(mode="json")}
    with laid_out(claim(origin=origin), attempts=tmp_path, blobs=blobs, execution=EXECUTION) as folder:
        assert read_spec(folder).start == start
        assert (folder / "start/checkpoint.safetensors").read_bytes() == b"parent's"


def test_an_inspection_of_an_upload_finds_the_upload(tmp_path: Path, blobs: BlobFolder) -> None:
    wanted = claim("inspect", dataset=dataset(uri=None, sha256=stored(blobs, b"npz")))
    with laid_out(wanted, attempts=tmp_path, blobs=blobs, execution=EXECUTION) as folder:
        assert read_spec(folder).purpose == "inspect_data"
        assert (folder / "data/upload.npz").read_bytes() == b"npz"
        assert not (folder / "recipe.json").exists()


def test_an_inspection_of_a_model_says_so(tmp_path: Path, blobs: BlobFolder) -> None:
    wanted = claim("inspect", model=model(stored(blobs, b"weights")))
    with laid_out(wanted, attempts=tmp_path, blobs=blobs, execution=EXECUTION) as folder:
        assert read_spec(folder).purpose == "inspect_model"


def test_the_folder_is_gone_afterwards_also_when_the_attempt_failed(tmp_path: Path, blobs: BlobFolder) -> None:
    with (
        pytest.raises(RuntimeError),
        laid_out(claim(), attempts=tmp_path / "attempts", blobs=blobs, execution=EXECUTION),
    ):
        raise RuntimeError("the attempt failed")
    assert list((tmp_path / "attempts").iterdir()) == []
