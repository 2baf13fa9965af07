"""LeNet-300-100 on MNIST, 600 updates a level, four seeds: equal short budget, no claim on early stop.

The ticket at 78.9 % sparsity must beat both controls in every seed, and what is no ticket must never be called one.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ticketing.architectures import arguments_for
from ticketing.certificate.verdict import Correct, certify
from ticketing.data.inspection import inspect_upload
from ticketing.evidence.testing import correct_answers
from ticketing.folder import CHECKPOINTS, DATA, OUT, RECIPE, RUN, DataSpec, ModelSpec, RunSpec
from ticketing.journal.journal import Journal, open_journal
from ticketing.journal.provenance import execution_key, run_digest
from ticketing.observer import RecordingObserver
from ticketing.plans.parsing import resolve
from ticketing.recipe import Iterative
from ticketing.runs.inputs import load
from ticketing.subject import placed
from ticketing.training.evaluation import evaluate
from ticketing.training.loop import train
from ticketing.training.rewinding import initial_state

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LEVEL, SEEDS = 7, 4
ASKED = {
    "search": "iterative",
    "levels": LEVEL,
    "rate": {"default": 0.2, "output": 0.1},
    "training": {"length": "600it", "batch_size": 60, "evaluate_every": "100it"},
    "evidence": {"replicates": SEEDS, "controls": ["reinit", "shuffle"]},
    "seed": 0,
}
TO_THE_END = """
import sys, time
from pathlib import Path
from ticketing.folder import read_spec
from ticketing.observer import RecordingObserver
from ticketing.runs.run import run
folder = Path(sys.argv[1])
# A clock so fast that every training ends in a checkpoint, the last one too.
run(folder, read_spec(folder), observer=RecordingObserver(), clock=lambda: 10 * time.monotonic())
"""


@dataclass(frozen=True)
class Done:
    """A finished run and what is needed to train beside it."""

    folder: Path
    spec: RunSpec
    recipe: Iterative
    report: dict[str, Any]
    journal: Journal

    def answers(self, branch: str) -> Correct:
        level = 0 if branch == "dense" else LEVEL
        return correct_answers(self.journal, branch=branch, level=level, replicates=SEEDS, examples=10_000)

    def differences(self, other: str) -> list[float]:
        """Ticket minus other in points, one per seed."""
        return [100 * d for d in self.report["certificate"]["against"][other]["differences"]]


@pytest.fixture(scope="module")
def done(winnow_data: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Done:
    if winnow_data is None:
        pytest.skip("WINNOW_DATA names no folder with mnist.npz")
    folder = tmp_path_factory.mktemp("mnist")
    for part in ("data", "checkpoint", "out"):
        (folder / part).mkdir()
    summary = inspect_upload(winnow_data / "mnist.npz", folder / DATA, name="mnist")
    recipe = resolve(ASKED, architecture="lenet-300-100", uploaded=False, weights="initial", device_kind="cpu", seed=0)
    arguments = arguments_for("lenet-300-100", {}, data_shape=summary.shape, classes=summary.classes)
    spec = RunSpec(
        model=ModelSpec(architecture="lenet-300-100", arguments=arguments, seed=0),
        data=DataSpec(name="mnist", fingerprint=summary.fingerprint),
    )
    (folder / RECIPE).write_text(recipe.model_dump_json())
    (folder / RUN).write_text(spec.model_dump_json())
    # In a process of its own: that of the tests checks the shapes of every call, which takes most of the time.
    subprocess.run([sys.executable, "-c", TO_THE_END, str(folder)], check=True)
    journal = open_journal(
        folder / CHECKPOINTS, run_digest=run_digest(spec, recipe), execution_key=execution_key(spec, recipe)
    )
    report = json.loads((folder / OUT / "report.json").read_bytes())
    return Done(folder, spec, recipe, report, journal)


def test_the_ladder_keeps_the_counts_of_the_paper(done: Done) -> None:
    assert [done.report["levels"][level]["kept"] for level in (0, 3, 7)] == [266_200, 136_511, 56_094]


def test_the_ticket_beats_fresh_weights_under_its_mask_in_every_seed(done: Done) -> None:
    assert min(done.differences("reinit")) >= 1.5


def test_the_ticket_beats_its_weights_under_a_shuffled_mask_in_every_seed(done: Done) -> None:
    assert min(done.differences("shuffle")) >= 1.5


def test_the_ticket_is_as_good_as_dense_in_every_seed(done: Done) -> None:
    assert min(done.differences("dense")) >= -0.3


def test_the_tickets_loss_is_lower_in_every_seed(done: Done) -> None:
    ratios = done.report["certificate"]["early_stop"]["over_ticket"]["reinit"]["minimum_loss_ratios"]
    assert min(ratios) >= 1.4


def test_it_is_a_winning_ticket(done: Done) -> None:
    assert done.report["certificate"]["verdict"] == "winning"


def verdict(done: Done, ticket: Correct, **controls: Correct) -> str:
    return certify(ticket, done.answers("dense"), controls, tolerance=0.005, seed=0).verdict


def test_a_shuffled_mask_posing_as_the_ticket_does_not_win(done: Done) -> None:
    assert verdict(done, done.answers("shuffle"), reinit=done.answers("reinit")) != "winning"


def test_two_seeds_do_not_win(done: Done) -> None:
    two = {branch: done.answers(branch)[:2] for branch in ("ticket", "dense", "reinit")}
    found = certify(two["ticket"], two["dense"], {"reinit": two["reinit"]}, tolerance=0.005, seed=0)
    assert found.verdict == "inconclusive"


def test_dense_against_dense_in_another_order_does_not_win(done: Done) -> None:
    others = _dense_in_another_order(done)
    assert verdict(done, others, reinit=done.answers("dense")) != "winning"
    assert verdict(done, done.answers("dense"), reinit=others) != "winning"


def _dense_in_another_order(done: Done) -> Correct:
    subject, data = load(done.folder, done.spec, done.recipe, device=torch.device("cpu"))
    rows = []
    for replicate in range(SEEDS):
        trained = train(
            subject.module,
            initial_state(subject, seed=done.recipe.seed, replicate=replicate),
            data=data,
            training=done.recipe.training,
            order_seed=12345 + replicate,
            observer=RecordingObserver(),
        )
        rows.append(evaluate(placed(subject.module, trained.best, device="cpu"), data.x_test, data.y_test).correct)
    return np.stack([row.numpy() for row in rows])
