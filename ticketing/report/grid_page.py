"""The report of a grid as one page that opens offline; draws what the document says, adds nothing."""

from collections.abc import Mapping
from html import escape
from typing import Any

from ticketing.report import grid_words as said
from ticketing.report.grid_figure import effects_figure, ladders_figure
from ticketing.report.markup import facts_of, mapping, rows_of, table, whole_page
from ticketing.report.words import number, percent, points

_NONE, _TIMES = "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"
_LADDERS = (
    "Validation accuracy at every level, mean over the searches of a point; points that differ in their seed alone are "
    "one line, whose bars span them. The ring marks the best ticket. Levels are spaced by what is left, so equal "
    "shares removed stand at equal distances."
)
_EFFECTS = "The ticket that each point handed out, one dot per job; the bar is their mean. Hover for the point."
_BY_AXIS = "Of what the points with that value handed out: their mean, and below it the least and the most."


def grid_page(report: said.Report) -> str:
    """Draw the report as a self-contained HTML document; every text from outside is escaped."""
    body = "".join(
        [
            _header(report),
            _figure("Accuracy against sparsity", ladders_figure(report), _LADDERS),
            _figure("What each axis does", effects_figure(report), _EFFECTS),
            _by_axis(report),
            _gates(report),
            _pooled(report),
            _points(report),
            mapping("Cost", report["cost"], "Of all points together; one update counts as three forward passes."),
            _warnings(report),
            f"<footer>grid report version {escape(str(report['report_version']))} · every point is a job of its own, "
            "with its own ticket and report; levels.csv has all their levels.</footer>",
        ]
    )
    return whole_page(said.title(report), body)


def _header(report: said.Report) -> str:
    words, colour = said.outcome(report)
    best, counts = report["best"], report["counts"]
    lost = counts["failed"] + counts["cancelled"]
    tested = next((row for row in report["points"] if best is not None and row["job"] == best["job"]), None)
    facts = [("Points", str(counts["total"]), f"{lost} without a result" if lost else "all succeeded")]
    if best is not None and tested is not None:
        test = _NONE if tested["accuracy"] is None else percent(tested["accuracy"], 2)
        facts += [
            ("Best sparsity", percent(best["sparsity"], 2), f"level {best['level']}, chosen on validation"),
            ("Against dense", f"{points(best['delta_vs_dense'])}", "points on validation"),
            ("Handed out there", test, f"test accuracy at {percent(tested['sparsity'], 2)} sparsity"),
        ]
    over = f"{report['model']} · {report['dataset']} · grid over {_list_of_axes(report)}"
    return (
        f'<p class="over">{escape(over)}</p><h1>{escape(said.title(report))}</h1>'
        f'<span class="verdict {colour}">{escape(words)}</span>'
        f'<p class="lead">{escape(said.sentence(report))}</p>{facts_of(facts)}'
    )


def _list_of_axes(report: said.Report) -> str:
    return f" {_TIMES} ".join(f"{said.axis_name(axis['pointer'])} ({len(axis['values'])})" for axis in report["axes"])


def _figure(title: str, drawn: str | None, caption: str) -> str:
    if drawn is None:
        return ""
    return f"<h2>{escape(title)}</h2><figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>"


def _by_axis(report: said.Report) -> str:
    names = {row["job"]: said.point_of(row["point"]) for row in report["points"]}
    head = ["", "succeeded", "sparsity", "validation", "test", "winning", "its best point"]
    rows = [
        [
            f"{escape(said.axis_name(axis['pointer']))} <b>{escape(said.value_of(value['value']))}</b>",
            f"{value['succeeded']} of {value['points']}",
            *(_mean(value[key]) for key in ("sparsity", "validation_accuracy", "accuracy")),
            f"{value['winning']} of {value['succeeded']}",
            escape(names.get(value["best"] or "", _NONE)),
        ]
        for axis in report["by_axis"]
        for value in axis["values"]
    ]
    return f'<h2>By axis</h2>{rows_of(head, rows)}<p class="note">{_BY_AXIS}</p>'


def _mean(figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return _NONE
    low, high = (f"{100 * figures[key]:.2f}" for key in ("min", "max"))
    spread = f"<br><small>{low} to {high}</small>" if low != high else ""
    return f"{percent(figures['mean'], 2)}{spread}"


def _gates(report: said.Report) -> str:
    gate = report["gate"]
    if gate is None:
        return ""
    rows = [
        [
            f"<code>{escape(line['name'])}</code>",
            f"{escape(line['bound'])} {escape(number(line['expected']))}",
            escape(number(line["came"])),
            '<span class="held">met</span>' if line["outcome"] == "passed" else '<span class="broken">missed</span>',
        ]
        for line in gate["gates"]
    ]
    note = "A gate of a grid is met when every point meets it; what came is the worst of them."
    return f'<h2>Gates</h2>{rows_of(["gate", "asked for", "worst point", ""], rows)}<p class="note">{note}</p>'


def _pooled(report: said.Report) -> str:
    entries = report.get("pooled", [])
    if not entries:
        return ""
    sentences = "".join(f"<li>{escape(said.pooled_sentence(entry))}</li>" for entry in entries)
    rows = said.pooled_rows(report)
    found = f'{table(said.POOLED_HEAD, rows)}<p class="note">{escape(said.POOLED)}</p>' if rows else ""
    return f'<h2>Over seeds</h2><ul class="plain">{sentences}</ul>{found}'


def _points(report: said.Report) -> str:
    best = (report["best"] or {}).get("job")
    head = ["point", "sparsity", "validation", "against dense", "test", "verdict"]
    rows = [_row(row) for row in report["points"]]
    marked = [row["job"] == best for row in report["points"]]
    note = f'<p class="note">{escape(said.CHOSEN_ON_VALIDATION)}</p>'
    return f"<h2>Points</h2>{rows_of(head, rows, marked=marked)}{note}"


def _row(row: Mapping[str, Any]) -> list[str]:
    name = f'{escape(said.point_of(row["point"]))}<br><small class="mono">{escape(row["job"])}</small>'
    if row["state"] != "succeeded":
        why = (row["error"] or {}).get("code") or row["state"]
        return [name, *[_NONE] * 4, f'<span class="broken">{escape(why.replace("_", " "))}</span>']
    drop = row["accuracy_drop"]
    return [
        name,
        *(_NONE if row[key] is None else percent(row[key], 2) for key in ("sparsity", "validation_accuracy")),
        _NONE if drop is None else points(-drop),
        _NONE if row["accuracy"] is None else percent(row["accuracy"], 2),
        escape(_verdict(row)),
    ]


def _verdict(row: Mapping[str, Any]) -> str:
    return f"{row['verdict']} (n = {row['n']})" if row["n"] else "no evidence"


def _warnings(report: said.Report) -> str:
    items = "".join(
        f"<li><code>{escape(w['code'])}</code> {escape(w['detail'])} <small>({w['points']} of "
        f"{report['counts']['total']} points)</small></li>"
        for w in report["warnings"]
    )
    return f'<h2>Warnings</h2><ul class="plain">{items}</ul>' if items else ""
