"""An early-bird run, folder in and folder out: files that read back, a report that says what was found."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.ticketing.runs.folders import changed, report_of, verified
from ticketing.errors import VerificationError
from ticketing.export.listing import check_listing, write_listing
from ticketing.folder import OUT, RECIPE, read_spec
from ticketing.observer import RecordingObserver, Stopped
from ticketing.runs.run import run
from ticketing.sparse import same_bits
from ticketing.step import iterations_per_epoch

LayOut = Callable[..., Path]
ASKED: dict[str, Any] = {
    "search": "early_bird",
    "channel_sparsities": [0.3, 0.5],
    "window": 3,
    "threshold": 0.15,
    "l1": 0.001,
    "training": {
        "length": "10ep",
        "batch_size": 30,
        "evaluate_every": "2ep",
        "optimizer": {"name": "sgd", "learning_rate": 0.05},
        "schedule": {"name": "constant"},
    },
    "evidence": {"replicates": 3, "replicates_of": "retrain", "controls": ["reinit", "shuffle"], "levels": "all"},
}


def laid_out(lay_out: LayOut, folder: Path, few: Any, **words: Any) -> Path:
    arguments = {"depth": 10, "width": 1}
    return lay_out(folder, architecture="wide-resnet", arguments=arguments, dataset=few, **(ASKED | words))


@pytest.fixture(scope="module")
def _done(
    tmp_path_factory: pytest.TempPathFactory, lay_out: LayOut, few_large_digits: Any
) -> tuple[Path, RecordingObserver]:
    folder, observer = laid_out(lay_out, tmp_path_factory.mktemp("bird") / "run", few_large_digits), RecordingObserver()
    run(folder, read_spec(folder), observer=observer, clock=time.monotonic)
    return folder, observer


@pytest.fixture
def done(tmp_path: Path, _done: tuple[Path, RecordingObserver]) -> Path:
    return Path(shutil.copytree(_done[0], tmp_path / "done", symlinks=True))


def test_everything_reads_back(done: Path) -> None:
    verified(done)
    levels = {f"levels/0{level}/{file}" for level in range(3) for file in ("mask.safetensors", "metrics.json")}
    files = {"slim.safetensors", "slim.json", "ticket.safetensors", "model.safetensors", "mask.safetensors"}
    documents = {"answers.safetensors", "report.json", "report.html", "report.md", "recipe.json", "provenance.json"}
    assert set(check_listing(done / OUT)) == files | levels | documents | {"manifest.json", "SHA256SUMS"}


def test_it_is_written_again_from_its_last_checkpoint_without_a_training(
    done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = json.loads((done / RECIPE).read_bytes()) | {"outputs": ["slim", "onnx"], "gain": "never"}
    (done / RECIPE).write_text(json.dumps(recipe))
    before, slim = report_of(done), (done / OUT / "slim.safetensors").read_bytes()
    shutil.rmtree(done / OUT)
    monkeypatch.setattr("ticketing.journal.workbench.train", lambda *_, **__: pytest.fail("it trained"))
    run(done, read_spec(done), observer=RecordingObserver(), clock=time.monotonic)
    verified(done)
    assert (done / OUT / "slim.safetensors").read_bytes() == slim
    for part in ("search", "levels", "settling", "certificate", "cost"):
        assert report_of(done)[part] == before[part]


def test_the_report_tells_how_the_channels_settled(done: Path) -> None:
    report = report_of(done)
    assert [row["level"] for row in report["levels"]] == [0, 1, 2]
    for row, share in zip(report["levels"][1:], (0.3, 0.5), strict=True):
        assert row["channels"]["sparsity"] == share
        assert row["channels"]["kept"] == row["channels"]["total"] - round(share * row["channels"]["total"])
        assert row["parameters"] < report["model"]["parameters"]
        assert row["test"]["ticket"]["n"] == row["test"]["reinit"]["n"] == 3
    dense, less, more = (row["multiply_adds"] for row in report["levels"])
    assert dense == report["model"]["multiply_adds"] > less > more
    for found, row in zip(report["settling"], report["levels"][1:], strict=True):
        matrix = np.array(found["distances"])
        assert matrix.shape == (found["epochs_watched"],) * 2
        assert np.array_equal(matrix, matrix.T)
        (epoch,) = found["found"]
        assert 3 <= epoch <= found["epochs_watched"]
        assert found["deciding_distances"] == matrix[epoch - 1, epoch - 3 : epoch - 1].tolist()
        assert max(found["deciding_distances"]) <= 0.15
        assert found["level"] == row["level"]
    assert report["certificate"]["level"] == report["search"]["delivered_level"] == 2
    assert report["certificate"]["n"] == 3
    assert set(report["certificate"]["against"]) == {"dense", "reinit", "shuffle"}


def test_the_cost_is_that_of_what_ran(done: Path) -> None:
    report = report_of(done)
    cost, levels = report["cost"], report["levels"]
    per_epoch, batch = iterations_per_epoch(report["dataset"]["train"], 30), 30
    epochs = [0, *(found["found"][0] for found in report["settling"])]
    dense = max(epochs) * per_epoch * levels[0]["multiply_adds"]
    slim = [(10 - epoch) * per_epoch * row["multiply_adds"] for epoch, row in zip(epochs, levels, strict=True)]
    assert cost["flops_executed"] == 6 * batch * (dense + slim[1] + slim[2])
    assert cost["delivered_flops"] == 6 * batch * (dense + slim[2])
    assert cost["dense_training_flops"] == 6 * batch * 10 * per_epoch * levels[0]["multiply_adds"]
    again = cost["dense_training_flops"] * (1 + levels[2]["multiply_adds"] / levels[0]["multiply_adds"])
    assert cost["train_prune_retrain_flops"] == pytest.approx(again)
    watched = max(epochs)
    assert cost["delivered_samples"] == batch * per_epoch * (watched + 10 - epochs[2])
    assert cost["train_prune_retrain_samples"] == 2 * cost["dense_training_samples"] == 2 * batch * 10 * per_epoch
    ran, whole = cost["delivered_seconds"], cost["train_prune_retrain_seconds"]
    assert ran < whole  # at the same pace each of the two trains for longer
    assert whole - cost["dense_training_seconds"] == pytest.approx(
        (ran - cost["dense_training_seconds"] * watched / 10) * 10 / (10 - epochs[2]), abs=0.01
    )


def test_the_page_and_the_card_tell_it_too(done: Path) -> None:
    page, card = ((done / OUT / name).read_text() for name in ("report.html", "report.md"))
    for found in report_of(done)["settling"]:
        assert f"epoch {found['found'][0]}" in page
        assert f"epoch {found['found'][0]}" in card
    assert "slim.safetensors" in card
    assert page.count("<svg") >= 4


def test_stopped_on_the_way_it_ends_with_the_same_files(
    tmp_path: Path, lay_out: LayOut, few_large_digits: Any, done: Path
) -> None:
    folder = laid_out(lay_out, tmp_path / "stopped", few_large_digits)
    for updates in (7, 20, 60):
        with pytest.raises(Stopped):
            run(folder, read_spec(folder), observer=RecordingObserver(stop_after=updates), clock=time.monotonic)
    run(folder, read_spec(folder), observer=RecordingObserver(), clock=time.monotonic)
    for name in ("slim.safetensors", "slim.json", "ticket.safetensors", "model.safetensors", "answers.safetensors"):
        assert (folder / OUT / name).read_bytes() == (done / OUT / name).read_bytes()


def test_the_ticket_trains_to_the_model(done: Path) -> None:
    ticket, model = (load_file(done / OUT / f"{word}.safetensors") for word in ("ticket", "model"))
    assert ticket.keys() == model.keys()
    assert not same_bits(ticket, model)
    slim = load_file(done / OUT / "slim.safetensors")
    assert sum(t.numel() for t in slim.values()) < sum(t.numel() for t in model.values())


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("slim", lambda t: t["fc.bias"].add_(1e-3), "the model's channels"),
        ("model", lambda t: t["bn.weight"].add_(1e-3), "the state the run ended with"),
        ("mask", lambda t: t["conv1.weight"].bitwise_xor_(1), "counts"),
        ("answers", lambda t: t["ticket/2/best"].bitwise_xor_(1), "test accuracies"),
    ],
)
def test_files_that_do_not_agree_are_found(done: Path, name: str, change: Callable[..., Any], message: str) -> None:
    changed(done / OUT / f"{name}.safetensors", change)
    write_listing(done / OUT)
    with pytest.raises(VerificationError, match=message):
        verified(done)


def test_answers_are_checked_whatever_files_were_asked_for(
    tmp_path: Path, lay_out: LayOut, few_large_digits: Any
) -> None:
    evidence = {"replicates": 1, "replicates_of": "retrain", "controls": []}
    words = {"evidence": evidence, "channel_sparsities": [0.5], "outputs": ["mask"]}
    folder = laid_out(lay_out, tmp_path / "mask", few_large_digits, **words)
    run(folder, read_spec(folder), observer=RecordingObserver(), clock=time.monotonic)
    verified(folder)
    changed(folder / OUT / "answers.safetensors", lambda t: t["ticket/1/best"].bitwise_xor_(1))
    write_listing(folder / OUT)
    with pytest.raises(VerificationError, match="test accuracies"):
        verified(folder)


def test_an_accuracy_the_slim_network_does_not_have_is_found(done: Path) -> None:
    report = report_of(done)
    report["search"]["delivered"]["test"]["accuracy"] += 0.01
    (done / OUT / "report.json").write_text(json.dumps(report))
    write_listing(done / OUT)
    with pytest.raises(VerificationError, match="the slim network, test accuracy"):
        verified(done)


def test_another_channel_in_slim_json_is_found(done: Path) -> None:
    path = done / OUT / "slim.json"
    document = json.loads(path.read_bytes())
    kept = document["tensors"]["conv1.weight"]["kept"]["0"]
    other = sorted({*range(16)} - {*kept})[0]
    document["tensors"]["conv1.weight"]["kept"]["0"] = sorted([other, *kept[1:]])
    path.write_text(json.dumps(document))
    write_listing(done / OUT)
    with pytest.raises(VerificationError, match=r"slim\.json, whole channels"):
        verified(done)


def test_without_evidence_it_is_delivered_and_nothing_is_claimed(
    tmp_path: Path, lay_out: LayOut, few_large_digits: Any
) -> None:
    words = {"evidence": "none", "channel_sparsities": [0.5], "keep_levels": "models", "outputs": ["slim"]}
    folder = laid_out(lay_out, tmp_path / "quick", few_large_digits, **words)
    observer = RecordingObserver()
    run(folder, read_spec(folder), observer=observer, clock=time.monotonic)
    verified(folder)
    assert report_of(folder)["certificate"] is None
    model = load_file(folder / OUT / "levels/01/model.safetensors")
    assert any(not bool(tensor.any()) for tensor in model["conv1.weight"])
    assert torch.isfinite(model["fc.weight"]).all()
    assert observer.of_type("finished")[0]["summary"]["verdict"] == "inconclusive"
