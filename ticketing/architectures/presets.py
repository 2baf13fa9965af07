"""Training of networks by SGD with milestones, as the pruning papers write it down; knows no network."""

from collections.abc import Sequence
from typing import Any


def sgd_training(
    *,
    length: str,
    batch_size: int,
    weight_decay: float,
    at: Sequence[str],
    factor: float = 0.1,
    learning_rate: float = 0.1,
    nesterov: bool = False,
    augment: str = "none",
) -> dict[str, Any]:
    """Write the `training` part of a preset: SGD of momentum 0.9, its rate times `factor` at each step of `at`."""
    return {
        "length": length,
        "batch_size": batch_size,
        "optimizer": {
            "name": "sgd",
            "learning_rate": learning_rate,
            "momentum": 0.9,
            "nesterov": nesterov,
            "weight_decay": weight_decay,
        },
        "augment": augment,
        "schedule": {"name": "milestones", "at": list(at), "factor": factor},
        "evaluate_every": "1ep",
    }
