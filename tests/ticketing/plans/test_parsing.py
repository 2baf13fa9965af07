"""ticketing.plans.parsing: a request becomes a whole recipe, or faults: the field, what was expected, what came."""

from typing import Any, get_args

import pytest

from ticketing.errors import RecipeError
from ticketing.plans.parsing import merge, parse_recipe, recipe_schema, resolve
from ticketing.recipe import SEARCHES, Control, TicketRecipe
from ticketing.recipe.masking import CRITERION_WORDS
from ticketing.step import Step


def faults(raw: dict[str, Any]) -> dict[str, tuple[str, tuple[str, ...] | None]]:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(raw)
    return {fault.pointer: (fault.code, fault.allowed) for fault in caught.value.faults}


def lenet(raw: dict[str, Any], *, uploaded: bool = False, weights: Any = "initial", device: Any = "cpu") -> Any:
    return resolve(raw, architecture="lenet-300-100", uploaded=uploaded, weights=weights, device_kind=device, seed=7)


def test_an_unknown_search_names_those_that_exist() -> None:
    assert faults({"search": "genetic"}) == {"/recipe/search": ("unknown_search", SEARCHES)}
    assert faults({}) == {"/recipe/search": ("unknown_search", SEARCHES)}


def test_every_fault_is_told_at_once_with_its_pointer_and_the_words_allowed() -> None:
    told = faults(
        {
            "search": "iterative",
            "criterion": "divination",
            "colour": 1,
            "target": {"sparsity": 1.0},
            "evidence": {"controls": ["lucky"]},
            "training": {"optimizer": {"name": "lion"}, "schedule": {"name": "milestones", "at": ["soon"]}},
        }
    )
    assert told["/recipe/criterion"] == ("literal_error", tuple(CRITERION_WORDS))
    assert told["/recipe/colour"][0] == "unknown_field"
    assert told["/recipe/target/sparsity"][0] == "less_than"
    assert told["/recipe/evidence/controls/0"] == (
        "literal_error",
        tuple(get_args(Control)),
    )
    assert told["/recipe/training/optimizer/name"] == ("union_tag_invalid", ("sgd", "adam", "adamw"))
    assert told["/recipe/training/schedule/at/0"][0] == "invalid_value"


def test_a_fault_never_echoes_a_long_value() -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe({"search": "iterative", "levels": "x" * 10_000, "y" * 10_000: 1, "evidence": "z" * 10_000})
    assert all(len(fault.detail) < 250 for fault in caught.value.faults)


def test_parts_of_one_kind_mix_and_parts_of_another_kind_replace() -> None:
    under = {"training": {"batch_size": 60, "optimizer": {"name": "adam", "learning_rate": 1.0}}}
    same = merge(under, {"training": {"optimizer": {"weight_decay": 0.1}}})
    other = merge(under, {"training": {"optimizer": {"name": "sgd"}}})
    assert same["training"] == {
        "batch_size": 60,
        "optimizer": {"name": "adam", "learning_rate": 1.0, "weight_decay": 0.1},
    }
    assert other["training"] == {"batch_size": 60, "optimizer": {"name": "sgd"}}


def test_the_presets_of_lenet_are_those_of_the_paper_and_words_of_the_request_win() -> None:
    plain, own = lenet({"search": "iterative"}), lenet({"search": "iterative", "rate": 0.5, "seed": 3})
    assert (plain.training.length, plain.training.batch_size) == (Step("50000it"), 60)
    assert (plain.rate.default, plain.rate.output, plain.seed) == (0.2, 0.1, 7)
    assert (own.rate.default, own.rate.output, own.seed) == (0.5, None, 3)


def test_a_resolved_recipe_resolves_to_itself() -> None:
    once = lenet({"search": "iterative", "target": {"sparsity": 0.9}})
    assert lenet(once.model_dump(mode="json")) == once


def test_device_and_upload_choose_their_defaults() -> None:
    on_gpu = lenet({"search": "iterative"}, device="gpu").training
    uploaded = lenet({"search": "iterative", "evidence": "paper"}, uploaded=True)
    trained = lenet({"search": "iterative"}, uploaded=True, weights="trained")
    assert (on_gpu.precision, on_gpu.deterministic) == ("bf16", False)
    assert (uploaded.evidence.replicates_of, uploaded.rewind) == ("retrain", Step("0it"))
    assert trained.rewind == "lr"


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        ({"search": "iterative", "rewind": "0it"}, "/recipe/rewind"),
        ({"search": "iterative", "evidence": {"replicates_of": "search"}}, "/recipe/evidence/replicates_of"),
    ],
)
def test_what_an_upload_cannot_give_is_refused(raw: dict[str, Any], pointer: str) -> None:
    with pytest.raises(RecipeError) as caught:
        lenet(raw, uploaded=True, weights="trained")
    assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_fp16_is_for_gpus() -> None:
    raw = {"search": "iterative", "training": {"precision": "fp16"}}
    assert lenet(raw, device="gpu").training.precision == "fp16"
    with pytest.raises(RecipeError, match="fp32 or bf16 on a CPU") as caught:
        lenet(raw)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [
        ("/recipe/training/precision", "needs_gpu")
    ]


@pytest.mark.parametrize(
    ("training", "pointer"),
    [
        ({"optimizer": {"name": "adamw", "weight_decay": 2}}, "/recipe/training/optimizer/weight_decay"),
        ({"optimizer": {"name": "adam", "weight_decay_on": "norms"}}, "/recipe/training/optimizer/weight_decay_on"),
        ({"schedule": {"name": "cosine", "final_fraction": 1}}, "/recipe/training/schedule/final_fraction"),
        ({"schedule": {"name": "one_cycle", "warmup": "3"}}, "/recipe/training/schedule/warmup"),
        ({"augment": "mixup"}, "/recipe/training/augment"),
        ({"label_noise": {"fraction": 0.2}}, "/recipe/training/label_noise/kind"),
        ({"label_noise": {"kind": "pairflip", "fraction": 0}}, "/recipe/training/label_noise/fraction"),
        ({"label_noise": {"kind": "asymmetric", "fraction": 0.2}}, "/recipe/training/label_noise"),
        ({"label_noise": {"kind": "asymmetric", "fraction": 1, "map": {"x": 1}}}, "/recipe/training/label_noise/map/x"),
        ({"label_smoothing": 1}, "/recipe/training/label_smoothing"),
        ({"gradient_clip": 0}, "/recipe/training/gradient_clip"),
        ({"ema": {"decay": 1}}, "/recipe/training/ema/decay"),
    ],
)
def test_what_is_out_of_bounds_in_a_training_is_told_at_its_field(training: dict[str, Any], pointer: str) -> None:
    with pytest.raises(RecipeError) as caught:
        lenet({"search": "iterative", "training": training})
    assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_paper_of_resnet_20_augments_and_small_networks_do_not() -> None:
    def augment(architecture: str) -> str:
        raw = {"search": "iterative"}
        made = resolve(raw, architecture=architecture, uploaded=False, weights="initial", device_kind="cpu", seed=0)
        return made.training.augment

    assert augment("resnet-20") == "flip_crop"
    assert {augment(name) for name in ("mlp", "lenet-300-100", "conv-2")} == {"none"}


def test_the_jobs_gate_is_the_tolerance_where_the_recipe_names_none() -> None:
    def tolerance(evidence: object, drop: float | None) -> float:
        found = resolve(
            {"search": "iterative", "evidence": evidence},
            architecture="mlp",
            uploaded=False,
            weights="initial",
            device_kind="cpu",
            seed=0,
            max_accuracy_drop=drop,
        )
        return found.evidence.tolerance

    assert tolerance("standard", None) == 0.005
    assert tolerance("standard", 0.02) == 0.02
    assert tolerance({"tolerance": 0.001}, 0.02) == 0.001
    assert [tolerance("standard", drop) for drop in (0, 1)] == [0.005, 0.005]


@pytest.mark.parametrize("search", ["iterative", "early_bird"])
def test_a_gate_of_latency_has_the_gain_measured(search: str) -> None:
    def gain(bound: float | None, **words: object) -> str:
        found = resolve(
            {"search": search, **words},
            architecture="resnet-20",
            uploaded=False,
            weights="initial",
            device_kind="cpu",
            seed=0,
            max_latency_ms=bound,
        )
        assert isinstance(found, TicketRecipe)
        return found.gain

    assert (gain(None), gain(2.5), gain(2.5, gain="always")) == ("auto", "always", "always")
    for word in ("auto", "never"):
        with pytest.raises(RecipeError, match=f"expected always, for the gate max_latency_ms .* got {word}") as refused:
            gain(2.5, gain=word)
        assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/recipe/gain", "not_measured")]


def test_the_drop_of_a_target_is_the_tolerance_where_neither_recipe_nor_gate_names_one() -> None:
    def tolerance(gate: float | None = None, **evidence: object) -> float:
        raw = {"search": "iterative", "target": {"max_accuracy_drop": 0.03}, "evidence": evidence}
        known = {"architecture": "lenet-300-100", "uploaded": False, "weights": "initial", "device_kind": "cpu"}
        return resolve(raw, **known, seed=0, max_accuracy_drop=gate).evidence.tolerance  # type: ignore[arg-type]

    assert (tolerance(), tolerance(0.02), tolerance(tolerance=0.01)) == (0.03, 0.02, 0.01)


def test_the_schema_writes_a_step_as_it_would_be_sent() -> None:
    schema = recipe_schema("iterative")
    assert schema["properties"]["rewind"]["default"] == "0it"
    assert schema["$defs"]["Training"]["properties"]["length"]["default"] == "20ep"


@pytest.mark.parametrize("scope", ["global", "erk", "lamp"])
def test_the_rates_of_a_preset_do_not_refuse_another_scope(scope: str) -> None:
    asked = {"search": "iterative", "scope": scope}
    of = {"uploaded": False, "weights": "initial", "device_kind": "cpu", "seed": 0}
    assert resolve(asked, architecture="lenet-300-100", **of).rate.of("output") == 0.2
    assert resolve(asked | {"rate": 0.3}, architecture="lenet-300-100", **of).rate.of("output") == 0.3
    assert resolve({"search": "iterative"}, architecture="lenet-300-100", **of).rate.of("output") == 0.1
    assert resolve(asked, architecture="vgg-11-bn", **of).rate.of("output") == (0.0 if scope == "global" else 0.2)
