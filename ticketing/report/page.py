"""The report as one page that opens offline: no script, no other file; draws what the document says, adds nothing."""

from collections.abc import Mapping
from html import escape
from typing import Any

from ticketing.report import gain, settling, slim, words
from ticketing.report.figure import accuracy_figure, density_figure
from ticketing.report.markup import facts_of, flat, mapping, rows_of, table, whole_page
from ticketing.report.origin import origin_sentences


def page(report: words.Report) -> str:
    """Draw the report as a self-contained HTML document; every text from outside is escaped."""
    title = report["job"].get("name") or f"{report['model']['architecture']} on {report['dataset']['name']}"
    body = "".join(
        [
            _header(report, title),
            settling.section(report) if "settling" in report else "",
            _accuracy(report),
            _levels(report),
            _certificate(report),
            _density(report),
            _ntk(report),
            _invariants(report),
            mapping("Cost", report["cost"], _COST_NOTE),
            gain.section(report),
            mapping("Sizes in bytes", report["sizes"], "" if report.get("gain") else gain.gain_sentences(report)[0]),
            _warnings(report),
            mapping("Provenance", flat(report["provenance"])),
            f"<footer>report version {escape(str(report['report_version']))} · every accuracy with its n; "
            "differences in percentage points.</footer>",
        ]
    )
    return whole_page(title, body)


_COST_NOTE = "One update counts as three forward passes, a multiply-add as two operations."


def _header(report: words.Report, title: str) -> str:
    row, verdict = words.delivered_level(report), words.verdict(report)
    shown = "no evidence" if verdict == "none" else verdict
    test, search = row["test"] or {}, report["search"]
    facts = [
        ("Sparsity", words.percent(row["sparsity"], 2), f"level {row['level']} of {search['levels']}"),
        ("Weights kept", words.number(row["kept"]), f"of {words.number(row['total'])} prunable"),
        _accuracy_fact("Ticket", test.get("ticket"), search.get("test_accuracy")),
        _accuracy_fact("Dense", test.get("dense"), None),
    ]
    origin = "".join(f'<p class="note">{escape(sentence)}</p>' for sentence in origin_sentences(report))
    subject = f"{report['model']['architecture']} · {report['dataset']['name']} · {report['recipe']['search']} search"
    return (
        f'<p class="over">{escape(subject)}</p><h1>{escape(title)}</h1>'
        f'<span class="verdict {verdict}">{escape(shown)}</span>'
        f'<p class="lead">{escape(words.verdict_sentence(report))}</p>{origin}{facts_of(facts)}'
    )


def _accuracy_fact(name: str, result: Mapping[str, Any] | None, alone: float | None) -> tuple[str, str, str]:
    if result:
        return name, words.percent(result["mean"], 2), f"test accuracy, n = {result['n']}"
    if alone is not None:
        return name, words.percent(alone, 2), "test accuracy, n = 1"
    return name, "\N{EN DASH}", "not evaluated on test"


def _accuracy(report: words.Report) -> str:
    figure = accuracy_figure(report["levels"], delivered=report["search"]["delivered_level"])
    caption = (
        "Each dot is the mean over the replicates, each bar spans all of them; the ring marks the level handed out. "
        "Levels are spaced by what is left, so equal shares removed stand at equal distances."
    )
    said = words.regime_sentence(report)
    regime = f'<p class="note">{escape(said)} {_REGIME_NOTE}</p>' if said else ""
    return f"<h2>Accuracy against sparsity</h2><figure>{figure}<figcaption>{caption}</figcaption></figure>{regime}"


_REGIME_NOTE = (
    "The regime is decided by train error alone: last weights, evaluation mode, no augmentation, the labels trained on."
)


def _levels(report: words.Report) -> str:
    run, narrower = words.tested(report["levels"]), slim.is_slim(report)
    rows = [
        [
            str(row["level"]),
            words.percent(row["sparsity"], 2),
            words.number(row["kept"]),
            *(slim.sizes(row) if narrower else ()),
            words.percent(1 - row["train"]["accuracy"], 2),
            row["regime"] or "\N{EN DASH}",
            words.percent(row["validation"]["accuracy"], 2),
            *(words.mean_of((row["test"] or {}).get(branch)) for branch in run),
            row.get("verdict") or "\N{EN DASH}",
        ]
        for row in report["levels"]
    ]
    head = [
        "level",
        "sparsity",
        "kept",
        *(slim.HEAD if narrower else ()),
        "train error",
        "regime",
        "validation (search)",
        *(f"{branch}, test" for branch in run),
        "verdict",
    ]
    chosen = [row["level"] == report["search"]["delivered_level"] for row in report["levels"]]
    note = "Test figures of levels other than the one handed out are exploratory: the choice was made on validation."
    return f'<h2>Levels</h2>{table(head, rows, marked=chosen)}<p class="note">{note}</p>'


def _certificate(report: words.Report) -> str:
    certificate = report.get("certificate")
    if not certificate:
        return ""
    rows = [
        [
            name,
            ", ".join(words.points(d) for d in found["differences"]),
            words.points(found["mean"]),
            words.interval(found["interval"]),
            words.interval(found["bootstrap"]),
            str(found["outcome"]).replace("_", " "),
        ]
        for name, found in certificate["against"].items()
    ]
    sure = f"{100 * certificate.get('confidence', 0.95):.4g} %"
    head = ["ticket minus", "each replicate", "mean", f"{sure} Student t", f"{sure} crossed bootstrap", "outcome"]
    note = (
        f"Paired differences in test accuracy (points) at the checkpoint of minimum validation loss, level "
        f"{certificate['level']}; replicates of the {certificate['replicates_of']}, trained in a data order the "
        f"search never saw. One test {words.answer(report)} is {100 * certificate['resolution']:.2f} points. "
        f"A bound counts only if both intervals agree on it.{_looked(certificate)}"
    )
    return f'<h2>Certificate</h2>{table(head, rows)}<p class="note">{escape(note)}</p>'


def _looked(certificate: Mapping[str, Any]) -> str:
    """Say how a certificate grew; nothing where the number of replicates was fixed."""
    most, looks = certificate.get("max_replicates"), certificate.get("looks", [])
    if most is None:
        return ""
    taken = ", ".join(f"{look['verdict']} at n = {look['n']}" for look in looks)
    return (
        f" Replicates were added while the verdict was inconclusive, up to {most}: {taken}. All intervals that may be "
        "looked at hold the truth together with 95 %."
    )


def _density(report: words.Report) -> str:
    row = words.delivered_level(report)
    caption = f"How the entries that are left spread over the layers. {_alive(row)}"
    figure = density_figure(report["levels"])
    return f"<h2>Density of every layer</h2><figure>{figure}<figcaption>{caption}</figcaption></figure>"


def _alive(row: Mapping[str, Any]) -> str:
    if row["effective_density"] is None:
        return "How many of them can tell two examples apart is not known of a network with attention."
    alive = words.percent(row["effective_density"] / row["density"]) if row["kept"] else "none"
    return (
        f"Of those kept at level {row['level']}, {alive} lie on a path of kept entries from an input that varies to "
        "an output; the others cannot tell two examples apart."
    )


def _ntk(report: words.Report) -> str:
    found = report.get("ntk")
    if not found:
        return ""
    names = ("level", "samples", "rows", "rank", "effective_rank", "label_alignment", "early_slope")
    rows = [[words.number(row[name]) for name in names] for row in found]
    note = (
        "Empirical neural tangent kernel of the logits over kept weights, as the level starts; the slope is of the log "
        "train loss over its first updates. A full rank says that these samples can be fitted; no verdict is drawn."
    )
    head = [name.replace("_", " ") for name in names]
    return f'<h2>Tangent kernel</h2>{table(head, rows)}<p class="note">{note}</p>'


def _invariants(report: words.Report) -> str:
    rows = [[escape(item["name"]), words.number(item["checked"]), _held(item["held"])] for item in report["invariants"]]
    return f"<h2>Invariants checked while running</h2>{rows_of(['promise', 'times checked', 'held'], rows)}"


def _held(held: bool) -> str:
    return '<span class="held">held</span>' if held else '<span class="broken">broken</span>'


def _warnings(report: words.Report) -> str:
    items = "".join(
        f"<li><code>{escape(w['code'])}</code> {escape(w['detail'])}</li>" for w in report.get("warnings", [])
    )
    return f'<h2>Warnings</h2><ul class="plain">{items}</ul>' if items else ""
