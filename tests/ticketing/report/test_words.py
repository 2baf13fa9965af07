"""ticketing.report.words: numbers are written so that they can be read."""

import pytest

from ticketing.report.words import interval, judged_by, number, points, start_sentence


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
