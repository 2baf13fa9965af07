"""The report of a sweep over widths as one page that opens offline; draws what the document says, adds nothing."""

from html import escape
from typing import Any, Final

from ticketing.report import words
from ticketing.report.capacity_figure import capacity_figure
from ticketing.report.capacity_words import interpolation_sentence, loss_name, mean_and_range, sentence
from ticketing.report.markup import facts_of, flat, mapping, table, whole_page

HEAD: Final = (
    "width", "parameters", "N / (n K)", "starts from", "train loss", "train error", "test loss", "test error",
)  # fmt: skip


def capacity_page(report: dict[str, Any]) -> str:
    """Draw the report as a self-contained HTML document; every text from outside is escaped."""
    title = report["job"].get("name") or f"Widths on {report['dataset']['name']}"
    capacity = report["capacity"]
    body = "".join(
        [
            _header(report, title),
            _figure(capacity, "loss", f"Mean {loss_name(capacity)}"),
            _figure(capacity, "error", "Fraction of examples that are wrong"),
            f"<h2>Widths</h2>{table(HEAD, rows(capacity))}<p class='note'>{_note(capacity)}</p>",
            mapping("Cost", report["cost"], "One update counts as three forward passes, a multiply-add as two."),
            _warnings(report),
            mapping("Provenance", flat(report["provenance"])),
            f"<footer>report version {report['report_version']} · every figure with its n.</footer>",
        ]
    )
    return whole_page(title, body)


def rows(capacity: dict[str, Any]) -> list[list[str]]:
    """Write a row of texts for every width, mean and range over its repeats."""
    return [
        [
            str(point["width"]),
            words.number(point["parameters"]),
            f"{point['parameters_per_target']:.3f}",
            "the width before" if point["reuses_weights"] else "a fresh draw",
            mean_and_range(point["train_loss"], share=False),
            mean_and_range(point["train_error"], share=True),
            mean_and_range(point["test_loss"], share=False),
            mean_and_range(point["test_error"], share=True),
        ]
        for point in capacity["points"]
    ]


def _header(report: dict[str, Any], title: str) -> str:
    capacity = report["capacity"]
    threshold, peak = capacity["threshold"], capacity["test_loss_peak"]
    shown = "none" if peak is None else f"{peak['parameters_per_target']:.2f}"
    facts = [
        ("Examples", words.number(capacity["examples"]), f"{capacity['classes']} classes"),
        ("Threshold", words.number(threshold["parameters"]), f"n K parameters, width {threshold['width']:.1f}"),
        ("Peak", shown, "of the test loss, in parameters for every target"),
        ("Repeats", str(capacity["repeats"]), f"of {len(capacity['points'])} widths"),
    ]
    return (
        f'<p class="over">{escape(report["dataset"]["name"])} · capacity_sweep</p><h1>{escape(title)}</h1>'
        f'<p class="lead">{escape(sentence(capacity))}</p>'
        f"<p>{escape(interpolation_sentence(capacity))}</p>{facts_of(facts)}"
    )


def _figure(capacity: dict[str, Any], measure: str, caption: str) -> str:
    caption += ": each dot is the mean over the repeats, each bar spans all of them; the rule is at N = n K."
    drawn = capacity_figure(capacity, measure)
    return f"<h2>{measure.title()} against width</h2><figure>{drawn}<figcaption>{caption}</figcaption></figure>"


def _note(capacity: dict[str, Any]) -> str:
    return (
        f"Mean over n = {capacity['repeats']} repeats, and the range of them, of the last weights. "
        "Nothing is chosen by any figure here, so the test split was evaluated after every training."
    )


def _warnings(report: dict[str, Any]) -> str:
    items = "".join(f"<li><code>{escape(w['code'])}</code> {escape(w['detail'])}</li>" for w in report["warnings"])
    return f'<h2>Warnings</h2><ul class="plain">{items}</ul>' if items else ""
