"""ticketing.plans.structure: what cannot be asked where whole channels are removed, each named by its field."""

from typing import Any

import pytest

from ticketing.plans.agreement import contradictions
from ticketing.plans.parsing import resolve
from ticketing.recipe import Iterative

NO_CHANNELS = [("target/speedup", "needs_channels")]


def recipe(**fields: Any) -> Iterative:
    return Iterative.model_validate({"search": "iterative", "structure": "channel"} | fields)


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({}, []),
        ({"criterion": "taylor", "rewind": "lr", "target": {"max_accuracy_drop": 0.1}}, []),
        ({"kept": "reinit", "budget": {"samples": 9}, "outputs": ["slim", "sparse", "onnx"]}, []),
        ({"rate": {"default": 0.3, "conv": 0.3, "linear": 0, "by_name": {"fc*": 0}}}, []),
        ({"evidence": {"controls": ["reinit", "shuffle", "reinit_shuffle", "random", "dense_short"]}}, []),
        ({"criterion": "large_final"}, [("criterion", "scores_another")]),
        ({"structure": "weight", "criterion": "l1"}, [("criterion", "scores_another")]),
        ({"structure": "weight", "criterion": "large_final"}, [("outputs", "not_slim")]),
        ({"structure": "weight", "criterion": "random", "outputs": ["model"]}, []),
        ({"scope": "erk"}, [("scope", "needs_layerwise")]),
        ({"scope": "global"}, [("scope", "needs_layerwise")]),
        ({"pruned": "freeze", "outputs": ["model"]}, [("pruned", "nothing_to_hold")]),
        ({"schedule_of_pruning": "gradual"}, [("schedule_of_pruning", "needs_levels")]),
        ({"allow_collapse": True}, [("allow_collapse", "keeps_a_channel")]),
        ({"round_to": 8}, []),
        (
            {"structure": "weight", "criterion": "random", "outputs": [], "round_to": 8},
            [("round_to", "needs_channels")],
        ),
        ({"structure": "2:4", "criterion": "random", "outputs": [], "round_to": 8}, [("round_to", "needs_channels")]),
        ({"target": {"sparsity": 0.5}}, [("target/sparsity", "not_to_the_entry")]),
        ({"target": {"max_macs": 9}}, []),
        ({"structure": "weight", "criterion": "random", "outputs": [], "target": {"speedup": 2}}, NO_CHANNELS),
        ({"target": {"max_macs": 9}, "evidence": {"levels": [1]}}, [("evidence/levels", "levels_unknown")]),
        ({"rate": {"output": 0.1}}, [("rate/output", "one_rate")]),
        ({"rate": {"by_name": {"a/b": 0.1}}}, [("rate/by_name/a~1b", "one_rate")]),
        ({"evidence": {"controls": ["small_dense"]}}, [("evidence/controls", "ticket_is_dense")]),
    ],
)
def test_what_channels_have_no_place_for_is_named_by_its_field(
    fields: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    if fields.get("structure") == "weight" and "outputs" not in fields and fields["criterion"] == "large_final":
        fields = fields | {"outputs": ["slim"]}
    found = [(fault.pointer.removeprefix("/recipe/"), fault.code) for fault in contradictions(recipe(**fields))]
    assert found == faults


def test_a_refused_criterion_comes_with_those_that_score_what_is_removed() -> None:
    (of_channels,) = contradictions(recipe(criterion="snip"))
    assert of_channels.allowed == ("random", "l1", "l2", "norm_scale", "taylor")
    (of_weights,) = contradictions(recipe(structure="weight", criterion="taylor", outputs=["model"]))
    assert "large_final" in of_weights.allowed
    assert "l1" not in of_weights.allowed


@pytest.mark.parametrize(
    ("target", "gain"),
    [({"speedup": 2}, "always"), ({"max_latency_ms": 1}, "always"), ({"max_macs": 9}, "auto"), (None, "auto")],
)
def test_a_target_of_time_has_its_gain_measured_unless_it_is_said_otherwise(
    target: dict[str, Any] | None, gain: str
) -> None:
    where: dict[str, Any] = {"architecture": "resnet-20", "uploaded": False, "weights": "initial", "seed": 0}
    raw = {"search": "iterative", "structure": "channel", "target": target}
    assert getattr(resolve(raw, device_kind="cpu", **where), "gain") == gain  # noqa: B009 - of some recipes alone
    assert getattr(resolve(raw | {"gain": "never"}, device_kind="cpu", **where), "gain") == "never"  # noqa: B009


@pytest.mark.parametrize("architecture", ["lenet-300-100", "resnet-20", "gpt"])
def test_defaults_are_those_of_channels_and_no_rates_or_scope_of_single_weights(architecture: str) -> None:
    where: dict[str, Any] = {"architecture": architecture, "uploaded": False, "weights": "initial", "seed": 0}
    raw = {"search": "iterative", "structure": "channel"}
    made = resolve(raw, device_kind="cpu", **where)
    assert isinstance(made, Iterative)
    assert (made.criterion, made.scope, made.rate.default, made.rate.output) == ("l1", "layerwise", 0.2, None)
    assert made.outputs == ("slim", "ticket", "model", "mask")
    asked = resolve(raw | {"criterion": "l2", "outputs": ["mask"]}, device_kind="cpu", **where)
    assert isinstance(asked, Iterative)
    assert (asked.criterion, asked.outputs) == ("l2", ("mask",))
