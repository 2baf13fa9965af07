"""ticketing.architectures.gpt: counts by formula and as published, keys, one table or two."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.architectures import Inventory, arguments_for, inventory
from ticketing.errors import ModelError
from ticketing.plans.costs import forward_flops


def listed(**arguments: Any) -> Inventory:
    return inventory("gpt", arguments_for("gpt", arguments))


def test_gpt_2_has_as_many_parameters_as_were_published() -> None:
    sizes = {"vocabulary": 50_257, "context": 1024, "width": 768, "depth": 12, "heads": 12}
    assert listed(**sizes).parameters_total == 124_439_808
    assert listed(**sizes, tied=False).parameters_total == 124_439_808 + 50_257 * 768


@given(st.integers(2, 500), st.integers(1, 64), st.integers(1, 8), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_counts_go_by_the_formula(v: int, c: int, per_head: int, depth: int, heads: int, tied: bool) -> None:
    d = per_head * heads
    made = listed(vocabulary=v, context=c, width=d, depth=depth, heads=heads, tied=tied)
    block = 12 * d * d + 13 * d
    assert made.parameters_total == v * d + c * d + depth * block + 2 * d + (0 if tied else v * d)
    assert made.multiply_adds == c * (depth * (12 * d * d + 2 * c * d) + v * d)
    assert made.predictions == c


def test_the_keys_are_those_of_gpt_2_with_linear_layers() -> None:
    block = "transformer.h.0"
    keys = [
        "transformer.wte.weight",
        "transformer.wpe.weight",
        *(f"{block}.ln_1.{part}" for part in ("weight", "bias")),
        *(f"{block}.attn.c_attn.{part}" for part in ("weight", "bias")),
        *(f"{block}.attn.c_proj.{part}" for part in ("weight", "bias")),
        *(f"{block}.ln_2.{part}" for part in ("weight", "bias")),
        *(f"{block}.mlp.c_fc.{part}" for part in ("weight", "bias")),
        *(f"{block}.mlp.c_proj.{part}" for part in ("weight", "bias")),
        *(f"transformer.ln_f.{part}" for part in ("weight", "bias")),
    ]
    assert list(listed(depth=1).state) == keys
    assert list(listed(depth=1, tied=False).state) == [*keys, "lm_head.weight"]
    assert listed(depth=1).state["transformer.h.0.attn.c_attn.weight"].shape == (3 * 384, 384)


def test_a_table_that_is_the_output_layer_too_is_pruned_as_an_embedding() -> None:
    kinds = {tied: [layer.rate_kind for layer in listed(depth=1, tied=tied).prunable] for tied in (True, False)}
    assert kinds[True] == ["embedding", "embedding", "attention", "attention", "linear", "linear"]
    assert kinds[False] == [*kinds[True], "output"]


def test_a_tied_table_is_multiplied_by_as_far_as_it_is_kept() -> None:
    made = listed(vocabulary=10, context=3, width=4, depth=1, heads=1)
    nothing = {layer.parameter: 0 for layer in made.prunable}
    products = 2 * 3 * 3 * 4
    assert forward_flops(made, nothing | {"transformer.wte.weight": 20}, examples=1).nonzero == 2 * (products + 20 * 3)
    assert forward_flops(made, nothing | {"transformer.wpe.weight": 12}, examples=1).nonzero == 2 * products


def test_what_is_added_to_a_shortcut_is_drawn_smaller() -> None:
    deviations = {layer.name: layer.deviation for layer in listed(depth=8).layers}
    assert deviations["transformer.h.7.mlp.c_fc"] == 0.02
    assert deviations["transformer.h.7.mlp.c_proj"] == deviations["transformer.h.0.attn.c_proj"] == 0.02 / 4


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ModelError, match="5 heads divide, got 384"):
        listed(heads=5)
