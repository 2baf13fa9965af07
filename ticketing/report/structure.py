"""What a report says of `N:M`: what the level handed out keeps of every block, and where that is faster; no figure."""

from collections.abc import Mapping
from typing import Any

from ticketing.recipe.structure import NOfM, as_n_of_m

KERNELS = (
    "Kernels for 2:4 exist on GPUs of compute capability 8.0 and above alone; none is used here, so what was measured, "
    "if anything was, is dense kernels multiplying zeros."
)


def structure_sentence(report: Mapping[str, Any]) -> str | None:
    """Say how many inputs of every block stay at the level handed out, and which layers are whole; None elsewhere."""
    structure = _structure(report)
    if structure is None:
        return None
    chosen = report["search"]["delivered_level"]
    layers = next(row["layers"] for row in report["levels"] if row["level"] == chosen)
    whole = [layer["name"] for layer in layers if layer["kept"] == layer["total"]]
    divided = [layer for layer in layers if layer["kept"] < layer["total"]]
    if not divided:
        return f"Structure {structure}: the level handed out is dense."
    kept = divided[0]["kept"] * structure.block // divided[0]["total"]
    stopped = "" if kept == structure.kept else f", where the search ended before {structure}"
    beside = f"; whole are {', '.join(whole)}" if whole else ""
    return (
        f"Structure {structure}: of every {structure.block} consecutive inputs of an output the level handed out keeps "
        f"{kept}{stopped}, in {len(divided)} of {len(layers)} layers{beside}."
    )


def kernels_sentence(report: Mapping[str, Any]) -> list[str]:
    """Say which hardware would be faster by the structure; nothing with single entries."""
    return [] if _structure(report) is None else [KERNELS]


def _structure(report: Mapping[str, Any]) -> NOfM | None:
    return as_n_of_m(report.get("recipe", {}).get("structure"))
