"""winnow.terminal: what others named cannot steer the terminal, and a pipe gets plain lines."""

import io

from rich.console import Console

from winnow.tables import jobs_table
from winnow.terminal import console, plain


def test_a_name_holds_no_control_character() -> None:
    assert plain("a\x1b[31mb\nc\x07") == "a�[31mb�c�"


def test_letters_of_every_language_stay() -> None:
    assert plain("Zürich 東京 ±0.5") == "Zürich 東京 ±0.5"


def test_a_name_is_shown_as_it_is_and_never_read_as_markup() -> None:
    out = Console(file=io.StringIO(), width=120)
    out.print(jobs_table([{"id": "job_1", "state": "queued", "name": "[red]x[/red] [/nope]"}]))
    assert "[red]x[/red] [/nope]" in out.file.getvalue()  # type: ignore[attr-defined]


def test_without_a_terminal_there_is_no_colour() -> None:
    out = console()
    assert not out.is_terminal
    assert out.no_color
