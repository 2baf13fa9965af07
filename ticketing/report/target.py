"""What a report says of a target of the slim network, in the sentence that page and card say first; adds no figure."""

from collections.abc import Mapping
from typing import Any

from ticketing.report import words
from ticketing.report.gain import RUNTIMES


def target_sentence(report: words.Report) -> str | None:
    """Say what was asked of the slim network, how its width was found, and whether it is met; None without one."""
    target = report["search"].get("target") or {}
    if "tried" not in target:
        return None
    when = "at the epoch that counts" if report["search"]["name"] == "early_bird" else "before the first training"
    tried = f"{len(target['tried'])} widths were {'measured' if target['runtime'] else 'counted'}"
    looked = f"{_asked(target)}: {tried} {when}"
    if target["came"] is None:
        return f"{looked}; what was handed out was not measured again."
    ended = "the target is met" if target["met"] else "the target is missed"
    return f"{looked}. What was handed out came to {_came(target)}: {ended}."


def _asked(target: Mapping[str, Any]) -> str:
    if "max_macs" in target:
        return f"Asked for at most {words.number(target['max_macs'])} multiply-adds"
    under = f"under {RUNTIMES[target['runtime']]} {target['version']} at batch {target['batch_size']}"
    if "speedup" in target:
        return f"Asked to be {target['speedup']:g} times as fast as dense {under}"
    return f"Asked for at most {target['max_latency_ms']:g} ms {under}"


def _came(target: Mapping[str, Any]) -> str:
    if "max_macs" in target:
        return words.number(target["came"])
    if "speedup" in target:
        low, high = target["interval"]
        return f"{target['came']:.2f} ({low:.2f} to {high:.2f})"
    return f"{target['came']:.3g} ms"
