"""ticketing.report.page: one file that opens offline, says what the document says, and runs nothing."""

import copy
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from ticketing.report.page import page


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "srcset", "action")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(report: dict[str, Any]) -> _Tags:
    tags = _Tags()
    tags.feed(page(report))
    return tags


def text(report: dict[str, Any]) -> str:
    return re.sub(r"\s+", " ", " ".join(read(report).texts))


def test_the_page_runs_no_script_and_needs_no_other_file(report: dict[str, Any]) -> None:
    tags = read(report)
    assert "script" not in tags.names
    assert tags.addresses == []
    assert "url(" not in page(report)
    assert "@import" not in page(report)
    assert tags.names.count("svg") == 2


def test_names_from_outside_are_text_and_never_markup(report: dict[str, Any]) -> None:
    report["dataset"]["name"] = '"><img src=x onerror=alert(1)>'
    report["levels"][0]["layers"][0]["name"] = "</svg><script>x</script>"
    tags = read(report)
    assert not {"img", "script", "b"} & set(tags.names)
    assert "small <b>network</b>" in tags.texts


def test_the_verdict_is_said_with_its_n_and_its_tolerance(report: dict[str, Any]) -> None:
    said = text(report)
    assert "The ticket at 48.8 % sparsity matches the dense network within 0.5 points and beats reinit" in said
    assert "(n = 3)" in said
    assert "+2.90" in said
    assert "+1.76 to +4.04" in said


@pytest.mark.parametrize(
    ("verdict", "n", "sentence"),
    [
        ("matching", 3, "(n = 3), but reinit not beaten"),
        ("losing", 3, "worse than the dense network by more than 0.5 points (n = 3)"),
        ("inconclusive", 3, "undecided on n = 3 replicates"),
        ("inconclusive", 2, "cannot be judged on n = 2"),
    ],
)
def test_every_verdict_has_its_own_sentence(report: dict[str, Any], verdict: str, n: int, sentence: str) -> None:
    report["certificate"] |= {"verdict": verdict, "n": n, "not_beaten": ["reinit"]}
    assert sentence in text(report)


def test_without_evidence_nothing_is_claimed(report: dict[str, Any]) -> None:
    bare = copy.deepcopy(report) | {"certificate": None}
    for row in bare["levels"]:
        row["test"], row["verdict"] = None, None
    said = text(bare)
    assert "nothing is claimed" in said
    assert "accuracy on validation" in said
    assert "Student t" not in said


def test_the_share_of_kept_entries_that_can_matter_is_said(report: dict[str, Any]) -> None:
    assert "Of those kept at level 3, 90.0 % lie on a path" in text(report)


def test_cost_sizes_and_provenance_are_shown_with_their_numbers(report: dict[str, Any]) -> None:
    said = text(report)
    for shown in ("updates 5 760", "flops executed 552 000 000 000", "seconds 7.25", "sparse.safetensors 2 310"):
        assert shown in said
    assert "torch 2.13.0 seeds search 0" in said


def test_a_broken_invariant_is_shown_as_broken(report: dict[str, Any]) -> None:
    report["invariants"][0]["held"] = False
    assert '<span class="broken">broken</span>' in page(report)


def test_the_page_tells_a_network_pruned_while_it_trained_and_a_budget(report: dict[str, Any]) -> None:
    made = [{"step": 20, "kept": 1, "sparsity": 0.5}]
    report["search"]["rewind"] = "0it"
    report["search"]["gradual"] = {"prunings": made, "updates": 60, "test_accuracy": 0.9}
    report["search"]["budget"] = {
        "asked": {"seconds": 9.5},
        "levels_asked": 10,
        "levels": 3,
        "ended_by": "seconds",
        "used": {"seconds": 9.0},
        "repeatable": False,
    }
    said = text(report)
    assert "was pruned while it trained, after update 20 of 60" in said
    assert "its seconds ended it after 3 of 10 pruned levels" in said
