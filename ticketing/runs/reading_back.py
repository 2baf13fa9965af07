"""What every check of a finished run's files needs: an expectation, a state dict, the answers; writes nothing."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ticketing.architectures import Inventory
from ticketing.certificate.answers import read_answers
from ticketing.data.dataset import Dataset
from ticketing.errors import ModelError, VerificationError
from ticketing.export.hub import FOLDER, config_of
from ticketing.report.hub_card import hub_card
from ticketing.report.words import Report
from ticketing.subject import read_state


def check_answers(out: Path, report: Mapping[str, Any]) -> None:
    """Check that the bits of every network that was tested give the accuracies that the report says."""
    answers = read_answers(out / "answers.safetensors")
    flat = {name: correct.reshape(len(correct), -1) for name, correct in answers.items() if name.endswith("/best")}
    best = {name: correct.mean(axis=1).tolist() for name, correct in flat.items()}
    reported = {
        (branch, row["level"]): figures["values"]
        for row in report["levels"]
        for branch, figures in row["test"].items()
        if figures
    }
    # Dense stands beside every level, with as many replicates as that level has.
    came = {
        (branch, level): best.get(f"{branch}/{0 if branch == 'dense' else level}/best", [])[: len(values)]
        for (branch, level), values in reported.items()
    }
    counted = sum(map(len, best.values())) == sum(
        len(values) for (branch, level), values in reported.items() if branch != "dense" or level == 0
    )
    expect(came == reported and counted, "answers.safetensors, the test accuracies of the report")


def check_hub(out: Path, report: Report, data: Dataset) -> None:
    """Check that configuration and card of the folder for the Hub say what the report does; its weights are compared
    with the other files."""
    folder, config = out / FOLDER, config_of(report, {"inputs": {"mean": data.mean, "std": data.std}})
    expect(json.loads((folder / "config.json").read_bytes()) == json.loads(json.dumps(config)), "hf/config.json")
    expect((folder / "README.md").read_text() == hub_card(report), "hf/README.md, the report's figures")


def strictly(path: Path, listed: Inventory) -> dict[str, Tensor]:
    """Read a whole state dict of a network.

    Raises:
        VerificationError: It is none, or a value is not finite.
    """
    try:
        return read_state(path, listed)
    except (ModelError, OSError) as error:
        raise VerificationError(f"{path.name}: {error}") from None


def expect(held: bool, what: str) -> None:
    """Go on if something reads back as it should.

    Raises:
        VerificationError: It does not.
    """
    if not held:
        raise VerificationError(f"does not read back as expected: {what}")
