"""Gradients of the training loss at given weights, on a fixed sample of train; changes no weights."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from ticketing.data.dataset import Dataset, take
from ticketing.recipe import Training
from ticketing.subject import Subject, at_home, placed
from ticketing.training.evaluation import computing

EXAMPLES_PER_CLASS = 10


def sample(y: Int64[Tensor, " examples"], *, classes: int, seed: int) -> Int64[Tensor, " drawn"]:
    """Draw `EXAMPLES_PER_CLASS` rows of every class, or all where there are fewer; class by class, on y's device."""
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    labels = y.cpu()[order]
    rows = [order[labels == c][:EXAMPLES_PER_CLASS] for c in range(classes)]
    return torch.cat(rows).to(y.device)


def gradients_at(
    subject: Subject,
    state: Mapping[str, Tensor],
    names: Sequence[str],
    *,
    data: Dataset,
    training: Training,
    seed: int,
) -> dict[str, Float[Tensor, "..."]]:
    """Give dL/dw, L the mean cross-entropy over a sample of train, as a training would meet it: norms by the batch.

    Args:
        subject: The network.
        state: Whole state dict at which to differentiate; not changed.
        names: Parameters to differentiate by.
        data: Prepared, on the device to compute on.
        training: Its batch size and precision count.
        seed: Of the sample.

    Returns:
        One tensor per name, shaped like it, on the CPU.
    """
    network = placed(subject.module, state, device=data.device).train()
    parameters = dict(network.named_parameters())
    asked = [parameters[name] for name in names]
    total = [torch.zeros_like(parameter, requires_grad=False) for parameter in asked]
    rows = sample(data.y_train, classes=data.classes, seed=seed)
    # Mixed, so that the statistics of a norm are of all classes in every batch.
    mixed = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)).to(rows.device)]
    for batch in torch.split(mixed, training.batch_size):
        with computing(training.precision, data.device):
            logits = network(take(data.x_train, batch))
        loss = functional.cross_entropy(logits.float(), data.y_train[batch], reduction="sum") / len(rows)
        torch._foreach_add_(total, list(torch.autograd.grad(loss, asked)))
    return {name: at_home(gradient) for name, gradient in zip(names, total, strict=True)}
