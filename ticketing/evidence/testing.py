"""A trained network on the test split, and which of its examples it got right; trains and judges nothing.

The only part of a run that looks at the test split.
"""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from ticketing.certificate.verdict import Correct
from ticketing.channels import Kept
from ticketing.channels.slimming import slim_module, slim_state
from ticketing.journal.journal import Journal
from ticketing.journal.where import Where
from ticketing.journal.workbench import AnyOf, Bench
from ticketing.subject import Subject, placed
from ticketing.training.evaluation import Evaluation, evaluate
from ticketing.training.trained import Trained

MOMENTS = ("best", "last")
"""When a training is tested: at its minimum validation loss, and after its last update."""


def answered(
    bench: Bench[AnyOf], trained: Trained, *, subject: Subject | None = None, kept: Kept | None = None
) -> dict[str, UInt8[Tensor, " bytes"]]:
    """Give for every moment which examples were got right, one bit each, as the journal keeps it."""
    states = dict(zip(MOMENTS, (trained.best, trained.final), strict=True))
    evaluations = {moment: on_test(bench, state, subject=subject, kept=kept) for moment, state in states.items()}
    return {f"correct_{moment}": _packed(evaluation) for moment, evaluation in evaluations.items()}


def _packed(evaluation: Evaluation) -> UInt8[Tensor, " bytes"]:
    return torch.from_numpy(np.packbits(evaluation.correct.numpy()))


def on_test(
    bench: Bench[AnyOf], state: Mapping[str, Tensor], *, subject: Subject | None = None, kept: Kept | None = None
) -> Evaluation:
    """Evaluate a whole state on the test split; of the bench's network, unless it is of another.

    Where channels were removed the slim network answers, for it is what is handed out: other sums, other last bits.
    """
    data, module = bench.data, (subject or bench.subject).module
    if kept is not None:
        module, state = slim_module(module, bench.channels, kept), slim_state(state, bench.channels, kept)
    network = placed(module, state, device=data.device)
    return evaluate(network, data.x_test, data.y_test, precision=bench.recipe.training.precision)


def correct_answers(
    journal: Journal,
    *,
    branch: str,
    level: int,
    replicates: int,
    examples: int,
    predictions: int = 1,
    moment: str = "best",
) -> Correct:
    """Read which test examples a branch got right: one row per replicate.

    Args:
        journal: Of the run.
        branch: `dense`, `ticket` or the name of a control.
        level: Of the ladder; the dense network stands at 0.
        replicates: How many were run.
        examples: Of the test split.
        predictions: Of one example; where there are several, each has a place in a third dimension.
        moment: One of `MOMENTS`.
    """
    pieces = [Where(replicate, "certificate", branch, level).piece for replicate in range(replicates)]
    rows = [journal.tensors[piece][f"correct_{moment}"].numpy() for piece in pieces]
    correct = np.stack([np.unpackbits(row, count=examples * predictions).astype(bool) for row in rows])
    return correct if predictions == 1 else correct.reshape(replicates, examples, predictions)
