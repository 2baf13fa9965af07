"""The report as a model card in Markdown, with the ten lines that read the files; knows the file formats by name."""

from typing import Any

from ticketing.report import gain, settling, slim, words
from ticketing.report.markdown import plain, table
from ticketing.report.origin import origin_sentences

DECODER = '''\
import json

import numpy as np
from safetensors import safe_open


def read_sparse(path):
    """Give name -> dense numpy array, exactly the tensors of model.safetensors."""
    with safe_open(path, framework="np") as file:
        shapes = json.loads(file.metadata()["winnow"])["shapes"]
        stored = {name: file.get_tensor(name) for name in file.keys()}
    dense = {name: stored[name] for name in stored if not name.endswith((".bitmask", ".values"))}
    for name, shape in shapes.items():
        kept = np.unpackbits(stored[name + ".bitmask"], count=int(np.prod(shape)), bitorder="little").astype(bool)
        dense[name] = np.zeros(kept.size, stored[name + ".values"].dtype)
        dense[name][kept] = stored[name + ".values"]
        dense[name] = dense[name].reshape(shape)
    return dense
'''
"""Reads `sparse.safetensors` with numpy alone; a test runs it as it stands on the card."""


def card(report: words.Report) -> str:
    """Write the model card: what the ticket is, what was shown, what was not, how to load it."""
    row = words.delivered_level(report)
    architecture, dataset = plain(report["model"]["architecture"]), plain(report["dataset"]["name"])
    run = words.tested(report["levels"])
    named = report["job"].get("name")
    name = plain(named) if named else f"{architecture} on {dataset}"
    return "\n".join(
        [
            f"# {name}",
            "",
            words.verdict_sentence(report),
            "",
            *(line for sentence in _said(report) for line in (plain(sentence), "")),
            *table(
                ["", ""],
                [
                    ["network", architecture],
                    ["dataset", dataset],
                    ["search", report["recipe"]["search"]],
                    ["sparsity", f"{words.percent(row['sparsity'], 2)} (level {row['level']})"],
                    ["weights kept", f"{row['kept']} of {row['total']}"],
                    ["verdict", words.verdict(report)],
                ],
            ),
            "## Levels",
            "",
            *table(
                [
                    "level",
                    "sparsity",
                    "kept",
                    "train error",
                    "regime",
                    *(f"{branch}, test" for branch in run),
                    "verdict",
                ],
                [_level(row, run) for row in report["levels"]],
            ),
            *([said] if (said := words.regime_sentence(report)) else []),
            "Test figures of levels other than the one handed out are exploratory.",
            "",
            "## Loading it",
            "",
            *_loading(report),
            "",
            "## Where it is and is not faster",
            "",
            *(line for sentence in gain.gain_sentences(report) for line in (sentence, "")),
            *(table(*gain.memory_table(measured)) if (measured := report.get("gain")) else []),
            "## What to know",
            "",
            *(f"- {plain(w['code'])}: {plain(w['detail'])}" for w in report.get("warnings", [])),
            "",
        ]
    )


def _said(report: words.Report) -> list[str]:
    settled = [settling.settling_sentence(report)] if "settling" in report else []
    return [*settled, *origin_sentences(report)]


def _loading(report: words.Report) -> list[str]:
    if slim.is_slim(report):
        return [
            "`slim.safetensors` is the slim network, `slim.json` which channels of the whole one it has;",
            "`winnow.torch.load_slim(module, folder)` makes a module of your own class narrower and loads it.",
            "`model.safetensors` is the same network with zeros in place of the channels, under the keys of the whole;",
            "`ticket.safetensors` holds the weights it was trained from, `mask.safetensors` one bit per weight.",
        ]
    files = [
        "`model.safetensors` is the trained sparse network in the dense layout, under the keys of the network: it",
        "loads wherever the dense one did. `ticket.safetensors` holds the weights the ticket restarts from,",
        "`mask.safetensors` one bit per weight.",
    ]
    pruned = report["recipe"].get("pruned", "zero")
    if pruned != "zero":
        held = "in both they hold zero or their initial weight, untrained, so there is no small file."
        return [*files, f"What the mask removed is not all zero (`pruned: {plain(pruned)}`):", held]
    small = "Both are zero where pruned. `sparse.safetensors` is the small file:"
    return [*files, small, "", "```python", DECODER.rstrip(), "```"]


def _level(row: dict[str, Any], run: list[str]) -> list[str]:
    test = row["test"] or {}
    return [
        str(row["level"]),
        words.percent(row["sparsity"], 2),
        str(row["kept"]),
        words.percent(1 - row["train"]["accuracy"], 2),
        row["regime"] or "\N{EN DASH}",
        *(words.mean_of(test.get(branch)) for branch in run),
        row.get("verdict") or "\N{EN DASH}",
    ]
