"""Which test examples every network of the certificate got right: enough for anyone to judge the ticket again."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ticketing.evidence.testing import MOMENTS, correct_answers
from ticketing.export.weights import FORMAT_VERSION
from ticketing.files import write_tensors
from ticketing.journal.journal import Journal
from ticketing.journal.where import Where


def write_answers(
    path: Path, journal: Journal, trainings: Iterable[Where], *, examples: int, predictions: int = 1
) -> None:
    """Write one tensor per branch, level and moment, `ticket/7/best`: a row of packed bits per replicate.

    A level may have more replicates than another; the dense network has those of the level with the most. Row i is
    replicate i everywhere.

    Args:
        path: The file to write.
        journal: Of the run, its certificate finished.
        trainings: All that the certificate is made of.
        examples: Of the test split; bit i of a row is example i, lowest bit first.
        predictions: Of one example; where there are several, an example's bits follow each other.
    """
    replicates = Counter((where.branch, where.level) for where in trainings)
    tensors: dict[str, Tensor] = {}
    for (branch, level), n in replicates.items():
        for moment in MOMENTS:
            correct = correct_answers(
                journal,
                branch=branch,
                level=level,
                replicates=n,
                examples=examples,
                predictions=predictions,
                moment=moment,
            )
            packed = np.packbits(correct.reshape(n, -1), axis=1, bitorder="little")
            tensors[f"{branch}/{level}/{moment}"] = torch.from_numpy(packed)
    most = max(replicates.values())
    layout = {"format": "winnow/answers", "version": FORMAT_VERSION, "replicates": most, "examples": examples}
    layout |= {"predictions": predictions} if predictions > 1 else {}
    write_tensors(path, tensors, metadata=json.dumps(layout, separators=(",", ":")))
