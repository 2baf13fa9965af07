"""What a report says of a target of the slim network, in the sentence that page and card say first; adds no figure."""

from collections.abc import Mapping
from typing import Any

from ticketing.report import words
from ticketing.report.gain import RUNTIMES


def target_sentence(report: words.Report) -> str | None:
    """Say what was asked of the slim network, how its widths were found, and whether it is met; None without one."""
    target = report["search"].get("target") or {}
    if "tried" not in target:
        return None
    asked, came = _asked(target)
    looked = (
        f"{len(target['tried'])} widths were {'measured' if target['runtime'] else 'counted'} before the first training"
    )
    if target["came"] is None:
        return f"{asked}: {looked}; what was handed out was not measured again."
    ended = "the target is met" if target["met"] else "the target is missed"
    return f"{asked}: {looked}. What was handed out came to {came}: {ended}."


def _asked(target: Mapping[str, Any]) -> tuple[str, str]:
    """Give what was asked, and what came in the same unit."""
    came = target["came"]
    if "max_macs" in target:
        return f"Asked for at most {words.number(target['max_macs'])} multiply-adds", words.number(came or 0)
    under = f"under {RUNTIMES[target['runtime']]} {target['version']} at batch {target['batch_size']}"
    if "speedup" in target:
        low, high = target["interval"] or (0.0, 0.0)
        return (
            f"Asked to be {target['speedup']:g} times as fast as dense {under}",
            f"{came or 0:.2f} ({low:.2f} to {high:.2f})",
        )
    return f"Asked for at most {target['max_latency_ms']:g} ms {under}", f"{came or 0:.3g} ms"
