"""What a report says of a network that lost whole channels; adds no figure."""

from collections.abc import Mapping
from typing import Any

from ticketing.report import words


def is_slim(report: words.Report) -> bool:
    """Say whether channels were taken out of the network, rather than single entries set to zero."""
    return any("channels" in row for row in report.get("levels", ()))


def slim_sentence(report: words.Report) -> str:
    """Say how much smaller the slim network is, and which files are not."""
    row, dense = words.delivered_level(report), report["levels"][0]
    share = words.percent(row["multiply_adds"] / dense["multiply_adds"])
    return (
        f"slim.safetensors is a dense network without the removed channels: {words.number(row['parameters'])} of "
        f"{words.number(dense['parameters'])} parameters, {share} of the multiply-adds. ticket.safetensors and "
        "model.safetensors are of the whole network with zeros in place of the channels, and as slow as it."
    )


HEAD = ("channels", "parameters", "multiply-adds")


def sizes(row: Mapping[str, Any]) -> list[str]:
    """Give the cells of a level under `HEAD`."""
    return [_kept(row["channels"]), words.number(row["parameters"]), words.number(row["multiply_adds"])]


def _kept(channels: Mapping[str, Any] | None) -> str:
    if channels is None:
        return "all"
    if "kinds" not in channels:
        return f"{channels['kept']} of {channels['total']}"
    return ", ".join(f"{of['kept']} of {of['total']} {kind}" for kind, of in channels["kinds"].items())
