"""service.file_showing: every file that docs/tickets.md names is explained, and files come in the order of FILES."""

import re
from pathlib import Path

import pytest

from service.file_showing import FILES, LATER, by_importance, exports_left
from service.results import Results

DOCS = Path(__file__).parents[2] / "docs" / "tickets.md"


def _results(*names: str, state: str = "succeeded") -> Results:
    return Results("job_1", state, [], {name: {"name": name} for name in names})


def test_every_file_of_the_docs_is_explained() -> None:
    table = DOCS.read_text().partition("## Layout")[0]
    named = {name for row in table.splitlines() if row.startswith("| `") for name in re.findall(r"`([\w.]+)`", row)}
    files = {name for name in named if "." in name or name.isupper()}
    assert {"ticket.safetensors", "slim.pt2", "SHA256SUMS"} <= files
    assert files <= FILES.keys()


def test_the_files_of_every_export_are_explained() -> None:
    assert {name for files in LATER.values() for name in files} <= FILES.keys()


def test_what_people_come_for_is_first_and_what_nobody_explains_last() -> None:
    shown = by_importance(_results("manifest.json", "zebra.txt", "model.onnx", "ticket.safetensors", "apple.txt"))
    assert [item["name"] for item in shown] == [
        "ticket.safetensors", "model.onnx", "manifest.json", "apple.txt", "zebra.txt",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("made", "left"),
    [
        (["ticket.safetensors"], ["onnx", "pt2", "hf"]),
        (["slim.onnx", "model.pt2"], ["hf"]),
        (["model.onnx", "slim.pt2", "hf/config.json"], []),
    ],
)
def test_what_is_written_already_is_not_offered(made: list[str], left: list[str]) -> None:
    assert exports_left(_results(*made)) == left


@pytest.mark.parametrize("state", ["running", "cancelled", "failed"])
def test_a_job_without_a_ticket_is_offered_none(state: str) -> None:
    assert exports_left(_results("levels/01/mask.safetensors", state=state)) == []
