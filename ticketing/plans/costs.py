"""What training costs in floating-point operations, by arithmetic over the layers; measures nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ticketing.architectures import Inventory

FORWARDS_PER_UPDATE = 3
"""The backward pass costs two forwards: one for the inputs' gradients, one for the weights'."""
FLOPS_PER_MULTIPLY_ADD = 2
CPU_FLOPS_PER_SECOND = {"fp32": 80e9, "bf16": 200e9}
"""One core of an AVX-512 server processor, measured on LeNet-300-100 and ResNet-20 (docs/evidence.md)."""
CPU_SECONDS_PER_UPDATE = 2e-4


@dataclass(frozen=True)
class Flops:
    """Two ways of counting the same work."""

    executed: int
    """Of the kernels that really run, nearly all of them dense; the axis on which searches are compared."""
    nonzero: int
    """Of the multiplications whose weight is kept, or not held at zero: what a perfect sparse kernel would do."""

    def __add__(self, other: "Flops") -> "Flops":
        """Add both counts."""
        return Flops(self.executed + other.executed, self.nonzero + other.nonzero)


def training_flops(
    inventory: Inventory,
    kept: Mapping[str, int] | None,
    *,
    updates: int,
    batch_size: int,
    multiply_adds: int | None = None,
) -> Flops:
    """Count the operations of a training; optimizer and norms are left out.

    Args:
        inventory: The network.
        kept: Entries per prunable parameter that are not zero (`Mask.counts`); None for dense.
        updates: Number of updates.
        batch_size: Examples per update.
        multiply_adds: Of one forward pass of one example as it ran, where pruned entries were left out; None: nowhere.
    """
    whole = forward_flops(inventory, kept, examples=FORWARDS_PER_UPDATE * updates * batch_size)
    if multiply_adds is None:
        return whole
    return replace(whole, executed=FLOPS_PER_MULTIPLY_ADD * multiply_adds * FORWARDS_PER_UPDATE * updates * batch_size)


def update_flops(multiply_adds: int, batch_size: int) -> int:
    """Count the operations of one update with dense kernels.

    Args:
        multiply_adds: Of one forward pass of one example.
        batch_size: Examples.
    """
    return FLOPS_PER_MULTIPLY_ADD * FORWARDS_PER_UPDATE * multiply_adds * batch_size


def cpu_seconds(flops: int, updates: int, precision: str) -> float | None:
    """Estimate the seconds of trainings on one core; None for a precision whose rate was not measured."""
    rate = CPU_FLOPS_PER_SECOND.get(precision)
    return None if rate is None else round(flops / rate + updates * CPU_SECONDS_PER_UPDATE, 1)


def forward_flops(inventory: Inventory, kept: Mapping[str, int] | None, *, examples: int) -> Flops:
    """Count the operations of running `examples` through the network once."""
    per_example = FLOPS_PER_MULTIPLY_ADD * examples
    nonzero = sum(
        layer.multiply_adds if kept is None else layer.multiply_adds * kept[layer.parameter] // layer.entries
        for layer in inventory.prunable
    ) + sum(layer.products for layer in inventory.layers)
    return Flops(executed=per_example * inventory.multiply_adds, nonzero=per_example * nonzero)
