"""How many entries each parameter keeps under Erdos-Renyi-Kernel; knows no scores and no tensors.

Evci et al. 2019 (arXiv 1911.11134, section 3): the density of a parameter is proportional to the sum of its
dimensions over their product, 1 - sparsity = e (n_in + n_out + w + h) / (n_in n_out w h), so its count is e times the
sum of its dimensions: small ones stay denser than large ones. No density is above 1; what a full one cannot take,
the others share.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import floor

from ticketing.errors import CountError
from ticketing.ladder.schedule import ladders


def erk_ladder(
    before: Mapping[str, int],
    shapes: Mapping[str, tuple[int, ...]],
    *,
    rate: float,
    exempt: frozenset[str] = frozenset(),
    levels: int | None = None,
    sparsity: float | None = None,
    of: int | None = None,
) -> list[dict[str, int]]:
    """List the kept count of every parameter at every level, the level it begins with first.

    All that compete lose `rate` of what they keep together, exactly as under `global`; `share_out` says where.

    Args:
        before: Kept entries per parameter at the level it begins with.
        shapes: Of every parameter.
        rate: Share of the currently kept that a level removes, in [0, 1).
        exempt: Parameters that keep everything.
        levels: As `schedule.ladders` takes it.
        sparsity: As `schedule.ladders` takes it.
        of: As `schedule.ladders` takes it.

    Raises:
        CountError: As `schedule.ladders` raises it.
    """
    competing = {name: kept for name, kept in before.items() if name not in exempt}
    sizes = {"": sum(competing.values())} | {name: before[name] for name in before if name in exempt}
    totals = ladders(sizes, dict.fromkeys(sizes, 0.0) | {"": rate}, levels=levels, sparsity=sparsity, of=of)
    rows = [dict(before)]
    for total in totals[1:]:
        competing = share_out(total[""], competing, shapes)
        rows.append({name: competing.get(name, before[name]) for name in before})
    return rows


def share_out(keep: int, at_most: Mapping[str, int], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """Share `keep` entries out in proportion to the sums of dimensions, none above its cap.

    With the counts of the level before as caps no parameter ever grows again, whatever the rounding. Exact rational
    arithmetic; the remainder goes by largest remainder, the earlier parameter first among equals.

    Raises:
        CountError: More than all caps together, or fewer than 0.
    """
    if not 0 <= keep <= sum(at_most.values()):
        raise CountError(f"expected to keep 0 to {sum(at_most.values())} entries, got {keep}")
    exact = _filled(keep, at_most, shapes)
    kept = {name: floor(share) for name, share in exact.items()}
    # A share that is no whole number lies below its cap, which is one: so the next whole number does not exceed it.
    by_remainder = sorted(exact, key=lambda name: kept[name] - exact[name])
    for name in by_remainder[: keep - sum(kept.values())]:
        kept[name] += 1
    return kept


def _filled(keep: int, at_most: Mapping[str, int], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Fraction]:
    """Raise one level of water, e times the sum of dimensions, until `keep` is shared out; full ones take no more."""
    full: set[str] = set()
    while True:
        open_to_more = [name for name in at_most if name not in full]
        left = keep - sum(at_most[name] for name in full)
        width = sum(sum(shapes[name]) for name in open_to_more)
        e = Fraction(left, width) if open_to_more else Fraction(0)
        overflowing = {name for name in open_to_more if e * sum(shapes[name]) > at_most[name]}
        if not overflowing:
            return {name: Fraction(n) if name in full else e * sum(shapes[name]) for name, n in at_most.items()}
        full |= overflowing
