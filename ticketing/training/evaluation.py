"""How well a network does on a split: loss, accuracy, and which examples it got right; changes nothing in it."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor, nn
from torch.nn import functional

from ticketing.data.canonical import torch_dtype
from ticketing.recipe import Precision
from ticketing.training.losses import Loss

BATCH_SIZES = {"cpu": 100, "cuda": 2000}
"""Examples at once where nobody says otherwise: on a CPU as many as the caches hold (measured on ResNet-20)."""
PREDICTIONS = {"cpu": 4096, "cuda": 65_536}
"""Most predictions at once, where an example asks for several: each has a logit for every class."""


@dataclass(frozen=True)
class Evaluation:
    """What a split says of a network."""

    loss: float
    """Mean cross-entropy in nats."""
    accuracy: float
    """Fraction right, in [0, 1]."""
    correct: Bool[Tensor, "examples ..."]
    """Per example, or per token of every window, on the CPU."""

    @property
    def error(self) -> float:
        """Fraction wrong, in [0, 1]: counted, so that one in a thousand is 0.001 to the bit."""
        return int((~self.correct).sum()) / self.correct.numel()


def evaluate(
    network: nn.Module,
    x: Shaped[Tensor, "examples ..."],
    y: Int64[Tensor, "examples ..."],
    *,
    precision: Precision = "fp32",
    batch_size: int | None = None,
    loss: Loss = functional.cross_entropy,
) -> Evaluation:
    """Evaluate a network in eval mode and leave its mode as it was.

    Args:
        network: With weights, on the device of the examples.
        x: Prepared examples.
        y: Their classes; of windows the class at every token, all of which count alike.
        precision: As the network was trained; the losses are summed in float64 either way.
        batch_size: Examples at once; None for that of the device. The last bits of a loss may depend on it.
        loss: What is averaged over the examples.
    """
    device = x.device.type
    at_once = batch_size or max(1, min(BATCH_SIZES[device], PREDICTIONS[device] // y[0].numel()))
    was_training = network.training
    network.eval()
    losses, correct = [], []
    with torch.inference_mode():
        for xs, ys in zip(torch.split(x, at_once), torch.split(y, at_once), strict=True):
            given = logits(network, xs, precision=precision)
            losses.append(loss(given.flatten(0, -2), ys.flatten(), reduction="none"))
            correct.append(given.argmax(-1) == ys)
    network.train(was_training)
    right = torch.cat(correct).cpu()
    return Evaluation(
        loss=float(torch.cat(losses).double().mean()),
        accuracy=int(right.sum()) / right.numel(),
        correct=right,
    )


def logits(
    network: nn.Module, x: Shaped[Tensor, "batch ..."], *, precision: Precision
) -> Float[Tensor, "batch *tokens classes"]:
    """Run the network forward in a precision; the logits are float32 either way."""
    with computing(precision, x.device):
        made: Tensor = network(x)
    return made.float()


def computing(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Give the context in which a network runs forward in a precision; it can be entered again and again."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch_dtype(precision))
