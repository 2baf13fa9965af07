"""The early-bird search on a network of every kind that has norms, from its folder to verified files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.ticketing.runs.folders import ran, report_of, verified

ASKED: dict[str, Any] = {
    "search": "early_bird",
    "window": 2,
    "threshold": 0.99,
    "training": {"length": "3ep", "batch_size": 60, "optimizer": {"name": "sgd", "learning_rate": 0.02}},
    "evidence": "none",
    "outputs": ["slim"],
    "gain": "never",
}


@pytest.mark.parametrize(
    ("architecture", "precision"),
    [
        ("resnet-20", "fp32"),
        ("resnet-50", "fp32"),
        ("preresnet-56", "fp32"),
        ("vgg-11-bn", "fp32"),
        ("mobilenet-v2", "fp32"),
        ("wide-resnet", "bf16"),
    ],
)
def test_its_slim_network_is_what_the_report_says(
    make_folder: Callable[..., Path], few_large_digits: Any, architecture: str, precision: str
) -> None:
    training = ASKED["training"] | {"precision": precision}
    arguments = {"depth": 10, "width": 1} if architecture == "wide-resnet" else {}
    folder = make_folder(
        architecture=architecture, arguments=arguments, dataset=few_large_digits, **ASKED | {"training": training}
    )
    ran(folder)
    verified(folder)
    report = report_of(folder)
    whole, slim = report["levels"]
    assert report["settling"][0]["found"] == [2]
    assert slim["channels"]["kept"] == slim["channels"]["total"] - round(slim["channels"]["total"] / 2)
    assert slim["multiply_adds"] < whole["multiply_adds"] / 2
