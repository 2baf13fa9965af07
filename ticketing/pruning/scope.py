"""Who competes with whom: keeps the best of every competition group; knows neither rates nor criteria."""

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor

from ticketing.errors import InvariantError
from ticketing.mask import Mask
from ticketing.pruning.selection import keep_top


def select(
    scores: Mapping[str, Float[Tensor, "..."]],
    counts: Mapping[str, int],
    groups: Mapping[str, tuple[str, ...]],
    *,
    within: Mask | None = None,
    allow_collapse: bool = False,
    ties: int | None = None,
) -> Mask:
    """Keep the highest-scoring entries of every group, exactly as many as `counts` says of it.

    Args:
        scores: One tensor per prunable parameter; higher means keep. The mask has their order.
        counts: Kept entries per group, as `counts.kept_counts` lists them for a level.
        groups: Which parameters compete together, as `plan.groups` lists them; every parameter in one group.
        within: The previous level's mask; nothing it removed comes back.
        allow_collapse: Let a parameter keep nothing.
        ties: Seed of the draw among equal scores; None keeps the earlier.

    Raises:
        InvariantError: The groups do not hold every scored parameter exactly once, or a group has no count.
        CountError, NonFiniteScoreError, CollapseError: As `keep_top` raises them.
    """
    members = sorted(name for names in groups.values() for name in names)
    if members != sorted(scores) or groups.keys() != counts.keys():
        raise InvariantError(
            f"expected groups of {sorted(scores)} with a count each, got {dict(groups)} with counts {dict(counts)}"
        )
    kept: dict[str, Tensor] = {}
    for group, names in groups.items():
        # In the scores' order, not the group's: the tie rule speaks of the network's order.
        own = {name: scores[name] for name in scores if name in names}
        before = None if within is None else Mask({name: within[name] for name in own})
        kept.update(keep_top(own, counts[group], within=before, allow_collapse=allow_collapse, ties=ties))
    return Mask({name: kept[name] for name in scores})
