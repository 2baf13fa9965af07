"""ticketing.pruning.lamp: scores compare across parameters, keep the order within each, and empty none."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketing.mask import Mask
from ticketing.pruning.lamp import lamp
from ticketing.pruning.selection import keep_top


def reference(sizes: list[float], kept: list[bool]) -> list[float]:
    """Divide every square by the sum over itself and all that are larger, or equal and earlier."""
    return [
        0.0
        if not kept[i] or size == 0
        else size**2 / sum(o**2 for j, o in enumerate(sizes) if kept[j] and (o > size or (o == size and j <= i)))
        for i, size in enumerate(sizes)
    ]


entries = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0]), st.booleans()), min_size=1, max_size=12)


@given(entries)
def test_agrees_with_the_definition_word_for_word(entries: list[tuple[float, bool]]) -> None:
    sizes, kept = [size for size, _ in entries], [bit for _, bit in entries]
    found = lamp({"a": torch.tensor(sizes)}, Mask({"a": torch.tensor(kept)}))["a"]
    assert found.tolist() == pytest.approx(reference(sizes, kept), rel=1e-12)


def test_the_papers_order_by_hand() -> None:
    # Squares 1 4 9: 1/(1+4+9), 4/(4+9), 9/9.
    found = lamp({"a": torch.tensor([1.0, 2.0, 3.0])}, Mask.full({"a": (3,)}))["a"]
    assert found.tolist() == pytest.approx([1 / 14, 4 / 13, 1])


@given(st.lists(st.floats(0, 100, width=32), min_size=2, max_size=30), st.integers(1, 30))
def test_within_one_parameter_it_keeps_what_the_sizes_keep(sizes: list[float], keep: int) -> None:
    plain = {"a": torch.tensor(sizes)}
    within = Mask.full({"a": (len(sizes),)})
    keep = min(keep, len(sizes))
    assert keep_top(lamp(plain, within), keep) == keep_top(plain, keep)


def test_a_large_scale_does_not_win_over_a_small_one() -> None:
    generator = torch.Generator().manual_seed(0)
    sizes = {"a": torch.rand(50, generator=generator)}
    sizes["b"] = 1000 * sizes["a"]
    within = Mask.full({"a": (50,), "b": (50,)})
    assert keep_top(sizes, 40, allow_collapse=True).counts() == {"a": 0, "b": 40}
    assert keep_top(lamp(sizes, within), 40).counts() == {"a": 20, "b": 20}


def test_no_parameter_is_emptied_while_another_has_entries_to_give() -> None:
    generator = torch.Generator().manual_seed(0)
    sizes = {name: torch.rand(n, generator=generator) * n for name, n in (("a", 3), ("b", 500), ("c", 40))}
    within = Mask.full({"a": (3,), "b": (500,), "c": (40,)})
    assert keep_top(lamp(sizes, within), 3).counts() == {"a": 1, "b": 1, "c": 1}


def test_equal_sizes_go_by_a_draw_where_a_seed_is_given() -> None:
    sizes, within = {"a": torch.ones(20)}, Mask.full({"a": (20,)})
    assert keep_top(lamp(sizes, within), 5)["a"].tolist() == [True] * 5 + [False] * 15
    drawn = [keep_top(lamp(sizes, within, seed=seed), 5) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
