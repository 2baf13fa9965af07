"""Reads a finished run's `out/` back in a process that did not write it, and compares; writes nothing."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ticketing.actions import Actions, begun, replaced
from ticketing.blocks import uneven
from ticketing.channels import channels_of
from ticketing.channels.slimming import kept_of, without
from ticketing.data.dataset import Dataset
from ticketing.export.graphs import GRAPHS, check_graphs
from ticketing.export.hub import FOLDER
from ticketing.export.listing import check_listing
from ticketing.export.weights import read_mask, read_tensors, shapes_of
from ticketing.folder import OUT, RECIPE, RunSpec
from ticketing.journal.provenance import state_digest
from ticketing.ladder.counts import kept_counts
from ticketing.mask import Mask
from ticketing.plans.parsing import parse_recipe
from ticketing.recipe import CapacitySweep, EarlyBird, Iterative
from ticketing.runs.bird_verification import verify_birds
from ticketing.runs.capacity_verification import verify_sweep
from ticketing.runs.execution import settle
from ticketing.runs.inputs import load
from ticketing.runs.reading_back import check_answers, check_hub, expect, strictly
from ticketing.runs.slim_verification import verify_slim
from ticketing.sparse import decode, same_bits
from ticketing.step import Step
from ticketing.subject import Subject, placed
from ticketing.training.evaluation import evaluate

State = Mapping[str, Tensor]


def verify(folder: Path, spec: RunSpec) -> dict[str, str]:
    """Check everything a run made against the run's own inputs, and give the digest of every file.

    Lists and digests agree; the states load strictly and are finite; pruned entries are +0.0 (or hold their initial
    weights, where `pruned` says so) and the masks shrink from level to level with the reported counts, with structure
    N:M those of every block; the ticket is its rewind point under the mask, after `kept` and `pruned`, where that is
    the state before training; the sparse file decodes to the model bit for bit; the model's validation accuracy is the
    reported one; the answers give the reported test accuracies.

    Args:
        folder: Of the run, with its inputs.
        spec: Of the run.

    Raises:
        VerificationError: Something does not read back as what the report says.
    """
    out = folder / OUT
    digests = check_listing(out)
    recipe = parse_recipe(json.loads((folder / RECIPE).read_bytes()))
    if isinstance(recipe, CapacitySweep):
        verify_sweep(out, recipe)
        return digests
    device = settle(spec.execution, deterministic=recipe.training.deterministic)
    subject, data = load(folder, spec, recipe, device=device)
    report = json.loads((out / "report.json").read_bytes())
    if isinstance(recipe, EarlyBird):
        verify_birds(out, report, recipe, subject, data)
        return digests
    rows = None if recipe.block is None else kept_counts(subject.inventory, recipe, spec.start)
    mask = _ladder(out, report, block=recipe.block, rows=rows)
    delivered = report["search"]["delivered"]
    states = _states(out, recipe, subject, mask, delivered["digests"])
    trained = next((states[word] for word in ("model", "sparse", "hf") if word in states), None)
    channels = channels_of(subject.module, subject.inventory) if recipe.removes_channels else None
    if "ticket" in states and recipe.rewind == Step("0it"):
        expected = _ticket(states["ticket"], recipe, subject, mask, level=delivered["level"])
        if channels is not None:
            expected = without(expected, channels, kept_of(channels, mask))
        expect(same_bits(states["ticket"], expected), "the ticket, its rewind point")
    if channels is not None:
        verify_slim(out, report, recipe, subject, data, channels=channels, mask=mask, trained=trained)
    elif trained is not None:
        _check_accuracy(trained, subject, data, recipe, expected=delivered["validation"]["accuracy"])
    if channels is None and trained is not None:
        network = placed(subject.module, trained, device="cpu")
        check_graphs(out, network, subject.inventory, stem="model", words=recipe.outputs)
    if "hf" in recipe.outputs:
        check_hub(out, report, data)
    if recipe.evidence.replicates and delivered["level"]:  # dense alone is delivered without evidence
        check_answers(out, report)
    return digests


def _ladder(
    out: Path, report: Mapping[str, Any], *, block: int | None, rows: Sequence[Mapping[str, int]] | None
) -> Mask:
    """Check every level's mask against the report and the one before it on the ticket's way; give the delivered one.

    A candidate beyond a target was cut from some level of the way: its mask binds nothing after it.
    """
    masks: dict[int, Mask] = {}
    for row in report["levels"]:
        level, expected = int(row["level"]), {layer["name"]: layer["kept"] for layer in row["layers"]}
        mask = read_mask(out / f"levels/{level:02d}/mask.safetensors")
        expect(mask.counts() == expected, f"the mask of level {level}, counts {expected}")
        if block is not None and rows is not None:
            even = mask.counts() == rows[level] and not uneven(mask, block)
            expect(even, f"the mask of level {level}, counts {rows[level]}, as many of every {block} inputs")
        if row["beyond_target"]:
            continue
        below = masks[max(masks)] if masks else mask
        expect(mask.within(below), f"the mask of level {level}, within that of the level before")
        masks[level] = mask
    return masks[int(report["search"]["delivered_level"])]


def _states(
    out: Path, recipe: Iterative, subject: Subject, mask: Mask, expected: Mapping[str, str]
) -> dict[str, State]:
    """Read the state dicts that were asked for, each checked against the report and the mask."""
    states: dict[str, State] = {}
    listed = subject.inventory
    for word in recipe.outputs:
        path = out / FOLDER / "model.safetensors" if word == "hf" else out / f"{word}.safetensors"
        if word in GRAPHS or word == "slim" or (word == "hf" and recipe.removes_channels):
            continue  # compared once the model is read
        if word == "mask":
            expect(read_mask(path) == mask, "mask.safetensors, the delivered level's mask")
        elif word == "sparse":
            tensors, layout = read_tensors(path)
            decoded, carried = decode(tensors, shapes_of(layout))
            expect(carried == mask, "sparse.safetensors, the delivered level's mask")
            states[word] = {name: decoded[name] for name in listed.state}
        else:
            states[word] = strictly(path, listed)
    for name, state in states.items():
        of = "ticket" if name == "ticket" else "model"
        if recipe.pruned == "zero":
            expect(same_bits(state, mask.applied_to(state)), f"{name}.safetensors, +0.0 wherever the mask removed")
        else:
            held = _held(state, subject, mask)
            expect(same_bits(state, held), f"{name}.safetensors, +0.0 or the initial weight wherever the mask removed")
        expect(state_digest(state) == expected[of], f"{name}.safetensors, the state the run ended with")
    return states


def _held(state: State, subject: Subject, mask: Mask) -> State:
    """Give a state with every removed entry that is not zero at its initial weight, and everything else as it is."""
    initial = begun(subject.initial_state, Mask({name: state[name] != 0 for name in mask}))
    return {
        name: torch.where(mask[name], tensor, initial[name]) if name in mask else tensor
        for name, tensor in state.items()
    }


def _ticket(ticket: State, recipe: Iterative, subject: Subject, mask: Mask, *, level: int) -> State:
    """Make the first search's start at a level anew; which entries begin at zero is read off the ticket."""
    initial = replaced(
        subject, subject.initial_state, mask, Actions.of(recipe),
        seed=recipe.seed, replicate=0, labels=("ticket", str(level)),
    )  # fmt: skip
    if recipe.pruned == "zero":
        return mask.applied_to(initial)
    return begun(initial, Mask({name: ticket[name] != 0 for name in mask}))


def _check_accuracy(state: State, subject: Subject, data: Dataset, recipe: Iterative, *, expected: float) -> None:
    network = placed(subject.module, state, device=data.device)
    came = evaluate(network, data.x_validation, data.y_validation, precision=recipe.training.precision).accuracy
    expect(came == expected, f"the model, validation accuracy {expected}, got {came}")
