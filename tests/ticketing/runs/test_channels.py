"""A run that removes whole channels level by level, folder in and folder out: a slim network that reads back."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.ticketing.runs.folders import changed, report_of, verified
from ticketing.errors import VerificationError
from ticketing.export.listing import check_listing, write_listing
from ticketing.folder import OUT, RECIPE, read_spec
from ticketing.observer import RecordingObserver, Stopped
from ticketing.runs.run import run
from ticketing.sparse import same_bits

LayOut = Callable[..., Path]
ASKED: dict[str, Any] = {
    "search": "iterative",
    "structure": "channel",
    "levels": 2,
    "rate": 0.3,
    "training": {
        "length": "8it",
        "batch_size": 30,
        "evaluate_every": "4it",
        "optimizer": {"name": "sgd", "learning_rate": 0.05},
        "schedule": {"name": "constant"},
    },
    "evidence": {"replicates": 1, "replicates_of": "retrain", "controls": ["reinit", "shuffle"]},
    "outputs": ["slim", "ticket", "model", "mask", "sparse", "onnx"],
}
FILES = ("slim.safetensors", "slim.json", "ticket.safetensors", "model.safetensors", "answers.safetensors")


def laid_out(lay_out: LayOut, folder: Path, few: Any, **words: Any) -> Path:
    arguments = {"depth": 10, "width": 1}
    return lay_out(folder, architecture="wide-resnet", arguments=arguments, dataset=few, **(ASKED | words))


@pytest.fixture(scope="module")
def _done(tmp_path_factory: pytest.TempPathFactory, lay_out: LayOut, few_large_digits: Any) -> Path:
    folder = laid_out(lay_out, tmp_path_factory.mktemp("channels") / "run", few_large_digits)
    run(folder, read_spec(folder), observer=RecordingObserver(), clock=time.monotonic)
    return folder


@pytest.fixture
def done(tmp_path: Path, _done: Path) -> Path:
    return Path(shutil.copytree(_done, tmp_path / "done", symlinks=True))


def test_everything_reads_back_and_the_report_says_how_wide_every_level_is(done: Path) -> None:
    verified(done)
    report = report_of(done)
    assert {*FILES, "mask.safetensors", "sparse.safetensors", "slim.onnx"} <= set(check_listing(done / OUT))
    assert [row["channels"]["kept"] for row in report["levels"]] == [224, 156, 110]
    assert [row["channels"]["sparsity"] for row in report["levels"]] == [0.0, 68 / 224, 114 / 224]
    dense, less, more = (row["multiply_adds"] for row in report["levels"])
    assert dense == report["model"]["multiply_adds"] > less > more
    assert report["levels"][2]["parameters"] < report["levels"][1]["parameters"] < report["model"]["parameters"]
    assert report["channels"]["stays"] == {"fc.weight": "its outputs are the network's"}
    assert sum(of["kept"][2] for of in report["channels"]["sets"]) == 110
    assert report["certificate"]["n"] == 1
    assert set(report["certificate"]["against"]) == {"dense", "reinit", "shuffle"}
    held = {item["code"]: item["checked"] for item in report["invariants"]}
    assert held["counts_as_asked"] == held["masks_monotone"] == 2
    assert held["control_differs"] == 2
    assert held["masked_entries_zero"] == 2  # the files: no training has them
    assert report["cost"]["flops_executed"] == 6 * 8 * 30 * (dense + less + more)
    page, card = ((done / OUT / name).read_text() for name in ("report.html", "report.md"))
    assert "110 of 224" in page
    assert "slim.safetensors" in card


def test_slim_and_ticket_are_of_the_same_channels(done: Path) -> None:
    ticket, model = (load_file(done / OUT / f"{word}.safetensors") for word in ("ticket", "model"))
    slim = load_file(done / OUT / "slim.safetensors")
    assert sum(tensor.numel() for tensor in slim.values()) < sum(tensor.numel() for tensor in model.values())
    assert not same_bits(ticket, model)
    for state in (ticket, model):
        assert int(state["conv1.weight"].flatten(1).any(1).sum()) == len(slim["conv1.weight"]) < 16


def test_stopped_on_the_way_it_ends_with_the_same_files(
    tmp_path: Path, lay_out: LayOut, few_large_digits: Any, done: Path
) -> None:
    folder = laid_out(lay_out, tmp_path / "stopped", few_large_digits)
    for after in (5, 15, 25):
        with pytest.raises(Stopped):
            run(folder, read_spec(folder), observer=RecordingObserver(stop_after=after), clock=time.monotonic)
    run(folder, read_spec(folder), observer=RecordingObserver(), clock=time.monotonic)
    for name in FILES:
        assert (folder / OUT / name).read_bytes() == (done / OUT / name).read_bytes()


def test_it_is_written_again_from_its_last_checkpoint_without_a_training(
    done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = json.loads((done / RECIPE).read_bytes()) | {"outputs": ["slim", "pt2"], "gain": "never"}
    (done / RECIPE).write_text(json.dumps(recipe))
    slim = (done / OUT / "slim.safetensors").read_bytes()
    shutil.rmtree(done / OUT)
    monkeypatch.setattr("ticketing.journal.workbench.train", lambda *_, **__: pytest.fail("it trained"))
    run(done, read_spec(done), observer=RecordingObserver(), clock=time.monotonic)
    verified(done)
    assert (done / OUT / "slim.safetensors").read_bytes() == slim
    assert (done / OUT / "slim.pt2").exists()


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("slim", lambda t: t["fc.bias"].add_(1e-3), "the model's channels"),
        ("model", lambda t: t["fc.bias"].add_(1e-3), "the state the run ended with"),
        ("ticket", lambda t: t["bn.bias"].add_(1e-3), "the state the run ended with"),
        ("mask", lambda t: t["conv1.weight"].bitwise_not_(), "the delivered level's mask"),
    ],
)
def test_files_that_do_not_agree_are_found(done: Path, name: str, change: Callable[..., Any], message: str) -> None:
    changed(done / OUT / f"{name}.safetensors", change)
    write_listing(done / OUT)
    with pytest.raises(VerificationError, match=message):
        verified(done)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda report: report["levels"][2].update(parameters=1), "parameters"),
        (lambda report: report["levels"][2].update(multiply_adds=1), "multiply-adds"),
        (lambda report: report["search"]["delivered"]["validation"].update(accuracy=0.5), "validation accuracy 0.5"),
        (lambda report: report["search"]["delivered"]["test"].update(accuracy=0.5), "test accuracy 0.5"),
    ],
)
def test_a_report_of_another_network_is_found(done: Path, change: Callable[..., Any], message: str) -> None:
    report = report_of(done)
    change(report)
    (done / OUT / "report.json").write_text(json.dumps(report))
    write_listing(done / OUT)
    with pytest.raises(VerificationError, match=message):
        verified(done)


@pytest.mark.parametrize(
    ("architecture", "arguments", "words"),
    [
        ("mlp", {"hidden": [16]}, {"rewind": "lr", "outputs": ["sparse", "onnx"], "gain": "always"}),
        ("vit-tiny", {"patch": 4, "width": 12, "depth": 1}, {"criterion": "taylor", "kept": "reinit"}),
    ],
)
def test_networks_without_norms_and_with_attention_read_back(
    tmp_path: Path, lay_out: LayOut, architecture: str, arguments: dict[str, Any], words: dict[str, Any]
) -> None:
    evidence = {"replicates": 1, "replicates_of": "retrain", "controls": ["random"]}
    asked = ASKED | {"outputs": ["slim", "ticket"], "evidence": evidence, "levels": 1} | words
    folder = lay_out(tmp_path / "run", architecture=architecture, arguments=arguments, **asked)
    run(folder, read_spec(folder), observer=RecordingObserver(), clock=time.monotonic)
    verified(folder)
    report = report_of(folder)
    assert report["levels"][1]["parameters"] < report["model"]["parameters"]
    if report["gain"]:
        networks = report["gain"]["networks"]
        assert list(networks) == ["dense", "masked", "slim"]
        assert networks["slim"]["parameters"] == report["levels"][1]["parameters"] < networks["masked"]["parameters"]
