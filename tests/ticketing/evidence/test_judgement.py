"""ticketing.evidence.judgement: verdicts from what a journal holds; ratios that say when they are bounds."""

from typing import Any

import numpy as np
import pytest
import torch

from ticketing.certificate.verdict import certificate_json
from ticketing.evidence.judgement import Judge
from ticketing.journal.journal import Journal, open_journal
from ticketing.journal.results import Result, curve_tensor
from ticketing.journal.where import Where
from ticketing.recipe import Evidence
from ticketing.training.state import CurvePoint

EXAMPLES = 1000


@pytest.fixture
def journal(tmp_path: Any) -> Journal:
    return open_journal(tmp_path, run_digest="run", execution_key={})


def put(
    journal: Journal, branch: str, level: int, right: int, *, step: int, loss: float, censored: bool = False
) -> None:
    """Record three replicates of a branch: so many examples right, the minimum loss at a step."""
    bits = torch.from_numpy(np.packbits(np.arange(EXAMPLES) < right))
    curve = (CurvePoint(step // 2, 2 * loss, 0.5), CurvePoint(step, loss, 0.9))
    for replicate in range(3):
        result = Result(0.9, loss, step, censored, 0.9, loss, updates=100, seconds=1.0)
        tensors = {"curve": curve_tensor(curve), "correct_best": bits, "correct_last": torch.zeros_like(bits)}
        journal.record(Where(replicate, "certificate", branch, level).piece, result.as_json(), tensors)


def judge(journal: Journal) -> Judge:
    return Judge(journal, Evidence.model_validate({"replicates": 3, "controls": ["reinit"]}), 0, EXAMPLES)


def filled(journal: Journal, **ticket: Any) -> Judge:
    put(journal, "dense", 0, 950, step=80, loss=0.2)
    put(journal, "ticket", 2, 960, **({"step": 40, "loss": 0.1} | ticket))
    put(journal, "reinit", 2, 900, step=80, loss=0.3)
    return judge(journal)


def test_the_verdict_is_read_off_the_answers(journal: Journal) -> None:
    found = filled(journal).certificate(2)
    assert found.verdict == "winning"
    assert found.dense.mean == pytest.approx(0.01)
    assert found.controls["reinit"].mean == pytest.approx(0.06)


def test_the_last_step_is_judged_on_its_own_answers(journal: Journal) -> None:
    assert filled(journal).certificate(2, moment="last").dense.mean == 0.0


def test_accuracies_are_listed_with_their_n(journal: Journal) -> None:
    assert filled(journal).accuracies("ticket", 2) == {"values": [0.96] * 3, "mean": pytest.approx(0.96), "n": 3}


def test_ratios_are_other_over_ticket(journal: Journal) -> None:
    over = filled(journal).early_stop(2)["over_ticket"]
    assert over["reinit"]["steps_ratio"] == pytest.approx(2.0)
    assert over["reinit"]["minimum_loss_ratio"] == pytest.approx(3.0)
    assert over["dense"]["minimum_loss_ratio"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("ticket", "reinit", "bound"),
    [(False, False, "none"), (False, True, "at_least"), (True, False, "at_most"), (True, True, "undecided")],
)
def test_a_censored_step_makes_the_ratio_a_bound(journal: Journal, ticket: bool, reinit: bool, bound: str) -> None:
    found = filled(journal, censored=ticket)
    put(journal, "reinit", 2, 900, step=80, loss=0.3, censored=reinit)
    assert found.early_stop(2)["over_ticket"]["reinit"]["bound"] == bound


def test_the_step_that_reaches_denses_best_may_never_come(journal: Journal) -> None:
    steps = filled(journal).early_stop(2)["steps_to_dense_best"]
    assert steps == {"ticket": [20] * 3, "dense": [80] * 3, "reinit": [None] * 3}


def test_a_loss_of_exactly_zero_has_no_ratio(journal: Journal) -> None:
    over = filled(journal, loss=0.0).early_stop(2)["over_ticket"]["dense"]
    assert over["minimum_loss_ratio"] is None


def test_the_report_names_what_was_not_beaten(journal: Journal) -> None:
    found = filled(journal)
    put(journal, "reinit", 2, 960, step=80, loss=0.3)
    written = certificate_json(found.certificate(2))
    assert (written["verdict"], written["not_beaten"]) == ("matching", ["reinit"])
    assert written["against"]["reinit"]["outcome"] == "not_beaten"
    assert written["against"]["dense"]["interval"] == pytest.approx([0.01, 0.01])
