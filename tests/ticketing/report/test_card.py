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
    assert "| 3 | 48.80 % | 512 | 95.43 % (n = 3) | 95.00 % (n = 3) | 92.63 % (n = 3) | \N{EN DASH} | winning |" in said
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
