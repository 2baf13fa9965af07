"""Reads a finished early-bird run's `out/` back and compares it with its report; writes nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ticketing.channels import Channels, Kept, channels_of
from ticketing.channels.slimming import grown_state, slim_module, slim_state, weight_mask
from ticketing.data.dataset import Dataset
from ticketing.export.graphs import check_graphs
from ticketing.export.slim import read_slim, slim_of
from ticketing.export.weights import read_mask
from ticketing.journal.provenance import state_digest
from ticketing.mask import Mask
from ticketing.recipe import EarlyBird
from ticketing.runs.reading_back import check_answers, expect, strictly
from ticketing.slim import Slim
from ticketing.sparse import same_bits
from ticketing.subject import Subject, placed
from ticketing.training.evaluation import evaluate


def verify_birds(out: Path, report: Mapping[str, Any], recipe: EarlyBird, subject: Subject, data: Dataset) -> None:
    """Check the files of a run against each other and against what the report says.

    Every mask has the reported counts; ticket and model are zero where the delivered one removed; the slim files are
    of whole channels that leave this very mask, and the model without them; the slim network has the reported
    accuracies on validation and test; the answers give the reported test accuracies.

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
    if recipe.evidence.replicates:
        check_answers(out, report)
    if "slim" not in recipe.outputs:
        return
    slim, document = read_slim(out)
    kept = _kept(document, channels)
    expect(document == slim_of(channels, kept, subject.inventory), "slim.json, whole channels of this network")
    expect(document.parameters.slim == report["levels"][-1]["parameters"], "slim.json, the report's parameters")
    whole = grown_state(slim, subject.initial_state, channels, kept)
    expect(weight_mask(channels, kept, subject.shapes) == mask, "slim.json, the channels of the delivered mask")
    if "model" in states:
        expect(same_bits(slim, slim_state(states["model"], channels, kept)), "slim.safetensors, the model's channels")
        expect(same_bits(whole, states["model"]), "model.safetensors, zero in all that makes a removed channel")
    network = placed(slim_module(subject.module, channels, kept), slim, device=data.device)
    for split, x, y in (("validation", data.x_validation, data.y_validation), ("test", data.x_test, data.y_test)):
        came = evaluate(network, x, y, precision=recipe.training.precision).accuracy
        expected = delivered[split]["accuracy"]
        expect(came == expected, f"slim.safetensors, {split} accuracy {expected}, got {came}")
    check_graphs(out, network.cpu(), subject.inventory, stem="slim", words=recipe.outputs)


def _mask(out: Path, row: Mapping[str, Any]) -> Mask:
    mask = read_mask(out / f"levels/{row['level']:02d}/mask.safetensors")
    expected = {layer["name"]: layer["kept"] for layer in row["layers"]}
    expect(mask.counts() == expected, f"the mask of level {row['level']}, counts {expected}")
    return mask


def _kept(document: Slim, channels: Channels) -> Kept:
    """Read off `slim.json` which channels stay: a channel is gone where any of its indices is not listed."""
    kept = torch.ones(channels.count, dtype=torch.bool)
    for (name, axis), along in channels.axes.items():
        if (listed := document.tensors[name].kept.get(axis)) is not None:
            left = torch.zeros(len(along), dtype=torch.bool)
            left[torch.tensor(listed)] = True
            kept[along[~left & (along >= 0)]] = False
    return kept
