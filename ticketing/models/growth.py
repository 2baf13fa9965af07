"""A narrow network's weights as the start of a wider one; trains nothing."""

from collections.abc import Mapping

import torch
from torch import Tensor

NEW_DEVIATION = 0.1
"""Of the weights that the narrow network does not have: variance 0.01 (Belkin et al. 2018, appendix)."""


def grown(narrow: Mapping[str, Tensor], *, width: int, seed: int) -> dict[str, Tensor]:
    """Put a trained network of one hidden layer into a wider one.

    The first units and the output biases are the narrow network's; weights of new units are drawn normal, their
    biases are 0. The bits depend on the arguments alone.

    Args:
        narrow: `fc1.weight` (h, d), `fc1.bias` (h,), `fc2.weight` (K, h), `fc2.bias` (K,), on the CPU.
        width: H, at least h.
        seed: Of the new weights.
    """
    generator = torch.Generator().manual_seed(seed)
    known, inputs = narrow["fc1.weight"].shape
    new = width - known
    rows = torch.randn(new, inputs, generator=generator).mul_(NEW_DEVIATION)
    columns = torch.randn(narrow["fc2.weight"].shape[0], new, generator=generator).mul_(NEW_DEVIATION)
    return {
        "fc1.weight": torch.cat([narrow["fc1.weight"], rows]),
        "fc1.bias": torch.cat([narrow["fc1.bias"], torch.zeros(new)]),
        "fc2.weight": torch.cat([narrow["fc2.weight"], columns], dim=1),
        "fc2.bias": narrow["fc2.bias"].clone(),
    }
