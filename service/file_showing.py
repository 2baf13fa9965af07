"""What the pages say of the files a job made, and of those it can still be asked for; reads no file."""

from collections.abc import Mapping
from typing import Any

from service.results import Results

FILES = {
    "ticket.safetensors": "the ticket: rewound weights, zeros where pruned",
    "model.safetensors": "the trained sparse model, dense layout: loads anywhere",
    "mask.safetensors": "the mask, bits packed",
    "sparse.safetensors": "the trained model, kept weights alone: the small one",
    "slim.safetensors": "the slim network, its channels gone for good: small and dense",
    "slim.json": "which channels of the whole network the slim one has",
    "slim.onnx": "the slim network as a graph, for ONNX Runtime and whatever else reads ONNX",
    "model.onnx": "the trained sparse model as a graph, for ONNX Runtime and whatever else reads ONNX",
    "slim.pt2": "the slim network as a graph, for PyTorch without its class",
    "model.pt2": "the trained sparse model as a graph, for PyTorch without its class",
    "hf/README.md": "the card of the folder for the Hugging Face Hub",
    "hf/config.json": "what the network of that folder is",
    "hf/model.safetensors": "its weights",
    "hf/slim.safetensors": "its weights, of the slim network",
    "hf/slim.json": "which channels of the whole network they are",
    "answers.safetensors": "who got which test example right: the certificate can be judged again",
    "widths.csv": "every training of a sweep over widths, for spreadsheets",
    "report.html": "the evidence on one page, opens offline",
    "report.json": "the same for programs",
    "report.md": "a model card",
    "levels.csv": "every level of every point, for spreadsheets",
    "recipe.json": "what was asked, every default filled in",
    "provenance.json": "digests, versions, seeds, device",
    "manifest.json": "every file with its size and sha256",
    "SHA256SUMS": "for sha256sum --check",
}
LATER = {"onnx": ("model.onnx", "slim.onnx"), "pt2": ("model.pt2", "slim.pt2"), "hf": ("hf/config.json",)}
"""Targets of an export, and the files by which a job has them already."""


def by_importance(made: Results) -> list[Mapping[str, Any]]:
    """List what a job made: what people come for first, the levels last."""
    order = list(FILES)
    rank = {name: order.index(name) if name in order else len(order) for name in made.artifacts}
    return [made.artifacts[name] for name in sorted(made.artifacts, key=lambda name: (rank[name], name))]


def exports_left(made: Results) -> list[str]:
    """List the targets that a job which found a ticket can be asked for and has not written itself."""
    if made.state != "succeeded":
        return []
    return [target for target, files in LATER.items() if made.artifacts.keys().isdisjoint(files)]
