"""jobs.ids: a word and a ULID."""

import re

import pytest

from jobs.ids import DATASET_ID, JOB_ID, MODEL_ID, is_sha256, new_id


@pytest.mark.parametrize(("prefix", "pattern"), [("job", JOB_ID), ("mdl", MODEL_ID), ("ds", DATASET_ID)])
def test_a_new_id_says_what_it_names(prefix: str, pattern: str) -> None:
    assert re.match(pattern, new_id(prefix))


def test_no_two_ids_are_the_same() -> None:
    assert len({new_id("job") for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("text", "whether"), [("0" * 64, True), ("f" * 63, False), ("F" * 64, False), ("0" * 64 + "\n", False)]
)
def test_a_sha256_is_64_lower_case_digits_and_nothing_else(text: str, whether: bool) -> None:
    assert is_sha256(text) is whether
