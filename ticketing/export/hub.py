"""The delivered network as a folder for the Hugging Face Hub: weights, configuration, card. Trains nothing.

hf/
├── model.safetensors, or slim.safetensors and slim.json where channels were removed
├── config.json
└── README.md
"""

from pathlib import Path
from typing import Any

from ticketing.channels import Kept
from ticketing.channels.slimming import slim_state
from ticketing.export.folder import write_json
from ticketing.export.slim import write_slim
from ticketing.export.weights import About, write_model
from ticketing.files import write_whole
from ticketing.journal.workbench import Bench
from ticketing.report.hub_card import hub_card, task_of
from ticketing.report.words import Report
from ticketing.ticket import Ticket

FOLDER = "hf"


def write_hub(out: Path, bench: Bench[Any], ticket: Ticket, kept: Kept | None, report: Report, *, about: About) -> None:
    """Write the folder where a recipe asks for it.

    Args:
        out: The folder of the run's files.
        bench: Of the finished run.
        ticket: The delivered one, in whole tensors.
        kept: Of its channels; None where single entries were removed.
        report: The whole report.
        about: What the metadata of the tensor file says beside its layout.
    """
    if FOLDER not in bench.recipe.outputs:
        return
    folder, inventory = out / FOLDER, bench.subject.inventory
    if kept is None:
        write_model(folder / "model.safetensors", ticket, about)
    else:
        slim = slim_state(ticket.trained, bench.channels, kept)
        write_slim(folder, slim, bench.channels, kept, inventory=inventory, about=about)
    write_json(folder / "config.json", config_of(report, about))
    write_whole(folder / "README.md", hub_card(report).encode())


def config_of(report: Report, about: About) -> dict[str, Any]:
    """Say which network the weights are of, what it takes, and how its inputs are normalised."""
    model, dataset = report["model"], report["dataset"]
    return {
        "model_type": "winnow",
        "architectures": [model["architecture"]],
        "arguments": model["arguments"],
        "task": task_of(report),
        "input_shape": dataset["shape"],
        "num_labels": dataset["classes"],
        "inputs": about["inputs"],
        "sparsity": report["search"]["delivered"]["sparsity"],
    }
