"""Whether two trained networks lie in one basin: the error along the straight line between them; knows no search.

Linear mode connectivity (Frankle et al. 2020, arXiv 1912.05671): with error E on a split, the barrier between two
states W1 and W2 is max over a in [0, 1] of E(a W1 + (1 - a) W2) - (E(W1) + E(W2)) / 2. A network is stable to the
order of its examples when two trainings that differ in it alone end with no barrier to speak of.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ticketing.data.dataset import Dataset, take
from ticketing.recipe import Precision
from ticketing.seeds import derive
from ticketing.subject import placed
from ticketing.training.evaluation import evaluate, logits

State = Mapping[str, Tensor]

INTERPOLATIONS = 31
"""Points on the line, both ends among them."""
NORM_SAMPLES = 2000
"""Train examples on which norm statistics are made anew: those of an interpolation are no mean of the ends'."""
NORM_BATCH = 500
STABLE_BARRIER = 0.02
"""Error (fraction) up to which two networks count as connected (Frankle et al. 2020, section 2)."""


def barrier(
    module: nn.Module,
    one: State,
    other: State,
    *,
    data: Dataset,
    seed: int,
    precision: Precision = "fp32",
) -> float:
    """Give the barrier between two states on the validation split, as a fraction of its examples; at least 0.

    Args:
        module: The network, on the meta device or any other; it is copied.
        one: Whole state dict.
        other: Whole state dict of the same network; under the same mask the line stays under it.
        data: Prepared, on the device to evaluate on.
        seed: Of the choice of the train examples for norm statistics.
        precision: As the networks were trained.
    """
    network = placed(module, one, device=data.device)
    rows = torch.randperm(len(data.y_train), generator=torch.Generator().manual_seed(derive(seed, 0, "order", "norms")))
    samples = take(data.x_train, rows[:NORM_SAMPLES].to(data.device))
    errors = []
    for point in range(INTERPOLATIONS):
        network.load_state_dict(between(one, other, point / (INTERPOLATIONS - 1)))
        renew_norms(network, samples, precision=precision)
        found = evaluate(network, data.x_validation, data.y_validation, precision=precision)
        errors.append(1 - found.accuracy)
    return max(errors) - (errors[0] + errors[-1]) / 2


def between(one: State, other: State, share: float) -> dict[str, Tensor]:
    """Give the state `share` of the way from `one` to `other`; whole numbers, such as counters, stay those of `one`."""
    return {
        name: torch.lerp(tensor, other[name], share) if tensor.is_floating_point() else tensor
        for name, tensor in one.items()
    }


def renew_norms(network: nn.Module, samples: Float[Tensor, "samples ..."], *, precision: Precision = "fp32") -> None:
    """Make the statistics of batch norms anew: the plain mean over batches of what a forward in train mode measures."""
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch then averages over all batches since the reset
    network.train()
    with torch.no_grad():
        for batch in torch.split(samples, NORM_BATCH):
            logits(network, batch, precision=precision)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
