"""ticketing.certificate.pooling: several runs of few replicates are one run of many; strangers are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.certificate.pooling import Answers, certify_pooled, pooled
from ticketing.certificate.verdict import Correct, certify
from ticketing.seeds import derive


def run(
    seed: int, replicates: int, *, examples: int = 50, branches: tuple[str, ...] = ("reinit",)
) -> dict[str, Correct]:
    random = np.random.default_rng(seed)
    names = ["dense/0", *(f"{branch}/{level}" for branch in ("ticket", *branches) for level in (1, 2))]
    return {
        f"{name}/{moment}": random.random((replicates, examples)) < 0.8 for name in names for moment in ("best", "last")
    }


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=5))
def test_runs_below_each_other_are_one_run(replicates: list[int]) -> None:
    whole = run(0, sum(replicates))
    ends = np.cumsum(replicates)
    parts: list[Answers] = [
        {name: rows[end - n : end] for name, rows in whole.items()} for n, end in zip(replicates, ends, strict=True)
    ]
    together = pooled(parts, level=2)
    assert list(together) == ["dense", "reinit", "ticket"]
    assert np.array_equal(together["ticket"], whole["ticket/2/best"])
    assert np.array_equal(together["dense"], whole["dense/0/best"])


def test_one_replicate_each_makes_a_verdict_together() -> None:
    runs = [run(seed, 1) for seed in range(3)]
    found = certify_pooled(runs, level=1, tolerance=0.5, moment="last")
    rows = pooled(runs, level=1, moment="last")
    seed = derive(0, 0, "bootstrap", "pooled", 1, "last")
    assert found == certify(rows["ticket"], rows["dense"], {"reinit": rows["reinit"]}, tolerance=0.5, seed=seed)
    assert (found.n, found.verdict) == (3, "matching")


def test_a_level_with_fewer_replicates_is_paired_with_the_first_of_dense() -> None:
    runs = [run(seed, 3) for seed in (0, 1)]
    for of in runs:
        for branch in ("ticket", "reinit"):
            of[f"{branch}/1/best"] = of[f"{branch}/1/best"][:2]
    dense = pooled(runs, level=1)["dense"]
    assert np.array_equal(dense, np.concatenate([of["dense/0/best"][:2] for of in runs]))


@pytest.mark.parametrize(
    ("runs", "level", "said"),
    [
        ([], 1, "one run or more"),
        ([run(0, 1), run(1, 1, branches=("shuffle",))], 1, "same branches"),
        ([run(0, 1), run(1, 1, examples=40)], 1, "same examples"),
        ([run(0, 1), run(1, 1)], 3, r"of \[1, 2\], got 3"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(runs: list[Answers], level: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        pooled(runs, level=level)
