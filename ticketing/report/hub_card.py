"""The model card as a Hugging Face Hub shows it: figures as metadata on top, then the card; adds no figure."""

import json
from typing import Any

from ticketing.report import slim, words
from ticketing.report.card import card


def hub_card(report: words.Report) -> str:
    """Write the `README.md` of a folder for the Hub.

    The fields of the metadata are those of the Hub's `modelcard.md`. It is YAML; its values are written as JSON, which
    is YAML too and lets no text out of its quotes. It names no licence, for that is the owner's to say.
    """
    fields = {
        "pipeline_tag": task_of(report),
        "tags": ["winnow", "pruning", "lottery-ticket", "structured-pruning" if slim.is_slim(report) else "sparse"],
        "metrics": ["accuracy"],
        "model-index": [{"name": _name(report), "results": [_result(report)]}],
    }
    metadata = "\n".join(f"{name}: {json.dumps(value)}" for name, value in fields.items())
    return f"---\n{metadata}\n---\n\n{card(report)}"


def task_of(report: words.Report) -> str:
    """Name what the network does, as the Hub names tasks."""
    dataset = report["dataset"]
    if dataset["task"] == "next_token":
        return "text-generation"
    return "image-classification" if len(dataset["shape"]) == 3 else "tabular-classification"


def _name(report: words.Report) -> str:
    named = report["job"].get("name")
    return str(named or f"{report['model']['architecture']} on {report['dataset']['name']}")


def _result(report: words.Report) -> dict[str, Any]:
    """Give the accuracy on the test split, of the network that is handed out."""
    dataset = report["dataset"]
    return {
        "task": {"type": task_of(report)},
        "dataset": {"type": dataset["name"], "name": dataset["name"], "split": "test"},
        "metrics": [{"type": "accuracy", "value": report["search"]["delivered"]["test"]["accuracy"]}],
    }
