"""ticketing.journal.results: the figures of a training, read back as they were written."""

import json

import pytest

from ticketing.journal.results import Result, curve_of, curve_tensor, first_step_at
from ticketing.training.state import CurvePoint
from ticketing.training.trained import Trained

CURVE = (CurvePoint(5, 0.9, 0.6), CurvePoint(10, 0.4, 0.8), CurvePoint(15, 0.4, 0.85), CurvePoint(20, 0.7, 0.75))


def result(curve: tuple[CurvePoint, ...] = CURVE) -> Result:
    return Result.of(Trained({}, {}, curve, {}, updates=20), seconds=1.5)


def test_the_figures_are_those_of_the_first_evaluation_at_the_minimum_loss() -> None:
    found = result()
    assert (found.early_stop_step, found.loss, found.accuracy, found.censored) == (10, 0.4, 0.8, False)
    assert (found.last_loss, found.last_accuracy) == (0.7, 0.75)


def test_a_minimum_at_the_last_evaluation_is_censored() -> None:
    assert result(CURVE[:2]).censored


def test_a_result_comes_back_through_json_beside_other_facts() -> None:
    written = json.loads(json.dumps(result().as_json() | {"more": 1}))
    assert Result.from_json(written) == result()


def test_a_curve_comes_back_with_every_bit() -> None:
    curve = (CurvePoint(100_000, 0.1 + 0.2, 1 / 3),)
    assert curve_of(curve_tensor(curve)) == curve


@pytest.mark.parametrize(("loss", "step"), [(0.95, 5), (0.4, 10), (0.1, None)])
def test_the_first_step_at_a_loss_may_never_come(loss: float, step: int | None) -> None:
    assert first_step_at(CURVE, loss) == step
