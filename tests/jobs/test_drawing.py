"""jobs.drawing: docs/jobs.md shows the very table that jobs go by."""

from pathlib import Path

from jobs.drawing import drawn
from jobs.states import DONE, STATES, TRANSITIONS


def test_the_page_shows_the_table_as_it_is() -> None:
    page = Path(__file__).parents[2] / "docs" / "jobs.md"
    assert drawn() in page.read_text(encoding="utf-8")


def test_every_transition_is_drawn_in_the_row_of_its_state() -> None:
    rows = {line.split("`")[1]: line for line in drawn().splitlines() if line.startswith("| `")}
    for (state, verb), to in TRANSITIONS.items():
        assert f"{verb} → `{to}`" in rows[state]
    assert set(rows) == {state for state in STATES if state not in DONE} | {"cancelled"}
