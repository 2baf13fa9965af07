"""ticketing.report.card: a model card that says what the document says, with a decoder that runs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from ticketing.report.card import DECODER, card


def test_the_card_has_the_verdict_the_levels_and_the_warnings(report: dict[str, Any]) -> None:
    said = card(report)
    assert "matches the dense network within 0.5 points and beats reinit" in said
    row = "| 3 | 48.80 % | 512 | 1.00 % | critical | 95.43 % (n = 3) | 95.00 % (n = 3) | 92.63 % (n = 3) | winning |"
    assert row in said
    assert "At levels 2 and 3 the network stops fitting its train split (train error above 0.1 %)" in said
    assert "no_speedup_from_unstructured" in said.replace("\\", "")


def test_a_ticket_whose_removed_entries_hold_weights_is_not_called_small(report: dict[str, Any]) -> None:
    report["recipe"]["pruned"] = "freeze"
    said = card(report)
    assert "sparse.safetensors" not in said
    assert "(`pruned: freeze`)" in said


def test_names_from_outside_cannot_become_markup(report: dict[str, Any]) -> None:
    report["job"]["name"] = "a\n# b | <script>"
    first = card(report).splitlines()[0]
    assert first == r"# a \# b \| \<script\>"


def test_a_job_without_a_name_is_called_by_its_network_and_dataset_escaped_once(report: dict[str, Any]) -> None:
    report["job"]["name"] = None
    report["dataset"]["name"] = "ds_1"
    assert card(report).splitlines()[0] == r"# mlp on ds\_1"


def test_the_decoder_on_the_card_reads_a_sparse_file(report: dict[str, Any], tmp_path: Path) -> None:
    kept = np.array([1, 0, 0, 1, 1, 0], bool)
    tensors = {
        "w.bitmask": np.packbits(kept, bitorder="little"),
        "w.values": np.array([1.5, 0.0, -2.0], np.float32),
        "b": np.ones(2, np.float32),
    }
    save_file(tensors, tmp_path / "s.safetensors", metadata={"winnow": json.dumps({"shapes": {"w": [2, 3]}})})
    assert DECODER.rstrip() in card(report)
    space: dict[str, Any] = {}
    exec(DECODER, space)
    read = space["read_sparse"](tmp_path / "s.safetensors")
    assert read["w"].tolist() == [[1.5, 0.0, 0.0], [0.0, -2.0, 0.0]]
    assert read["b"].tolist() == [1.0, 1.0]


def test_the_card_tells_what_one_search_could_cost(report: dict[str, Any]) -> None:
    bounds = {"asked": {"samples": 100}, "levels_asked": 3, "levels": 3, "ended_by": None}
    report["search"]["budget"] = bounds | {"used": {"samples": 90}, "repeatable": True}
    assert "A budget of 100 samples for one search: it was not used up, 90 samples used." in card(report)
