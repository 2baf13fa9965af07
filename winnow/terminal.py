"""What may be written to a terminal, and how wide a line is where there is none."""

from typing import Any

from rich.console import Console

LINE_WIDTH = 160


def console(*, to_errors: bool = False) -> Console:
    """Open the terminal; without one, lines are long and hold no colour and no control character."""
    made = Console(stderr=to_errors, highlight=False)
    return made if made.is_terminal else Console(stderr=to_errors, highlight=False, width=LINE_WIDTH, no_color=True)


def plain(value: Any) -> str:
    """Write a value that others chose (a job's name, a reason) so that it cannot steer the terminal.

    Every character that is not printable, escape sequences above all, becomes a replacement character.
    """
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in str(value))
