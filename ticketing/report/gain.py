"""What a ticket gains where it runs: sentences that say where it is faster and where not, tables; adds no figure."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ticketing.report import slim, words
from ticketing.report.markup import table
from ticketing.report.structure import kernels_sentence

NOTICEABLE = 0.05
"""A difference below this share of the time is none, and so is one whose interval does not exclude it."""
UNMEASURED = "Fewer multiply-adds are less work on any runtime; how much faster it is was not measured here."
RUNTIMES = {"torch": "PyTorch", "onnxruntime": "ONNX Runtime"}


def gain_sentences(report: words.Report) -> list[str]:
    """Say where the ticket is faster and where it is not; what is known without a measurement where none was made."""
    gain, kernels = report.get("gain"), kernels_sentence(report)
    if gain is None:
        known = f"{slim.slim_sentence(report)} {UNMEASURED}" if slim.is_slim(report) else words.SPEED
        return [" ".join([known, *kernels])]
    others = [name for name in gain["networks"] if name != "dense"]
    said = [_sentence(gain, runtime, name) for runtime in gain["versions"] for name in others]
    smaller = [slim.slim_sentence(report)] if slim.is_slim(report) else []
    return [*smaller, *said, *kernels]


def section(report: words.Report) -> str:
    """Draw what was measured, as a part of the page; nothing where nothing was."""
    gain = report.get("gain")
    if gain is None:
        return ""
    note = (
        "Measured in turns on the machine that made the ticket, fp32, with random inputs; the interval is of the "
        "median ratio (95 %, sign test). Memory is of tensors alive at once in a forward pass, counted, without what "
        "kernels take for themselves."
    )
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in gain_sentences(report))
    tables = f"{table(_TIMES, time_rows(gain))}{table(*memory_table(gain))}"
    return f'<h2>What it gains</h2>{said}{tables}<p class="note">{note}</p>'


_TIMES = ["runtime", "examples at once", "network", "n", "p50, ms", "p95, ms", "times as fast as dense"]


def time_rows(gain: Mapping[str, Any]) -> list[list[str]]:
    """Give a row for everything that was timed."""
    return [
        [
            RUNTIMES[row["runtime"]],
            str(row["batch_size"]),
            row["network"],
            str(row["n"]),
            f"{row['p50']:.3g}",
            f"{row['p95']:.3g}",
            "" if row["network"] == "dense" else f"{row['faster']:.2f} [{_interval(row)}]",
        ]
        for row in gain["latency"]
    ]


def memory_table(gain: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Give the head and the rows of what every network is and holds in memory."""
    sizes = list(gain["networks"]["dense"]["peak_bytes"])
    head = ["network", "parameters", "multiply-adds", *(f"peak bytes, {size} at once" for size in sizes)]
    rows = [
        [
            name,
            words.number(of["parameters"]),
            words.number(of["multiply_adds"]),
            *(words.number(of["peak_bytes"][size]) for size in sizes),
        ]
        for name, of in gain["networks"].items()
    ]
    return head, rows


def _sentence(gain: Mapping[str, Any], runtime: str, network: str) -> str:
    own = [row for row in gain["latency"] if (row["runtime"], row["network"]) == (runtime, network)]
    threads = "one thread" if gain["threads"] == 1 else f"{gain['threads']} threads"
    found = _list([_compared(row) for row in own])
    return f"{RUNTIMES[runtime]} {gain['versions'][runtime]} on {threads} of the CPU: the {network} network is {found}."


def _compared(row: Mapping[str, Any]) -> str:
    low, high = row["interval"]
    at = f"at batch {row['batch_size']}"
    if low > 1 + NOTICEABLE:
        return f"{row['faster']:.2f} times as fast as dense {at} ({low:.2f} to {high:.2f})"
    word = "slower" if high < 1 - NOTICEABLE else "not faster"
    return f"{word} than dense {at} ({row['faster']:.2f} times, {low:.2f} to {high:.2f})"


def _interval(row: Mapping[str, Any]) -> str:
    low, high = row["interval"]
    return f"{low:.2f}, {high:.2f}"


def _list(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
