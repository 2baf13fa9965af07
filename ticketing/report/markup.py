"""Parts of a page that opens offline: its head, tables, named values; knows no report."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ticketing.report import words

_STYLE = Path(__file__).with_name("page.css")


def whole_page(title: str, body: str) -> str:
    """Put a body, markup already, into a document that needs no other file and runs no script."""
    head = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
    )
    return f"{head}<body>{body}</body></html>\n"


def facts_of(facts: Iterable[tuple[str, str, str]]) -> str:
    """Lay out the figures that stand out, as (name, value, note)."""
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(note)}</small></dd></div>"
        for name, value, note in facts
    )
    return f'<dl class="facts">{cells}</dl>'


def mapping(title: str, values: Mapping[str, Any], note: str = "") -> str:
    """Write named values under a heading."""
    rows = [[name.replace("_", " "), words.number(value)] for name, value in values.items()]
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<h2>{escape(title)}</h2>{table(['', ''], rows)}{below}"


def flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Write nested values as one level, the names of the parts in front."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{above}{name} ") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return found


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, marked: Sequence[bool] = ()) -> str:
    """Lay out texts, each escaped; `marked` rows stand out."""
    return rows_of(head, [[escape(cell) for cell in row] for row in rows], marked=marked)


def rows_of(head: Sequence[str], rows: Sequence[Sequence[str]], *, marked: Sequence[bool] = ()) -> str:
    """Lay out cells that are already markup."""
    top = f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>" if any(head) else ""
    body = ""
    for index, row in enumerate(rows):
        word = ' class="delivered"' if index < len(marked) and marked[index] else ""
        body += f"<tr{word}>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>"
    return f'<div class="wide"><table>{top}{body}</table></div>'
