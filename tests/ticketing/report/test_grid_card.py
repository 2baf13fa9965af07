"""ticketing.report.grid_card: plain Markdown of what was varied, what came of it, and every point."""

from typing import Any

from ticketing.report.grid_card import grid_card


def test_the_card_lists_axes_values_and_points(grid: dict[str, Any]) -> None:
    card = grid_card(grid)
    assert card.startswith("# two by two\n")
    assert "| /target/sparsity | 0.5, 0.8 |" in card
    assert "| 0.5 | 2 of 2 |" in card
    assert "| seed 1, sparsity 0.8 | failed |" in card
    assert "chosen on validation alone" in card


def test_texts_from_outside_are_on_one_line_and_without_markup(grid: dict[str, Any]) -> None:
    card = grid_card(grid | {"model": "a|b\n<i>", "job": {"id": "g", "name": "# x `y`", "labels": {}}})
    assert "a\\|b \\<i\\>" in card
    assert card.startswith("# \\# x \\`y\\`\n")
