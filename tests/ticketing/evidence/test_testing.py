"""ticketing.evidence.testing: answers on the test split alone, packed and read back the same."""

from typing import Any

from ticketing.evidence.testing import MOMENTS, answered, correct_answers, on_test
from ticketing.journal.where import Where
from ticketing.training.trained import Trained


def test_testing_a_state_looks_at_test_alone(make_bench: Any) -> None:
    bench = make_bench()
    assert on_test(bench, bench.subject.initial_state).correct.shape == (60,)


def test_the_answers_of_every_moment_are_read_back_as_they_were_given(make_bench: Any) -> None:
    bench = make_bench()
    last = bench.subject.initial_state
    best = {name: tensor.flip(0) for name, tensor in last.items()}
    packed = answered(bench, Trained(last, best, (), captured={}, updates=0), subject=bench.subject)
    bench.journal.record(Where(0, "certificate", "dense", 0).piece, {}, packed)
    read = {
        moment: correct_answers(bench.journal, branch="dense", level=0, replicates=1, examples=60, moment=moment)[0]
        for moment in MOMENTS
    }
    assert (read["best"] == on_test(bench, best).correct.numpy()).all()
    assert (read["last"] == on_test(bench, last).correct.numpy()).all()
    assert (read["best"] != read["last"]).any()
