"""ticketing.step: a moment in training has a unit, and nonsense is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.step import Step, iterations_per_epoch


@given(count=st.integers(0, 999_999_999), unit=st.sampled_from(["ep", "it"]))
def test_a_step_reads_back_as_it_was_written(count: int, unit: str) -> None:
    step = Step(f"{count}{unit}")
    assert (step.count, step.unit, str(step)) == (count, unit, f"{count}{unit}")


def test_epochs_become_iterations_and_iterations_stay() -> None:
    assert Step("2ep").iterations(per_epoch=469) == 938
    assert Step("500it").iterations(per_epoch=469) == 500


@pytest.mark.parametrize(
    "text", ["", "3", "ep", "-1it", "1.5ep", "03it", "2EP", "2 ep", "1it\n", "9999999999it", "٣it"]
)
def test_a_text_that_is_no_step_is_refused_with_what_came(text: str) -> None:
    with pytest.raises(ValueError, match="expected a step such as"):
        Step(text)


@pytest.mark.parametrize(("examples", "batch", "expected"), [(55000, 60, 916), (120, 60, 2), (119, 60, 1), (7, 60, 1)])
def test_an_epoch_is_made_of_whole_batches(examples: int, batch: int, expected: int) -> None:
    assert iterations_per_epoch(examples, batch) == expected
