"""How long a dense network trains to have had what a ticket had: as many multiply-adds, or as many updates; no torch.

| control       | its updates                                    | what it has in common with the ticket's weights  |
| `dense_short` | k + floor((T - k) m / M), at least 1           | multiply-adds behind them, to less than one update |
| `dense_long`  | of the levels that the ticket goes on from, + T | updates behind them                              |

T: updates of `training.length`; k: those of the rewind point; M, m: multiply-adds of one forward pass with all
weights, and with those that the ticket keeps. Liu et al. 2019 (arXiv 1810.05270, `Scratch-B`) too give a network the
budget of the one it is compared with: there the small network, here the dense one.
"""

from collections.abc import Mapping

from ticketing.architectures import Inventory
from ticketing.plans.costs import forward_flops


def updates_of_short(inventory: Inventory, carrying: Mapping[str, int], *, steps: int, first: int) -> int:
    """Count the updates of `dense_short`.

    Args:
        inventory: The network's layers.
        carrying: Entries per prunable parameter that a forward pass of the ticket cannot leave out.
        steps: T.
        first: k.
    """
    sparse, dense = (forward_flops(inventory, kept, examples=1).nonzero for kept in (carrying, None))
    return max(1, first + (steps - first) * sparse // dense)
