"""ticketing.analysis.fit: the examples trained on, as they are, in the precision of the training."""

from typing import Any

import pytest

from ticketing.analysis.fit import on_train
from ticketing.subject import placed
from ticketing.training.evaluation import evaluate


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_state_is_evaluated_on_train_in_the_precision_of_its_training(
    make_bench: Any, make_dataset: Any, make_training: Any, precision: Any
) -> None:
    training = make_training(precision=precision, label_smoothing=0.2)
    bench = make_bench(training=training, data=make_dataset(bf16=precision == "bf16"))
    state, data = bench.subject.initial_state, bench.data
    network = placed(bench.subject.module, state, device="cpu")
    expected = evaluate(network, data.x_train, data.y_train, precision=precision)
    made = on_train(bench, state)
    assert (made.loss, made.accuracy) == (expected.loss, expected.accuracy)
    assert made.correct.equal(expected.correct)
