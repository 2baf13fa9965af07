"""ticketing.report.structure: what of every block stays is read off the level handed out, and no speed is claimed."""

from typing import Any

import pytest

from ticketing.report.card import card
from ticketing.report.gain import gain_sentences
from ticketing.report.page import page
from ticketing.report.structure import KERNELS, structure_sentence


def blocks(report: dict[str, Any], structure: str, **kept: int) -> dict[str, Any]:
    """Give a report of N:M whose level handed out keeps so many of the 800 and 200 entries of its layers."""
    sizes = {"fc1": 800, "fc2": 200}
    layers = [{"name": f"{name}.weight", "kept": kept[name], "total": total} for name, total in sizes.items()]
    levels = [*report["levels"][:-1], report["levels"][-1] | {"layers": layers}]
    return report | {"recipe": report["recipe"] | {"structure": structure}, "levels": levels}


@pytest.mark.parametrize(
    ("structure", "kept", "said"),
    [
        ("2:4", {"fc1": 400, "fc2": 100}, "the level handed out keeps 2, in 2 of 2 layers."),
        ("2:4", {"fc1": 400, "fc2": 200}, "keeps 2, in 1 of 2 layers; whole are fc2.weight."),
        ("1:4", {"fc1": 600, "fc2": 150}, "keeps 3, where the search ended before 1:4, in 2 of 2 layers."),
        ("2:4", {"fc1": 800, "fc2": 200}, "Structure 2:4: the level handed out is dense."),
    ],
)
def test_the_sentence_says_what_stays_and_where(
    report: dict[str, Any], structure: str, kept: dict[str, int], said: str
) -> None:
    sentence = structure_sentence(blocks(report, structure, **kept))
    assert sentence is not None
    assert sentence.endswith(said)


def test_page_and_card_say_it_and_that_no_kernel_is_used(report: dict[str, Any]) -> None:
    told = blocks(report, "2:4", fc1=400, fc2=100)
    for text in (page(told), card(told)):
        assert "of every 4 consecutive inputs of an output" in text
        assert "compute capability 8.0" in text


def test_measured_figures_stand_beside_it(report: dict[str, Any]) -> None:
    row = {"runtime": "torch", "batch_size": 1, "network": "masked", "faster": 1.0, "interval": [0.9, 1.1]}
    gain = {"threads": 1, "versions": {"torch": "2"}, "networks": {"dense": {}, "masked": {}}, "latency": [row]}
    told = blocks(report, "2:4", fc1=400, fc2=100) | {"gain": gain}
    measured, kernels = gain_sentences(told)
    assert "not faster than dense at batch 1 (1.00 times, 0.90 to 1.10)" in measured
    assert kernels == KERNELS


def test_of_single_entries_nothing_is_said(report: dict[str, Any]) -> None:
    for told in (report, report | {"recipe": {"search": "iterative", "structure": "weight"}}):
        assert structure_sentence(told) is None
        assert not any(KERNELS in sentence for sentence in gain_sentences(told))
