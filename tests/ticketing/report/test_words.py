"""ticketing.report.words: numbers are written so that they can be read."""

from typing import Any

import pytest

from ticketing.report.words import (
    budget_sentence,
    gradual_sentence,
    interval,
    judged_by,
    number,
    points,
    regime_sentence,
    start_sentence,
    verdict_sentence,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (266_200, "266\N{NARROW NO-BREAK SPACE}200"),
        (7.0, "7"),
        (0.123456, "0.1235"),
        (None, "\N{EN DASH}"),
        (True, "yes"),
        ("bf16", "bf16"),
    ],
)
def test_a_value_is_written_for_a_table(value: object, written: str) -> None:
    assert number(value) == written


def test_differences_are_points_with_a_sign() -> None:
    assert [points(0.0123), points(-0.005)] == ["+1.23", "\N{MINUS SIGN}0.50"]
    assert interval((-0.01, 0.02)) == "\N{MINUS SIGN}1.00 to +2.00"
    assert interval(None) == "\N{EN DASH}"


def test_an_outcome_was_judged_by_the_bounds_on_which_both_intervals_agree() -> None:
    assert judged_by({"interval": [-0.0139, -0.0139], "bootstrap": [-0.0278, -0.0019]}) == (-0.0278, -0.0019)
    assert judged_by({"interval": [-0.02, 0.01], "bootstrap": [-0.01, 0.02]}) == (-0.02, 0.02)
    assert judged_by({"interval": None, "bootstrap": None}) is None


def test_a_fork_says_whose_levels_it_has_and_what_it_changed() -> None:
    start = {"job": "job_a", "level": 2, "changed": {"/target/sparsity": {"parent": 0.8, "own": 0.9}}}
    said = start_sentence({"provenance": {"start": start}})
    assert said == "A fork of job_a from level 2: levels 0 to 1 are its parent's. Changed: /target/sparsity."
    assert start_sentence({"provenance": {"start": None}}) is None


def said_of(verdict: str, *controls: str, not_beaten: tuple[str, ...] = ()) -> str:
    comparison: dict[str, Any] = {"interval": [-0.01, 0.01], "bootstrap": [-0.01, 0.01]}
    against = dict.fromkeys(("dense", *controls), comparison)
    certificate = {"verdict": verdict, "n": 3, "tolerance": 0.005, "against": against, "not_beaten": list(not_beaten)}
    levels = [{"level": 1, "sparsity": 0.2}]
    return verdict_sentence({"search": {"delivered_level": 1}, "levels": levels, "certificate": certificate})


def test_a_verdict_says_what_was_matched_what_was_beaten_and_what_was_not() -> None:
    head = "The ticket at 20.0 % sparsity matches the dense network"
    assert said_of("winning", "reinit", "shuffle") == f"{head} within 0.5 points and beats reinit and shuffle (n = 3)."
    assert (
        said_of("winning", "reinit", "dense_long")
        == f"{head} and dense_long within 0.5 points and beats reinit (n = 3)."
    )
    open_end = f"{head} within 0.5 points (n = 3), but"
    both = ("reinit", "dense_long")
    assert said_of("matching", *both, not_beaten=both) == f"{open_end} reinit not beaten, dense_long not matched."
    assert said_of("matching") == f"{open_end} no control was run that it could beat."


def test_a_network_pruned_while_it_trained_is_told_from_its_ticket() -> None:
    made = [{"step": step, "kept": 1, "sparsity": 0.5} for step in (20, 40)]
    search = {"gradual": {"prunings": made, "updates": 60, "test_accuracy": 0.9}, "rewind": "0it"}
    said = gradual_sentence({"search": search, "certificate": {"n": 3}})
    assert said == (
        "The network handed out was pruned while it trained, 2 times from update 20 to 40 of 60: 90.00 % on test "
        "(n = 1). The certificate speaks of the ticket: the same entries, restarted (rewind 0it) and trained under "
        "their mask from the first update on."
    )
    assert "It is not the ticket" in str(gradual_sentence({"search": search}))
    assert gradual_sentence({"search": {"gradual": None}}) is None


def test_a_budget_says_what_it_was_what_it_ended_and_that_seconds_do_not_repeat() -> None:
    found = {
        "asked": {"samples": 2000},
        "levels_asked": 10,
        "levels": 3,
        "ended_by": "samples",
        "used": {"flops": 12.0, "samples": 1920, "seconds": 4.0},
        "repeatable": True,
    }
    said = budget_sentence({"search": {"budget": found}})
    assert said == (
        "A budget of 2000 samples for one search: its samples ended it after 3 of 10 pruned levels, 1920 samples used. "
        "Evidence is not cut by it."
    )
    timed = found | {"asked": {"seconds": 9.5}, "ended_by": None, "repeatable": False}
    assert str(budget_sentence({"search": {"budget": timed}})).endswith("may end at another level.")
    assert "it was not used up, 4 seconds used" in str(budget_sentence({"search": {"budget": timed}}))
    assert budget_sentence({"search": {"budget": None}}) is None


@pytest.mark.parametrize(
    ("dense", "critical", "delivered", "said"),
    [
        (0.0, [4], "interpolating", "At level 4 the network stops fitting its train split (train error above 0.1 %)"),
        (0.0, [2, 5], "classical", "At levels 2 and 5 the network stops fitting its train split"),
        (0.0, [], "interpolating", "Every level fits its train split (train error at most 0.1 %)."),
        (0.0321, [], "classical", "Not even the dense network fits its train split (train error 3.21 %)."),
        (0.0321, [3], "critical", "At level 3 the network stops fitting its train split"),
    ],
)
def test_the_regime_is_said_of_the_ladder_and_of_the_level_handed_out(
    dense: float, critical: list[int], delivered: str, said: str
) -> None:
    named = "interpolating" if dense <= 0.001 else "classical"
    levels = [{"level": 0, "train_error": dense, "regime": named}]
    found = {"interpolating_error": 0.001, "delivered": delivered, "critical_levels": critical, "levels": levels}
    sentence = regime_sentence({"regime": found})
    assert sentence.startswith(said)
    assert sentence.endswith(f". The level handed out is {delivered}.")
