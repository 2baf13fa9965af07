"""ticketing.report.pooled: what differs in its seed alone is judged together, and what does not is told why not."""

from typing import Any

import numpy as np
import pytest

from ticketing.certificate.pooling import Answers, certify_pooled
from ticketing.errors import VerificationError
from ticketing.report.grid_words import pooled_rows, pooled_sentence
from ticketing.report.pooled import MOST_ANSWERS, pooled_certificates

SEEDS = [0, 1, 2]
AXES = {"/seed": SEEDS, "/rate/default": [0.2, 0.5]}
EVIDENCE = {"replicates": 1, "replicates_of": "search", "max_replicates": None, "tolerance": 0.005}


def point(seed: int, rate: float = 0.2, *, level: int = 3, state: str = "succeeded", **evidence: Any) -> dict[str, Any]:
    return {
        "job": f"job_{seed}_{rate}",
        "point": {"/seed": seed, "/rate/default": rate},
        "state": state,
        "recipe": {"evidence": EVIDENCE | evidence},
        "summary": {"level": level, "sparsity": 0.5},
        "warnings": [],
    }


def answers(seed: int, *, replicates: int = 1, examples: int = 400, level: int = 3) -> Answers:
    random = np.random.default_rng(seed)
    right = {"dense/0": 0.75, f"ticket/{level}": 0.95, f"reinit/{level}": 0.5}
    return {
        f"{name}/{moment}": random.random((replicates, examples)) < share
        for name, share in right.items()
        for moment in ("best", "last")
    }


def read(of: Any, level: int, most: int) -> Answers:
    return answers(of["point"]["/seed"], replicates=of["recipe"]["evidence"]["replicates"], level=level)


def judged(points: list[dict[str, Any]], how: Any = read) -> list[dict[str, Any]]:
    return pooled_certificates(AXES, points, how)


def test_every_combination_of_the_other_axes_is_judged_over_its_seeds() -> None:
    points = [point(seed, rate) for seed in SEEDS for rate in (0.2, 0.5)]
    found = judged(points)
    assert [entry["point"] for entry in found] == [{"/rate/default": 0.2}, {"/rate/default": 0.5}]
    assert found[0]["jobs"] == ["job_0_0.2", "job_1_0.2", "job_2_0.2"]
    assert (found[0]["seeds"], found[0]["level"], found[0]["refused"]) == (SEEDS, 3, None)


def test_the_verdict_is_that_of_all_replicates_together() -> None:
    (entry,) = judged([point(seed) for seed in SEEDS])
    expected = certify_pooled([answers(seed) for seed in SEEDS], level=3, tolerance=0.005)
    found = entry["certificate"]
    assert (found["verdict"], found["n"]) == (expected.verdict, expected.n) == ("winning", 3)
    assert found["against"]["reinit"]["differences"] == list(expected.controls["reinit"].differences)
    assert found["last_step"]["against"]["dense"]["mean"] != found["against"]["dense"]["mean"]


@pytest.mark.parametrize(
    ("replicates", "of", "n", "initialisations"), [(1, "search", 3, 1), (2, "search", 6, 4), (2, "retrain", 3, 1)]
)
def test_replicates_that_share_a_mask_are_no_more_than_one_and_first_weights_are_counted(
    replicates: int, of: str, n: int, initialisations: int
) -> None:
    (entry,) = judged([point(seed, replicates=replicates, replicates_of=of) for seed in SEEDS])
    assert (entry["certificate"]["n"], entry["initialisations"]) == (n, initialisations)


def test_where_no_axis_is_the_seed_or_no_evidence_was_asked_for_there_is_nothing_to_say() -> None:
    points = [point(seed) for seed in SEEDS]
    assert pooled_certificates({"/rate/default": [0.2, 0.5]}, points, read) == []
    assert judged([point(seed, replicates=0) for seed in SEEDS]) == []
    assert judged([point(seed) | {"recipe": {"search": "capacity_sweep"}} for seed in SEEDS]) == []


def test_a_job_that_failed_is_left_out_and_told_of() -> None:
    (entry,) = judged([point(0), point(1), point(2, state="failed")])
    assert (len(entry["jobs"]), len(entry["seeds"]), entry["certificate"]["n"]) == (2, 3, 2)
    assert "2 of 3 seeds" in pooled_sentence(entry)


HALVED = point(1) | {"warnings": [{"code": "validation_from_test", "detail": ""}]}


@pytest.mark.parametrize(
    ("points", "why"),
    [
        ([point(0), point(1, state="failed"), point(2, state="cancelled")], "two jobs or more have to succeed, 1 did"),
        ([point(0), point(1, level=4)], "they handed out other levels: 3, 4"),
        ([point(0, level=0), point(1, level=0)], "they handed out the dense network"),
        ([point(0, max_replicates=5), point(1, max_replicates=5)], "their certificates grew"),
        ([point(0), HALVED], "half of test"),
    ],
)
def test_what_does_not_belong_together_is_told_why_and_nothing_is_read(points: list[dict[str, Any]], why: str) -> None:
    def unread(*_: Any) -> Answers:
        raise AssertionError

    (entry,) = judged(points, unread)
    assert why in entry["refused"]
    assert entry["certificate"] is None
    assert why in pooled_sentence(entry)


def test_answers_that_are_gone_or_of_other_branches_are_told_of() -> None:
    def gone(*_: Any) -> Answers:
        raise VerificationError("the answers of job_0 are not there any more")

    def other(of: Any, level: int, most: int) -> Answers:
        return answers(0, examples=400 + of["point"]["/seed"])

    points = [point(0), point(1)]
    assert judged(points, gone)[0]["refused"] == "the answers of job_0 are not there any more"
    assert "same examples" in judged(points, other)[0]["refused"]


def test_what_may_be_read_shrinks_with_what_was() -> None:
    allowed = []

    def counted(of: Any, level: int, most: int) -> Answers:
        allowed.append(most)
        return read(of, level, most)

    judged([point(0), point(1)], counted)
    assert allowed == [MOST_ANSWERS, MOST_ANSWERS - 6 * 400]


def test_the_rows_of_a_table_name_what_the_ticket_was_compared_with() -> None:
    rows = pooled_rows({"pooled": judged([point(seed) for seed in SEEDS])})
    assert [row[:4] for row in rows] == [
        ["default 0.2", "winning", "3 (3 seeds)", "dense"],
        ["default 0.2", "winning", "3 (3 seeds)", "reinit"],
    ]
