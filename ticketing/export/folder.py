"""Writes what a run made into its `out/` folder, every file whole or not at all; decides nothing.

out/
├── ticket.safetensors model.safetensors mask.safetensors sparse.safetensors
├── levels/00/mask.safetensors metrics.json [model.safetensors] ...
├── [hf/]
├── report.json report.html report.md answers.safetensors
├── recipe.json provenance.json
└── manifest.json SHA256SUMS
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ticketing.export.weights import WRITERS, About, write_mask, write_model
from ticketing.files import write_whole
from ticketing.report.card import card
from ticketing.report.page import page
from ticketing.ticket import Ticket

Drawn = Callable[[dict[str, Any]], str]


def level_folder(level: int) -> str:
    """Name the folder of a level."""
    return f"levels/{level:02d}"


def write_weights(out: Path, ticket: Ticket, *, outputs: Sequence[str], about: About) -> None:
    """Write the files of a ticket's weights among those that a recipe asks for."""
    for word in outputs:
        if word in WRITERS:
            WRITERS[word](out / f"{word}.safetensors", ticket, about)


def write_level(out: Path, ticket: Ticket, *, metrics: Mapping[str, Any], with_model: bool, about: About) -> None:
    """Write a level's mask and metrics, and its trained weights where they were kept."""
    folder = out / level_folder(ticket.level)
    write_mask(folder / "mask.safetensors", ticket, about)
    write_json(folder / "metrics.json", metrics)
    if with_model:
        write_model(folder / "model.safetensors", ticket, about)


def write_report(out: Path, report: dict[str, Any], *, page: Drawn = page, card: Drawn = card) -> None:
    """Write the report as JSON, as a page and as a card."""
    write_json(out / "report.json", report)
    write_whole(out / "report.html", page(report).encode())
    write_whole(out / "report.md", card(report).encode())


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write plain values as readable JSON; NaN and infinity are refused, for JSON has no word for them."""
    write_whole(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())
