"""ticketing.export.answers: what was answered reads back, and the verdict follows from the file alone."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from ticketing.certificate.answers import read_answers
from ticketing.certificate.verdict import certificate_json, certify
from ticketing.errors import VerificationError
from ticketing.folder import OUT
from ticketing.seeds import derive
from winnow.numpy import read_answers as read_with_numpy


def test_the_certificate_follows_from_the_file(finished: Path) -> None:
    report = json.loads((finished / OUT / "report.json").read_bytes())
    certificate, evidence = report["certificate"], report["recipe"]["evidence"]
    answers, level = read_answers(finished / OUT / "answers.safetensors"), certificate["level"]
    judged = certify(
        answers[f"ticket/{level}/best"],
        answers["dense/0/best"],
        {control: answers[f"{control}/{level}/best"] for control in evidence["controls"]},
        tolerance=evidence["tolerance"],
        seed=derive(report["recipe"]["seed"], 0, "bootstrap", level, "best"),
    )
    written = certificate_json(judged)
    assert {key: certificate[key] for key in written} == written


def test_both_moments_of_every_network_and_level_are_there(finished: Path) -> None:
    branches = {"dense/0", *(f"{branch}/{level}" for branch in ("ticket", "reinit", "shuffle") for level in (1, 2, 3))}
    answers = read_answers(finished / OUT / "answers.safetensors")
    assert set(answers) == {f"{branch}/{moment}" for branch in branches for moment in ("best", "last")}


def test_numpy_alone_reads_the_same(finished: Path) -> None:
    path = finished / OUT / "answers.safetensors"
    ours, theirs = read_answers(path), read_with_numpy(path)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_the_lowest_bit_of_the_first_byte_is_the_first_example(finished: Path) -> None:
    path = finished / OUT / "answers.safetensors"
    with safe_open(path, framework="np") as file:
        first = file.get_tensor("dense/0/best")[:, 0]
    assert (read_answers(path)["dense/0/best"][:, :8] == [[byte >> i & 1 for i in range(8)] for byte in first]).all()


def test_a_file_of_weights_holds_no_answers(finished: Path) -> None:
    with pytest.raises(VerificationError, match="examples"):
        read_with_numpy(finished / OUT / "model.safetensors")
