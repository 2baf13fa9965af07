"""Texts and tables in Markdown; knows no report."""

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay out a table as lines, an empty one after it; every cell is taken as text."""
    lines = [head, ["---"] * len(head), *rows]
    return [*("| " + " | ".join(plain(cell) for cell in line) + " |" for line in lines), ""]


def plain(text: str) -> str:
    """Take the markup out of a text from outside: on one line, and no character that Markdown or HTML reads."""
    return "".join(" " if c in "\r\n\t" else f"\\{c}" if c in "\\`*_{}[]<>#|!" else c for c in str(text))
