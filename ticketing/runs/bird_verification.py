"""Reads a finished early-bird run's `out/` back and compares it with its report; writes nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ticketing.channels import channels_of
from ticketing.data.dataset import Dataset
from ticketing.export.weights import read_mask
from ticketing.journal.provenance import state_digest
from ticketing.mask import Mask
from ticketing.recipe import EarlyBird
from ticketing.runs.reading_back import check_answers, check_hub, expect, strictly
from ticketing.runs.slim_verification import verify_slim
from ticketing.sparse import same_bits
from ticketing.subject import Subject


def verify_birds(out: Path, report: Mapping[str, Any], recipe: EarlyBird, subject: Subject, data: Dataset) -> None:
    """Check the files of a run against each other and against what the report says.

    Every mask has the reported counts; ticket and model are zero where the delivered one removed; the slim network is
    what `verify_slim` checks; the answers give the reported test accuracies.

    Args:
        out: The folder.
        report: What `report.json` holds.
        recipe: Of the run.
        subject: Its network.
        data: Its dataset.

    Raises:
        VerificationError: Something does not read back as what the report says.
    """
    channels = channels_of(subject.module, subject.inventory)
    masks = {int(row["level"]): _mask(out, row) for row in report["levels"]}
    delivered = report["search"]["delivered"]
    mask = masks[delivered["level"]]
    if "mask" in recipe.outputs:
        expect(read_mask(out / "mask.safetensors") == mask, "mask.safetensors, the delivered level's mask")
    states = {}
    for word in ("ticket", "model"):
        if word in recipe.outputs:
            states[word] = strictly(out / f"{word}.safetensors", subject.inventory)
            expect(same_bits(states[word], mask.applied_to(states[word])), f"{word}.safetensors, +0.0 where removed")
            digest = delivered["digests"][word]
            expect(state_digest(states[word]) == digest, f"{word}.safetensors, the state the run ended with")
    if "hf" in recipe.outputs:
        check_hub(out, report, data)
    if recipe.evidence.replicates:
        check_answers(out, report)
    verify_slim(out, report, recipe, subject, data, channels=channels, mask=mask, trained=states.get("model"))


def _mask(out: Path, row: Mapping[str, Any]) -> Mask:
    mask = read_mask(out / f"levels/{row['level']:02d}/mask.safetensors")
    expected = {layer["name"]: layer["kept"] for layer in row["layers"]}
    expect(mask.counts() == expected, f"the mask of level {row['level']}, counts {expected}")
    return mask
