"""The report of a sweep over widths in Markdown; knows the files by name."""

from typing import Any

from ticketing.report.capacity_page import HEAD, rows
from ticketing.report.capacity_words import interpolation_sentence, loss_name, sentence
from ticketing.report.markdown import plain, table


def capacity_card(report: dict[str, Any]) -> str:
    """Write what was found, the table of widths, and how it was trained."""
    capacity, dataset = report["capacity"], plain(report["dataset"]["name"])
    name = plain(report["job"].get("name") or f"Widths on {dataset}")
    return "\n".join(
        [
            f"# {name}",
            "",
            plain(sentence(capacity)),
            plain(interpolation_sentence(capacity)),
            "",
            *table(HEAD, rows(capacity)),
            f"Mean and range over n = {capacity['repeats']} repeats on {capacity['examples']} examples of {dataset}; "
            f"{loss_name(capacity)}, trained for {report['recipe']['training']['length']}. "
            "`widths.csv` has every training.",
            "",
            *(f"- `{plain(w['code'])}`: {plain(w['detail'])}" for w in report["warnings"]),
            "",
        ]
    )
