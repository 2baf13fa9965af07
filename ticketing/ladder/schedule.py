"""How much is pruned when: exact numbers of kept entries per level; knows no scores and no tensors."""

from collections.abc import Mapping
from fractions import Fraction
from math import floor

from ticketing.errors import CountError


def _fraction(value: float | str | Fraction) -> Fraction:
    """Read `0.2` as one fifth, not as the binary float nearest to it."""
    return value if isinstance(value, Fraction) else Fraction(str(value))


def round_half_up(value: Fraction) -> int:
    """Round to the nearest whole number, a half upwards."""
    return floor(value + Fraction(1, 2))


def ladder(n: int, rate: float | Fraction, levels: int) -> list[int]:
    """List how many of `n` entries are kept at levels 0 to `levels` when each removes `rate` of what is kept.

    Rational arithmetic, each level rounded half up: the same numbers on every machine.

    Raises:
        CountError: `n` or `levels` is negative, or `rate` is outside [0, 1).
    """
    if n < 0 or levels < 0:
        raise CountError(f"expected n >= 0 and levels >= 0, got n={n}, levels={levels}")
    share = 1 - _fraction(rate)
    if not 0 < share <= 1:
        raise CountError(f"expected a rate in [0, 1), got {rate}")
    kept = [n]
    for _ in range(levels):
        kept.append(round_half_up(kept[-1] * share))
    return kept


def kept_at(total: int, sparsity: float | Fraction) -> int:
    """Say how many of `total` entries a `sparsity` leaves, rounded half up."""
    return round_half_up(total * (1 - _fraction(sparsity)))


def ladders(
    sizes: Mapping[str, int],
    rates: Mapping[str, float],
    *,
    levels: int | None = None,
    sparsity: float | None = None,
    of: int | None = None,
) -> list[dict[str, int]]:
    """List the kept count of every competition group at every level, the level it begins with first.

    Give either `levels`, or a final `sparsity` over all groups together: then as many levels as the rates
    need, the last a partial one that lands on the sparsity to the entry (largest remainder over the groups,
    the earlier group first among equals).

    Args:
        sizes: Entries per competition group at the level it begins with.
        rates: Share of the currently kept that each level removes, per group, in [0, 1).
        levels: Number of levels after that.
        sparsity: Fraction removed at the last level, in [0, 1).
        of: How many entries `sparsity` is a fraction of; all that are there at first when it is left out.

    Raises:
        CountError: A count or rate out of range, or a sparsity that the rates never reach.
    """
    if (levels is None) == (sparsity is None):
        raise CountError("expected either levels or sparsity, got both or neither")
    if levels is not None:
        columns = {group: ladder(size, rates[group], levels) for group, size in sizes.items()}
        return [{group: columns[group][level] for group in sizes} for level in range(levels + 1)]
    assert sparsity is not None
    if not 0 <= sparsity < 1:
        raise CountError(f"expected a sparsity in [0, 1), got {sparsity}")
    wanted = kept_at(sum(sizes.values()) if of is None else of, sparsity)
    rows = [dict(sizes)]
    while sum(rows[-1].values()) > wanted:
        before = rows[-1]
        after = {group: ladder(count, rates[group], 1)[1] for group, count in before.items()}
        if after == before:
            raise CountError(
                f"the rates stop removing at {sum(before.values())} kept entries, before the {wanted} asked for"
            )
        rows.append(after if sum(after.values()) >= wanted else _part_of_a_level(before, after, wanted))
    return rows


def _part_of_a_level(before: Mapping[str, int], after: Mapping[str, int], wanted: int) -> dict[str, int]:
    """Go only so far from `before` towards `after` that `wanted` entries remain in all."""
    full = sum(before.values()) - sum(after.values())
    part = Fraction(sum(before.values()) - wanted, full)
    exact = {group: before[group] - part * (before[group] - after[group]) for group in before}
    kept = {group: floor(value) for group, value in exact.items()}
    # Largest remainder; sorted() is stable, so among equals the earlier group gets the entry.
    by_remainder = sorted(exact, key=lambda group: kept[group] - exact[group])
    for group in by_remainder[: wanted - sum(kept.values())]:
        kept[group] += 1
    return kept
