"""ticketing.runs.verification: a whole folder reads back; every kind of damage is found and named."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from ticketing.errors import VerificationError
from ticketing.export.listing import check_listing, write_listing
from ticketing.export.weights import read_mask
from ticketing.folder import OUT, read_spec
from ticketing.journal.provenance import state_digest
from ticketing.observer import RecordingObserver
from ticketing.runs.run import run
from ticketing.runs.verification import verify


def verified(folder: Path) -> dict[str, str]:
    return verify(folder, read_spec(folder))


def change_tensors(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Write a file anew with other tensors and its old metadata."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    change(tensors)
    save_file(tensors, path, metadata=metadata)


def change_report(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / OUT / "report.json"
    report = json.loads(path.read_bytes())
    change(report)
    path.write_text(json.dumps(report))


def test_a_finished_run_reads_back(finished: Path) -> None:
    assert verified(finished) == check_listing(finished / OUT)


def test_nothing_is_written(finished: Path) -> None:
    def everything() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in finished.rglob("*") if path.is_file()}

    before = everything()
    verified(finished)
    assert everything() == before


@pytest.mark.parametrize("name", ["model.safetensors", "report.html", "manifest.json", "levels/02/metrics.json"])
def test_a_byte_that_changed_is_found(finished: Path, name: str) -> None:
    path = finished / OUT / name
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(VerificationError, match=name):
        verified(finished)


def test_a_missing_file_and_one_too_many_are_found(finished: Path) -> None:
    (finished / OUT / "report.md").unlink()
    with pytest.raises(VerificationError, match=r"report\.md"):
        verified(finished)
    (finished / OUT / "report.md").write_text("")
    (finished / OUT / "more.md").write_text("")
    with pytest.raises(VerificationError, match=r"more\.md"):
        verified(finished)


def grow(name: str, by: float) -> Callable[[dict[str, Any]], object]:
    """Change the first kept entry of a tensor."""

    def change(tensors: dict[str, Any]) -> None:
        flat = tensors[name].view(-1)
        flat[int(flat.nonzero()[0])] += by

    return change


def revive(tensors: dict[str, Any]) -> None:
    """Give a pruned entry a value."""
    flat = tensors["fc1.weight"].view(-1)
    flat[int((flat == 0).nonzero()[0])] = 1e-30


def minus_zero(tensors: dict[str, Any]) -> None:
    """Make a pruned zero a negative one: an equal number, other bits."""
    flat = tensors["fc1.weight"].view(-1)
    flat[int((flat == 0).nonzero()[0])] = -0.0


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("model", revive, r"model\.safetensors, \+0\.0"),
        ("ticket", revive, r"ticket\.safetensors, \+0\.0"),
        ("model", minus_zero, r"\+0\.0"),
        ("model", grow("fc1.bias", 1e-3), "the state the run ended with"),
        ("ticket", grow("fc2.weight", 1e-3), "the state the run ended with"),
        ("sparse", grow("fc1.weight.values", 1e-3), "the state the run ended with"),
        ("model", lambda t: t.update({"fc1.bias": t["fc1.bias"] * torch.nan}), "finite"),
        ("model", lambda t: t.pop("fc1.bias"), r"fc1\.bias"),
        ("sparse", lambda t: t.pop("fc1.weight.bitmask"), r"fc1\.weight\.bitmask"),
        ("mask", lambda t: t["fc1.weight"].bitwise_xor_(1), "counts"),
        ("levels/01/mask", lambda t: t["fc2.weight"].bitwise_xor_(3), "counts"),
    ],
)
def test_files_that_agree_with_their_lists_but_not_with_each_other_are_found(
    finished: Path, name: str, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    change_tensors(finished / OUT / f"{name}.safetensors", change)
    write_listing(finished / OUT)
    with pytest.raises(VerificationError, match=message):
        verified(finished)


def test_an_answer_that_was_turned_is_found(finished: Path) -> None:
    def turn(tensors: dict[str, Any]) -> None:
        tensors["ticket/2/best"][1, 0] ^= 1

    change_tensors(finished / OUT / "answers.safetensors", turn)
    write_listing(finished / OUT)
    with pytest.raises(VerificationError, match=r"answers\.safetensors"):
        verified(finished)


def test_an_accuracy_the_model_does_not_have_is_found(finished: Path) -> None:
    change_report(finished, lambda r: r["search"]["delivered"]["validation"].update(accuracy=0.999))
    write_listing(finished / OUT)
    with pytest.raises(VerificationError, match=r"validation accuracy 0\.999, got"):
        verified(finished)


def test_a_ticket_with_other_survivors_than_its_rewind_point_is_found(finished: Path) -> None:
    path = finished / OUT / "ticket.safetensors"
    change_tensors(path, grow("fc2.weight", 1e-3))
    digest = state_digest(load_file(path))
    change_report(finished, lambda r: r["search"]["delivered"]["digests"].update(ticket=digest))
    write_listing(finished / OUT)
    with pytest.raises(VerificationError, match="rewind point"):
        verified(finished)


def _swap_levels(report: dict[str, Any]) -> None:
    one, two = report["levels"][1:3]
    report["levels"][1:3] = [two | {"level": 1}, one | {"level": 2}]


def test_a_level_that_brings_entries_back_is_found(finished: Path) -> None:
    levels = finished / OUT / "levels"
    (levels / "01/mask.safetensors").rename(levels / "kept")
    (levels / "02/mask.safetensors").rename(levels / "01/mask.safetensors")
    (levels / "kept").rename(levels / "02/mask.safetensors")
    change_report(finished, _swap_levels)
    write_listing(finished / OUT)
    with pytest.raises(VerificationError, match="within that of the level before"):
        verified(finished)


@pytest.mark.parametrize(
    "words",
    [
        # Goes 0, 4, 2, 3: levels 3 and 4 are beyond, cut from 2 and from 0, and neither lies within the other.
        {"levels": None, "target": {"max_accuracy_drop": 0.03}, "rate": 0.2},
        {"schedule_of_pruning": "gradual", "levels": 5, "rewind": "lr", "evidence": "quick"},
        {"levels": 5, "budget": {"samples": 60 * 60 * 3}},
    ],
    ids=["target", "gradual", "budget"],
)
def test_every_way_down_a_ladder_reads_back(make_folder: Any, words: dict[str, Any]) -> None:
    folder = make_folder(**{"evidence": "none"} | words)
    run(folder, read_spec(folder), observer=RecordingObserver(), clock=time.monotonic)
    assert verified(folder)


@pytest.fixture(scope="module")
def _frozen(tmp_path_factory: pytest.TempPathFactory, lay_out: Any) -> Path:
    folder: Path = tmp_path_factory.mktemp("frozen") / "run"
    words = {"pruned": "freeze_if_growing", "kept": "reshuffle", "rate": {"default": 0.5}, "evidence": "none"}
    lay_out(folder, **words)
    run(folder, read_spec(folder), observer=RecordingObserver(), clock=time.monotonic)
    return folder


@pytest.fixture
def frozen(tmp_path: Path, _frozen: Path) -> Path:
    """Give a copy of a finished run whose removed entries hold weights."""
    return Path(shutil.copytree(_frozen, tmp_path / "frozen", symlinks=True))


def held(out: Path, tensors: dict[str, Any]) -> Any:
    """Give places of removed entries that hold a weight."""
    kept = read_mask(out / "mask.safetensors")["fc1.weight"]
    return (~kept & (tensors["fc1.weight"] != 0)).nonzero()


def test_a_run_whose_removed_entries_hold_weights_reads_back(frozen: Path) -> None:
    assert "out/sparse.safetensors" not in verified(frozen)
    ticket, model = (load_file(frozen / OUT / f"{name}.safetensors") for name in ("ticket", "model"))
    places = held(frozen / OUT, ticket)
    assert len(places) > 100
    assert torch.equal(places, held(frozen / OUT, model))


@pytest.mark.parametrize("name", ["ticket", "model"])
def test_a_removed_entry_that_moved_is_found(frozen: Path, name: str) -> None:
    def move(tensors: dict[str, Any]) -> None:
        row, column = held(frozen / OUT, tensors)[0]
        tensors["fc1.weight"][row, column] += 1e-3

    change_tensors(frozen / OUT / f"{name}.safetensors", move)
    write_listing(frozen / OUT)
    with pytest.raises(VerificationError, match=rf"{name}\.safetensors, \+0\.0 or the initial weight"):
        verified(frozen)


def test_a_ticket_that_does_not_start_as_its_actions_say_is_found(frozen: Path) -> None:
    path = frozen / OUT / "ticket.safetensors"
    kept = read_mask(frozen / OUT / "mask.safetensors")["fc2.weight"]

    def swap(tensors: dict[str, Any]) -> None:
        tensors["fc2.weight"][kept] = tensors["fc2.weight"][kept].flip(0)

    change_tensors(path, swap)
    digest = state_digest(load_file(path))
    change_report(frozen, lambda r: r["search"]["delivered"]["digests"].update(ticket=digest))
    write_listing(frozen / OUT)
    with pytest.raises(VerificationError, match="rewind point"):
        verified(frozen)


@pytest.mark.parametrize("structure", ["weight", "channel"])
def test_a_run_whose_target_leaves_dense_alone_reads_back(make_folder: Any, structure: str) -> None:
    drop = {"target": {"max_accuracy_drop": 0.0}, "rate": {"default": 0.9}}
    optimizer = {"name": "adam", "learning_rate": 0.01}
    training = {"length": "40it", "evaluate_every": "10it", "optimizer": optimizer}
    words = drop | {"training": training, "evidence": {"replicates": 1, "controls": []}, "levels": None}
    folder = make_folder(structure=structure, **words)
    run(folder, read_spec(folder), observer=RecordingObserver(), clock=time.monotonic)
    assert json.loads((folder / OUT / "report.json").read_bytes())["search"]["delivered_level"] == 0
    verified(folder)
