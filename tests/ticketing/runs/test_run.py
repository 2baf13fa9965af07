"""ticketing.runs.run: folder in, folder out; an interrupted run goes on and ends with the same bits."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ticketing.errors import CheckpointError, DataError, ModelError
from ticketing.export.listing import check_listing
from ticketing.folder import CHECKPOINTS, DATA, MODEL, OUT, RECIPE, RUN, read_spec
from ticketing.observer import RecordingObserver, Stopped
from ticketing.runs import execution
from ticketing.runs.run import run

WEIGHTS = ("ticket", "model", "mask", "sparse")


def ran(
    folder: Path, observer: RecordingObserver | None = None, *, clock: Callable[[], float] = time.monotonic
) -> RecordingObserver:
    observer = observer or RecordingObserver()
    run(folder, read_spec(folder), observer=observer, clock=clock)
    return observer


def weights(folder: Path) -> dict[str, bytes]:
    return {word: (folder / OUT / f"{word}.safetensors").read_bytes() for word in WEIGHTS}


def test_every_file_of_the_format_page_is_there(finished: Path) -> None:
    of_a_level = ("mask.safetensors", "metrics.json", "model.safetensors")
    levels = {f"levels/0{level}/{file}" for level in range(4) for file in of_a_level}
    tensors = {f"{word}.safetensors" for word in WEIGHTS}
    documents = {"answers.safetensors", "report.json", "report.html", "report.md", "recipe.json", "provenance.json"}
    assert set(check_listing(finished / OUT)) == tensors | levels | documents | {"manifest.json", "SHA256SUMS"}


def test_the_files_said_at_the_end_are_those_in_the_folder(finished: Path, said: RecordingObserver) -> None:
    (told,) = said.of_type("finished")
    assert {name: file["sha256"] for name, file in told["files"].items()} == check_listing(finished / OUT)
    assert all((finished / OUT / name).stat().st_size == file["bytes"] for name, file in told["files"].items())


def test_started_comes_first_and_finished_last(said: RecordingObserver) -> None:
    words = [word for word, _ in said.events]
    assert (words[0], words[-1]) == ("started", "finished")
    assert said.of_type("started")[0]["resumed_from"] is None


def test_the_phases_come_in_their_order(said: RecordingObserver) -> None:
    phases = [told["phase"] for told in said.of_type("phase")]
    assert phases[:4] == ["fetch_data", "train_dense", "prune", "rewind"]
    assert phases[-2:] == ["evaluate", "export"]


def test_every_fact_is_said_once(said: RecordingObserver) -> None:
    for word, levels in (("level_completed", range(4)), ("mask_drawn", range(1, 4))):
        places = [(told["replicate"], told["level"]) for told in said.of_type(word)]
        assert places == [(replicate, level) for replicate in range(3) for level in levels]
    assert len(said.of_type("ticket_found")) == 1


def test_the_summary_is_of_the_delivered_model(finished: Path, said: RecordingObserver) -> None:
    summary = said.of_type("finished")[0]["summary"]
    report = json.loads((finished / OUT / "report.json").read_bytes())
    assert summary["level"] == 3
    assert summary["sparsity"] == report["levels"][3]["sparsity"]
    assert summary["accuracy_drop"] == pytest.approx(
        report["levels"][0]["validation"]["accuracy"] - report["levels"][3]["validation"]["accuracy"]
    )
    assert summary["bytes"] == (finished / OUT / "sparse.safetensors").stat().st_size
    assert (summary["verdict"], summary["n"]) == (report["certificate"]["verdict"], 3)


@pytest.fixture(scope="module")
def undisturbed(lay_out: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run as `make_folder` lays it out, done without a stop."""
    folder: Path = lay_out(tmp_path_factory.mktemp("undisturbed") / "run")
    ran(folder)
    return folder


def test_the_same_seed_gives_the_same_bits(make_folder: Any, undisturbed: Path) -> None:
    folder = make_folder()
    ran(folder)
    assert weights(folder) == weights(undisturbed)


def test_another_seed_gives_other_bits(make_folder: Any) -> None:
    evidence = {"replicates": 0}
    one, other = make_folder("one", evidence=evidence), make_folder("other", evidence=evidence, seed=1)
    ran(one)
    ran(other)
    assert weights(one)["model"] != weights(other)["model"]


@pytest.mark.parametrize("asked", [1, 75, 190, 400, 700])
def test_a_run_stopped_anywhere_ends_with_the_same_bits(make_folder: Any, undisturbed: Path, asked: int) -> None:
    interrupted = make_folder()
    with pytest.raises(Stopped):
        ran(interrupted, RecordingObserver(stop_after=asked))
    resumed = ran(interrupted)
    assert resumed.of_type("started")[0]["resumed_from"]["checkpoint"] >= 1
    assert weights(interrupted) == weights(undisturbed)
    reports = [json.loads((f / OUT / "report.json").read_bytes()) for f in (undisturbed, interrupted)]
    assert reports[0]["certificate"] == reports[1]["certificate"]
    assert reports[0]["curves"] == reports[1]["curves"]


EVERYTHING = {
    "optimizer": {"name": "adamw", "weight_decay_on": "weights"},
    "schedule": {"name": "one_cycle"},
    "augment": "flip_crop",
    "label_noise": {"kind": "symmetric", "fraction": 0.2},
    "label_smoothing": 0.1,
    "gradient_clip": 1.0,
    "ema": {"decay": 0.9},
    "length": "60it",
    "evaluate_every": "20it",
}


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_a_run_with_every_option_stopped_in_a_level_ends_with_the_same_bits(
    make_folder: Any, weight_decay: float
) -> None:
    training = EVERYTHING | {"optimizer": EVERYTHING["optimizer"] | {"weight_decay": weight_decay}}  # type: ignore[operator]
    # At these rates units are cut off, and left out where nothing decays.
    words = {"training": training, "rate": 0.8, "evidence": {"replicates": 0}}
    whole, interrupted = make_folder("whole", **words), make_folder("interrupted", **words)
    ran(whole)
    with pytest.raises(Stopped):
        ran(interrupted, RecordingObserver(stop_after=61 + 60 + 29))
    assert ran(interrupted).of_type("started")[0]["resumed_from"]["where"]["level"] == 2
    assert weights(interrupted) == weights(whole)
    report = json.loads((interrupted / OUT / "report.json").read_bytes())
    assert report["dataset"]["labels_changed"] == round(0.2 * report["dataset"]["train"])


def test_a_resumed_attempt_names_a_step_inside_the_level_it_was_stopped_in(make_folder: Any) -> None:
    folder = make_folder()
    with pytest.raises(Stopped):
        ran(folder, RecordingObserver(stop_after=61 + 29))
    where = ran(folder).of_type("started")[0]["resumed_from"]["where"]
    assert 0 < where.pop("step") < 60
    assert where == {"replicate": 0, "stage": "search", "branch": "ticket", "level": 1}


def test_a_finished_run_run_again_trains_next_to_nothing(make_folder: Any) -> None:
    folder = make_folder(checkpoint_seconds=1e9)
    ran(folder, clock=count().__next__)  # every training takes seconds, so that each is saved
    before, again = weights(folder), ran(folder)
    assert [word for word, _ in again.events] == ["started", "phase", "phase", "warning", "finished"]
    assert weights(folder) == before


def test_another_execution_key_goes_on_with_a_warning(make_folder: Any) -> None:
    folder = make_folder()
    with pytest.raises(Stopped):
        ran(folder, RecordingObserver(stop_after=10))
    spec = read_spec(folder)
    other = spec.model_copy(update={"execution": spec.execution.model_copy(update={"threads": 2})})
    (folder / RUN).write_text(other.model_dump_json())
    resumed = RecordingObserver(stop_after=0)
    with pytest.raises(Stopped):
        ran(folder, resumed)
    torch.set_num_threads(1)
    assert resumed.of_type("warning")[0]["code"] == "resumed_on_different_hardware"


def test_a_precision_that_takes_longer_than_fp32_is_warned_of_once(
    make_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "_has_bf16", lambda device: False)
    folder, first, again = (
        make_folder(training={"length": "60it", "precision": "bf16"}),
        *(RecordingObserver(stop_after=n) for n in (10, 0)),
    )
    for observer in (first, again):
        with pytest.raises(Stopped):
            ran(folder, observer)
    assert [told["code"] for told in first.of_type("warning")] == ["precision_is_slow"]
    assert again.of_type("warning") == []


def test_a_checkpoint_of_another_recipe_is_refused(make_folder: Any) -> None:
    folder = make_folder()
    with pytest.raises(Stopped):
        ran(folder, RecordingObserver(stop_after=10))
    recipe = json.loads((folder / RECIPE).read_bytes())
    (folder / RECIPE).write_text(json.dumps(recipe | {"seed": 9}))
    with pytest.raises(CheckpointError, match="expected a checkpoint of run"):
        ran(folder)


def test_a_dataset_that_is_not_the_one_declared_is_refused(make_folder: Any) -> None:
    folder = make_folder()
    spec = json.loads((folder / RUN).read_bytes())
    spec["data"]["fingerprint"] = "0" * 64
    (folder / RUN).write_text(json.dumps(spec))
    with pytest.raises(DataError, match="expected a dataset with fingerprint 0000"):
        ran(folder)


def test_a_network_that_does_not_fit_the_dataset_is_refused(make_folder: Any) -> None:
    folder = make_folder(architecture="mlp", arguments={"in_features": 9, "hidden": [4], "classes": 10})
    with pytest.raises(DataError, match="shape"):
        ran(folder)


def test_a_run_without_a_model_is_refused(make_folder: Any) -> None:
    folder = make_folder()
    spec = json.loads((folder / RUN).read_bytes())
    (folder / RUN).write_text(json.dumps(spec | {"model": None}))
    with pytest.raises(ModelError, match="got none"):
        ran(folder)


@pytest.fixture
def uploaded(make_folder: Any, tmp_path: Path) -> Path:
    """The trained weights of a dense network, as somebody might upload them."""
    folder = make_folder("dense", levels=1, evidence={"replicates": 0}, keep_levels="models")
    ran(folder)
    path = tmp_path / "uploaded.safetensors"
    save_file(load_file(folder / OUT / "levels/00/model.safetensors"), path)
    return path


def test_a_model_that_came_trained_is_pruned_as_it_came(make_folder: Any, uploaded: Path) -> None:
    folder = make_folder(model=uploaded, weights="trained", levels=1, evidence={"replicates": 1})
    told = ran(folder)
    assert told.of_type("level_completed")[0]["updates"] == 0
    assert told.of_type("warning")[0]["code"] == "validation_from_test"
    kept, came = load_file(folder / OUT / "ticket.safetensors"), load_file(uploaded)
    assert all(bool(((kept[name] == came[name]) | (kept[name] == 0)).all()) for name in came)
    report = json.loads((folder / OUT / "report.json").read_bytes())
    assert 0.5 < report["search"]["delivered"]["uploaded_test_accuracy"] <= 1.0


def test_an_uploaded_initialisation_is_level_0s_start(make_folder: Any, uploaded: Path) -> None:
    folder = make_folder(model=uploaded, levels=1, evidence={"replicates": 0})
    ran(folder)
    assert (folder / MODEL).is_file()
    kept, came = load_file(folder / OUT / "ticket.safetensors"), load_file(uploaded)
    assert kept["fc1.weight"].count_nonzero() > 0
    assert all(bool(((kept[name] == came[name]) | (kept[name] == 0)).all()) for name in came)


def test_only_the_outputs_asked_for_are_written(make_folder: Any) -> None:
    folder = make_folder(levels=1, evidence={"replicates": 0}, outputs=["mask", "sparse"])
    told = ran(folder)
    assert sorted(path.name for path in (folder / OUT).glob("*.safetensors")) == [
        "mask.safetensors",
        "sparse.safetensors",
    ]
    assert told.of_type("finished")[0]["summary"]["verdict"] == "inconclusive"


def test_nothing_is_written_outside_checkpoint_and_out(make_folder: Any) -> None:
    folder = make_folder(levels=1, evidence={"replicates": 0})
    before = {path for path in folder.rglob("*") if path.parts[-2] not in (CHECKPOINTS, OUT)}
    ran(folder)
    after = {path for path in folder.rglob("*") if CHECKPOINTS not in path.parts and OUT not in path.parts[-4:]}
    assert {path for path in before if path.name not in (CHECKPOINTS, OUT)} == {
        path for path in after if path.name not in (CHECKPOINTS, OUT)
    }
    assert (folder / DATA).is_symlink()


@dataclass
class _StopsInExport(RecordingObserver):
    """Asks to stop from the first `phase: export` on."""

    exporting: bool = field(default=False)

    def emit(self, word: Any, /, **data: Any) -> None:
        super().emit(word, **data)
        self.exporting = self.exporting or data.get("phase") == "export"

    def stop_requested(self) -> bool:
        return self.exporting


def test_a_stop_asked_for_while_exporting_comes_too_late(make_folder: Any) -> None:
    folder = make_folder(levels=1, evidence={"replicates": 0})
    assert ran(folder, _StopsInExport()).of_type("finished")


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        ("conv-2", {"scope": "layerwise"}),
        ("resnet-20", {"scope": "global", "rewind": "2it", "rate": 0.5}),
        ("resnet-20", {"scope": "global", "rewind": "lr", "rate": 0.5}),
        ("conv-2", {"precision": "bf16"}),
    ],
)
def test_every_architecture_goes_all_the_way(make_folder: Any, architecture: str, words: dict[str, Any]) -> None:
    training = {"length": "4it", "batch_size": 16, "evaluate_every": "2it"}
    training["precision"] = words.get("precision", "fp32")
    folder = make_folder(
        architecture=architecture,
        levels=1,
        training=training,
        evidence={"replicates": 1, "controls": ["reinit", "shuffle"]},
        **{key: value for key, value in words.items() if key != "precision"},
    )
    assert ran(folder).of_type("finished")[0]["summary"]["n"] == 1


@pytest.mark.parametrize(
    ("architecture", "precision"),
    [
        ("lenet-5", "fp32"),
        ("conv-4", "bf16"),
        ("conv-6", "fp32"),
        ("resnet-32", "fp32"),
        ("resnet-18", "fp32"),
        ("preresnet-56", "bf16"),
        ("wide-resnet", "bf16"),
        ("vgg-11-bn", "fp32"),
        ("mobilenet-v2", "fp32"),
        ("mobilenet-v2", "bf16"),
    ],
)
def test_every_kind_of_network_walks_two_levels(
    make_folder: Any, few_large_digits: Any, tiny_arguments: Any, architecture: str, precision: str
) -> None:
    small = {name: value for name, value in tiny_arguments(architecture).items() if name in ("depth", "width")}
    folder = make_folder(
        architecture=architecture,
        arguments=small,
        dataset=few_large_digits,
        training={"length": "2it", "batch_size": 16, "evaluate_every": "2it", "precision": precision},
        evidence="none",
        outputs=["mask"],
    )
    completed = ran(folder).of_type("level_completed")
    assert [level["level"] for level in completed] == [0, 1, 2]


def test_a_finished_run_is_written_again_from_its_last_checkpoint_without_a_training(
    tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = json.loads((finished / RECIPE).read_bytes()) | {"outputs": ["onnx"], "gain": "never"}
    (finished / RECIPE).write_text(json.dumps(recipe))
    before = json.loads((finished / OUT / "report.json").read_bytes())
    shutil.rmtree(finished / OUT)
    monkeypatch.setattr("ticketing.journal.workbench.train", lambda *_, **__: pytest.fail("it trained"))
    run(finished, read_spec(finished), observer=RecordingObserver(), clock=time.monotonic)
    after = json.loads((finished / OUT / "report.json").read_bytes())
    assert (finished / OUT / "model.onnx").exists()
    assert not (finished / OUT / "model.safetensors").exists()
    for part in ("search", "levels", "certificate", "cost", "curves"):
        assert after[part] == before[part]
