"""Reads the files of a network that lost channels back, and compares them with its mask and report; writes nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ticketing.channels import Channels
from ticketing.channels.slimming import grown_state, kept_of, slim_module, slim_state, weight_mask
from ticketing.data.dataset import Dataset
from ticketing.export.graphs import check_graphs
from ticketing.export.hub import FOLDER
from ticketing.export.slim import read_slim, slim_of
from ticketing.mask import Mask
from ticketing.recipe import TicketRecipe
from ticketing.runs.reading_back import expect
from ticketing.sparse import same_bits
from ticketing.subject import Subject, placed
from ticketing.training.evaluation import evaluate

State = Mapping[str, Tensor]


def verify_slim(
    out: Path,
    report: Mapping[str, Any],
    recipe: TicketRecipe,
    subject: Subject,
    data: Dataset,
    *,
    channels: Channels,
    mask: Mask,
    trained: State | None,
) -> None:
    """Check the slim network of a run.

    The delivered mask and the slim files are of the same whole channels; the trained network in whole tensors is zero
    in all that makes a removed channel, and the slim one is without them; the slim one has the reported size, and
    accuracies on validation and test; the graphs are of it.

    Args:
        out: The folder.
        report: What `report.json` holds.
        recipe: Of the run.
        subject: Its network.
        data: Its dataset.
        channels: Of the network.
        mask: Of the delivered level.
        trained: The delivered network in whole tensors; None where no file holds it so.

    Raises:
        VerificationError: Something does not read back as what the report says.
    """
    kept, delivered = kept_of(channels, mask), report["search"]["delivered"]
    expect(weight_mask(channels, kept, subject.shapes) == mask, "the delivered mask, of whole channels")
    expected = slim_of(channels, kept, subject.inventory)
    row = next(row for row in report["levels"] if row["level"] == delivered["level"])
    expect(expected.parameters.slim == row["parameters"], "the delivered mask, the report's parameters")
    expect(expected.multiply_adds.slim == row["multiply_adds"], "the delivered mask, the report's multiply-adds")
    _check_target(report, expected.multiply_adds.slim)
    slim = None if trained is None else slim_state(trained, channels, kept)
    if trained is not None and slim is not None:
        whole = grown_state(slim, subject.initial_state, channels, kept)
        expect(same_bits(whole, trained), "the model, zero in all that makes a removed channel")
    for word, folder in (("slim", out), ("hf", out / FOLDER)):
        if word in recipe.outputs:
            read, document = read_slim(folder)
            expect(document == expected, "slim.json, whole channels of this network, those of the delivered mask")
            expect(slim is None or same_bits(read, slim), "slim.safetensors, the model's channels")
            slim = read
    if slim is None:
        return
    network = placed(slim_module(subject.module, channels, kept), slim, device=data.device)
    for split, x, y in (("validation", data.x_validation, data.y_validation), ("test", data.x_test, data.y_test)):
        came, told = evaluate(network, x, y, precision=recipe.training.precision).accuracy, delivered[split]["accuracy"]
        expect(came == told, f"the slim network, {split} accuracy {told}, got {came}")
    check_graphs(out, network.cpu(), subject.inventory, stem="slim", words=recipe.outputs)


def _check_target(report: Mapping[str, Any], multiply_adds: int) -> None:
    """Check that a target of multiply-adds is met where the report says so; one of time can only be measured."""
    target = report["search"].get("target") or {}
    if "max_macs" in target:
        expect(target["met"] == (multiply_adds <= target["max_macs"]), "the report's target of multiply-adds")
