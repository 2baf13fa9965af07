"""A run with structure N:M: masks, controls, files, a fork and the report keep as many inputs of every block."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from ticketing.architectures import inventory
from ticketing.errors import VerificationError
from ticketing.export.listing import write_listing
from ticketing.export.weights import read_mask
from ticketing.folder import CHECKPOINTS, OUT, RECIPE, RUN, START, read_spec
from ticketing.journal.checkpoint import read_checkpoint
from ticketing.mask import Mask
from ticketing.observer import RecordingObserver
from ticketing.plans.parsing import parse_recipe
from ticketing.plans.start import start_from
from ticketing.runs.run import run
from ticketing.runs.verification import verify

CONTROLS = ["reinit", "shuffle", "reinit_shuffle", "random"]


def ran(folder: Path) -> Path:
    run(folder, read_spec(folder), observer=RecordingObserver(), clock=time.monotonic)
    return folder


def report_of(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / OUT / "report.json").read_bytes())
    return report


def promised(folder: Path) -> tuple[int, int]:
    """Count how often the structure, and that a control differs, was checked."""
    checked = {promise["code"]: promise["checked"] for promise in report_of(folder)["invariants"]}
    return checked["structure_kept"], checked["control_differs"]


@pytest.fixture(scope="module")
def _done(tmp_path_factory: pytest.TempPathFactory, lay_out: Any) -> Path:
    folder: Path = tmp_path_factory.mktemp("blocks") / "run"
    return ran(lay_out(folder, structure="2:4", levels=None, evidence={"replicates": 1, "controls": CONTROLS}))


@pytest.fixture
def done(tmp_path: Path, _done: Path) -> Path:
    """Give a copy of the folder of a finished run of 2:4: two levels, all controls that draw."""
    return Path(shutil.copytree(_done, tmp_path / "done", symlinks=True))


def test_every_level_keeps_its_number_of_every_four_columns_of_a_row(done: Path) -> None:
    for level, number in ((1, 3), (2, 2)):
        mask = read_mask(done / OUT / f"levels/{level:02d}/mask.safetensors")
        assert [set(kept.reshape(-1, 4).sum(1).tolist()) for kept in mask.values()] == [{number}, {number}]
    model = load_file(done / OUT / "model.safetensors")
    assert all(bool((model[name].reshape(-1, 4) != 0).sum(1).le(2).all()) for name in mask)


def test_files_read_back_and_the_promise_was_checked_at_every_mask_and_control(done: Path) -> None:
    verify(done, read_spec(done))
    assert promised(done) == (2 + 4, 4)
    assert [row["sparsity"] for row in report_of(done)["levels"]] == [0, 0.25, 0.5]
    assert "keeps 2, in 2 of 2 layers" in (done / OUT / "report.md").read_text()


def test_a_mask_whose_entry_went_to_another_block_is_found_in_the_files(done: Path) -> None:
    path = done / OUT / "levels/01/mask.safetensors"
    mask = dict(read_mask(path))
    row = mask["fc1.weight"][0]
    row[int((~row[:4]).nonzero()[0])] = True
    row[4 + int(row[4:8].nonzero()[0])] = False
    with safe_open(path, framework="pt") as file:
        save_file(Mask(mask).pack(), path, metadata=file.metadata())
    write_listing(done / OUT)
    with pytest.raises(VerificationError, match=r"mask of level 1, counts .*, as many of every 4 inputs"):
        verify(done, read_spec(done))


def test_a_report_of_other_blocks_than_the_ladders_is_found(done: Path) -> None:
    recipe = json.loads((done / RECIPE).read_bytes())
    (done / RECIPE).write_text(json.dumps(recipe | {"structure": "1:4"}))
    with pytest.raises(VerificationError, match="as many of every 4 inputs"):
        verify(done, read_spec(done))


def test_a_fork_that_changes_nothing_ends_with_the_same_bits(done: Path, tmp_path: Path) -> None:
    spec, fork = read_spec(done), tmp_path / "fork"
    assert spec.model is not None
    recipe = parse_recipe(json.loads((done / RECIPE).read_bytes()))
    newest = max((done / CHECKPOINTS).glob("*.safetensors"))
    sha256 = newest.with_suffix(".done").read_text().strip()
    start = start_from(
        job="job_parent",
        level=1,
        sha256=sha256,
        where=read_checkpoint(newest, sha256=sha256).where.as_json(),
        parent=recipe,
        parent_start=None,
        recipe=recipe,
        inventory=inventory(spec.model.architecture, spec.model.arguments),
    )
    for part in (CHECKPOINTS, OUT, "start", "tmp", "model"):
        (fork / part).mkdir(parents=True)
    shutil.copytree(done / "data", fork / "data", symlinks=True)
    shutil.copyfile(newest, fork / START)
    shutil.copyfile(done / RECIPE, fork / RECIPE)
    (fork / RUN).write_text(spec.model_copy(update={"start": start}).model_dump_json())
    ran(fork)
    verify(fork, read_spec(fork))
    assert promised(fork) == promised(done)  # the mask that was taken over is checked like one that is drawn
    for name in ("mask", "ticket", "model"):
        assert (fork / OUT / f"{name}.safetensors").read_bytes() == (done / OUT / f"{name}.safetensors").read_bytes()


@pytest.mark.parametrize(
    "words",
    [
        {"structure": "1:2", "pruned": "freeze_if_growing", "kept": "reshuffle"},
        {"structure": "1:4", "levels": 2, "criterion": "snip", "rewind": "auto"},
        {"structure": "4:8", "levels": 1, "rewind": "lr", "level_length": "20it"},
    ],
    ids=["removed entries hold weights", "rewind auto", "short levels"],
)
def test_actions_rewinding_and_short_levels_go_with_blocks(make_folder: Any, words: dict[str, Any]) -> None:
    small = {"levels": None, "length": "40it", "evidence": {"replicates": 1, "controls": ["shuffle"]}}
    folder = ran(make_folder(**small | words))
    verify(folder, read_spec(folder))


def test_a_convolution_is_divided_along_its_input_channels_and_a_grey_image_is_not(make_folder: Any) -> None:
    folder = ran(make_folder(architecture="resnet-20", structure="2:4", levels=1, length="2it", evidence="none"))
    verify(folder, read_spec(folder))
    mask = read_mask(folder / OUT / "mask.safetensors")
    assert bool(mask["conv1.weight"].all())
    kernels = mask["layer1.0.conv1.weight"]
    assert set(kernels.permute(0, 2, 3, 1).reshape(-1, 4).sum(1).tolist()) == {2}


def test_a_budget_ends_between_dense_and_n_and_says_so(make_folder: Any) -> None:
    words = {"structure": "1:4", "levels": None, "length": "20it", "evidence": "none"}
    folder = ran(make_folder(budget={"samples": 20 * 60 * 3}, **words))
    verify(folder, read_spec(folder))
    assert "keeps 2, where the search ended before 1:4" in (folder / OUT / "report.md").read_text()
