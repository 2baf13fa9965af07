"""House rule: every word a recipe allows has code behind it.

The words are read off the recipe's own schema. Each needs a case here: a job on real data (scikit-learn's digits)
whose named quantity differs from what the same job gives without the word.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from ticketing.architectures import arguments_for
from ticketing.data.inspection import inspect_builtin
from ticketing.errors import RequestError
from ticketing.folder import DATA, RECIPE, DataSpec, ModelSpec, RunSpec
from ticketing.observer import RecordingObserver
from ticketing.plans.parsing import merge, parse_recipe
from ticketing.recipe import EVIDENCE_WORDS, AnyRecipe, CapacitySweep, EarlyBird, Iterative
from ticketing.runs.run import run
from winnow.numpy import read_mask, read_sparse

Word = tuple[str, Any]
"""A field's path and one of its words; None where the field takes a number, a step or the like."""

QUICK: dict[str, Any] = {
    "search": "iterative",
    "levels": 2,
    "training": {
        "length": "6it",
        "batch_size": 64,
        "evaluate_every": "3it",
        "optimizer": {"name": "adam"},
        "schedule": {"name": "constant"},
    },
    "evidence": "none",
    "seed": 0,
}

SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": [16]},
    "vit-tiny": {"patch": 4, "width": 12, "depth": 1},
    "wide-resnet": {"depth": 10, "width": 1},
}


# -- what a recipe allows, read off its schema -------------------------------------------------------------------


def words_of(schema: Mapping[str, Any], definitions: Mapping[str, Any], path: str = "") -> Iterator[Word]:
    """List every field with its words. A field with one word alone gives that word."""
    if "$ref" in schema:
        yield from words_of(definitions[schema["$ref"].rpartition("/")[2]], definitions, path)
    elif "properties" in schema:
        for name, below in schema["properties"].items():
            yield from words_of(below, definitions, f"{path}.{name}".lstrip("."))
    elif "anyOf" in schema or "oneOf" in schema:
        for branch in [*schema.get("anyOf", ()), *schema.get("oneOf", ())]:
            if branch.get("type") != "null":
                yield from words_of(branch, definitions, path)
    elif "enum" in schema or "const" in schema:
        yield from ((path, word) for word in schema.get("enum") or [schema["const"]])
    elif schema.get("type") == "array" and {"enum", "const"} & schema.get("items", {}).keys():
        yield from ((path, word) for word in schema["items"].get("enum") or [schema["items"]["const"]])
    elif schema.get("type") == "boolean":
        yield from ((path, word) for word in (True, False))
    else:
        yield path, None


SCHEMA = Iterative.model_json_schema()
WORDS = {*words_of(SCHEMA, SCHEMA["$defs"]), *(("evidence", word) for word in EVIDENCE_WORDS)}


# -- one job, and what can be read off it ------------------------------------------------------------------------


@dataclass(frozen=True)
class Done:
    """A finished run."""

    out: Path
    events: RecordingObserver

    @property
    def report(self) -> Any:
        return json.loads((self.out / "report.json").read_bytes())


def files(done: Done) -> list[str]:
    return sorted(path.relative_to(done.out).as_posix() for path in done.out.rglob("*") if path.is_file())


def gained(done: Done) -> list[str] | None:
    gain = done.report["gain"]
    return gain and list(gain["networks"])


def kept(done: Done) -> list[dict[str, int]]:
    return [{layer["name"]: layer["kept"] for layer in level["layers"]} for level in done.report["levels"]]


def mask(done: Done) -> bytes:
    return b"".join(bits.tobytes() for bits in read_mask(done.out / "mask.safetensors").values())


def weights(done: Done) -> bytes:
    return b"".join(
        np.ascontiguousarray(value).tobytes() for value in read_sparse(done.out / "sparse.safetensors").values()
    )


def ticket(done: Done) -> bytes:
    """Give the weights that the ticket restarts from."""
    return b"".join(tensor.tobytes() for tensor in load_file(done.out / "ticket.safetensors").values())


def removed(done: Done) -> dict[str, list[float]]:
    """Give what the trained model holds where the mask removed."""
    mask, model = read_mask(done.out / "mask.safetensors"), load_file(done.out / "model.safetensors")
    return {name: model[name][~kept].tolist() for name, kept in mask.items()}


def ineligible(done: Done) -> list[int | None]:
    return [level["ineligible_kept"] for level in done.report["levels"]]


def validation_points(done: Done) -> int:
    return len(done.report["curves"][0]["points"])


def key(done: Done) -> Any:
    return done.events.of_type("started")[0]["execution_key"]


def best_level(done: Done) -> int:
    return int(done.events.of_type("finished")[0]["summary"]["best"]["level"])


def trainings(done: Done) -> int:
    return int(done.report["cost"]["certificate_trainings"])


def judged(done: Done) -> list[tuple[int, str, int]]:
    """List (level, branch, n) of every figure on the test split."""
    return [
        (row["level"], branch, figures["n"])
        for row in done.report["levels"]
        for branch, figures in row["test"].items()
        if figures
    ]


def labels_changed(done: Done) -> int:
    return int(done.report["dataset"]["labels_changed"])


def tangent_kernel(done: Done) -> Any:
    return done.report["ntk"]


def bound(done: Done) -> dict[str, Any]:
    """Give what was asked of the slim network, and what it was measured under."""
    told = done.report["search"]["target"]
    words = ("max_macs", "speedup", "max_latency_ms", "runtime", "batch_size", "version")
    return {word: told[word] for word in words if word in told}


def searched(done: Done) -> int:
    return int(done.report["search"]["searches"])


def prunings(done: Done) -> Any:
    return done.report["search"]["gradual"]["prunings"]


def connectivity(done: Done) -> Any:
    return done.report["search"]["connectivity"]


# -- the cases ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """With `asked` over `base`, `quantity` differs from what `base` alone gives (or is refused there alone)."""

    asked: dict[str, Any]
    quantity: Callable[[Done], Any]
    base: dict[str, Any] = field(default_factory=dict)
    architecture: str = "mlp"


def _training(**fields: Any) -> dict[str, Any]:
    return {"training": fields}


SGD = _training(optimizer={"name": "sgd", "learning_rate": 0.05})
DECAYED = _training(optimizer={"weight_decay": 0.5})
ADAMW = _training(optimizer={"name": "adamw", "weight_decay": 0.5})
COSINE = _training(schedule={"name": "cosine"})
ONE_CYCLE = _training(schedule={"name": "one_cycle"})
PAIRFLIP = _training(label_noise={"kind": "pairflip", "fraction": 0.3})
ASYMMETRIC = _training(label_noise={"kind": "asymmetric", "fraction": 0.3, "map": {"7": 1}})
AVERAGED = _training(ema={"decay": 0.5})
STEPPED = _training(schedule={"name": "milestones", "at": ["2it"]})
# So fast that the loss soon rises: a level that may end early does.
STALLING = _training(length="60it", evaluate_every="1it", optimizer={"learning_rate": 0.5})
EVIDENCE = {"evidence": {"replicates": 1, "controls": [], "levels": "delivered"}}
# Fast enough that some weights change their sign within a few updates.
TURNING = _training(optimizer={"learning_rate": 0.1})
POOLED = {"scope": "global", "rate": {"output": None}}
OPEN = 0.05
GRADUAL = {"schedule_of_pruning": "gradual", "gradual": {"begin": 0.0}}
CHANNELS = {"structure": "channel", "levels": 1}
COUNTED = {"structure": "channel", "levels": None, "target": {"max_macs": 500_000}, "gain": "never"}
TORCH = {"runtime": "torch", "batch_size": 32}
FASTER = {"target": TORCH | {"max_macs": None, "speedup": 1.1}}
UNDER_ONNX = {"target": {"max_macs": None, "speedup": 1.1, "runtime": "onnxruntime", "batch_size": 32}}
BOTH = {"evidence": {"replicates": 1, "controls": ["reinit", "shuffle"]}}


def _evidence(**fields: Any) -> dict[str, Any]:
    return {"evidence": fields}


CASES: dict[Word, Case] = {
    ("levels", None): Case({"levels": 3}, kept),
    ("target.sparsity", None): Case({"target": {"sparsity": 0.7}, "levels": None}, kept),
    # 0.9 of the accuracy may be lost: every rung is within, to the one before a layer would be empty.
    ("target.max_accuracy_drop", None): Case(
        {"target": {"max_accuracy_drop": 0.9}, "levels": None, "rate": {"default": 0.5}}, kept
    ),
    ("target.max_macs", None): Case({"target": {"max_macs": 600}, "levels": None}, kept, CHANNELS),
    ("target.speedup", None): Case(FASTER, bound, COUNTED, "conv-2"),
    # Dense takes some 3 ms, and one channel of each set 0.2.
    ("target.max_latency_ms", None): Case(
        merge(UNDER_ONNX, {"target": {"speedup": None, "max_latency_ms": 0.8}}), bound, COUNTED, "conv-2"
    ),
    ("target.runtime", "torch"): Case({"target": {"runtime": "torch"}}, bound, merge(COUNTED, UNDER_ONNX), "conv-2"),
    ("target.runtime", "onnxruntime"): Case(UNDER_ONNX, bound, merge(COUNTED, FASTER), "conv-2"),
    ("target.batch_size", 1): Case({"target": {"batch_size": 1}}, bound, merge(COUNTED, FASTER), "conv-2"),
    ("target.batch_size", 32): Case(
        {"target": {"batch_size": 32}}, bound, merge(COUNTED, merge(FASTER, {"target": {"batch_size": 1}})), "conv-2"
    ),
    ("schedule_of_pruning", "gradual"): Case({"schedule_of_pruning": "gradual"}, mask),
    ("schedule_of_pruning", "levels"): Case(
        {"schedule_of_pruning": "levels", "gradual": None}, mask, {"schedule_of_pruning": "gradual"}
    ),
    ("gradual.begin", None): Case({"gradual": {"begin": "2it"}}, prunings, GRADUAL),
    ("gradual.end", None): Case({"gradual": {"end": 1.0}}, prunings, GRADUAL),
    ("gradual.every", None): Case({"gradual": {"every": 0.5}}, prunings, GRADUAL),
    # The dense run and one level take 12 updates: 768 examples of 6 * 1,184 operations each.
    ("budget.flops", None): Case({"budget": {"flops": 6e6}}, kept),
    ("budget.samples", None): Case({"budget": {"samples": 800}}, kept),
    ("budget.seconds", None): Case({"budget": {"seconds": 1e-9}}, kept),
    ("level_length", None): Case({"level_length": "3it"}, weights),
    ("level_length", "full"): Case({"level_length": "full"}, weights, {"level_length": "3it"}),
    ("level_length", "early_stop"): Case({"level_length": "early_stop"}, weights, STALLING),
    ("early_stop_patience", None): Case(
        {"early_stop_patience": 1}, weights, STALLING | {"level_length": "early_stop", "early_stop_patience": 2}
    ),
    ("rate.default", None): Case({"rate": {"default": 0.3}}, kept),
    ("rate.conv", None): Case({"rate": {"conv": 0.3}}, kept, architecture="conv-2"),
    ("rate.linear", None): Case({"rate": {"linear": 0.3}}, kept),
    ("rate.attention", None): Case({"rate": {"attention": 0.3}}, kept, architecture="vit-tiny"),
    ("rate.embedding", None): Case({"rate": {"embedding": 0.3}}, kept, architecture="vit-tiny"),
    ("rate.output", None): Case({"rate": {"output": 0.0}}, kept),
    ("rate.by_name", None): Case({"rate": {"by_name": {"fc1": 0.5}}}, kept),
    ("scope", "layerwise"): Case({"scope": "layerwise"}, mask, {"scope": "global", "rate": {"output": None}}),
    ("scope", "global"): Case({"scope": "global"}, mask, {"rate": {"output": None}}),
    ("scope", "erk"): Case({"scope": "erk"}, kept, {"rate": {"output": None}}),
    ("scope", "lamp"): Case({"scope": "lamp"}, mask, POOLED),
    ("criterion", "large_final"): Case({"criterion": "large_final"}, mask, {"criterion": "small_final"}),
    ("criterion", "small_final"): Case({"criterion": "small_final"}, mask),
    ("criterion", "large_init"): Case({"criterion": "large_init"}, mask),
    ("criterion", "small_init"): Case({"criterion": "small_init"}, mask, {"criterion": "small_final"}),
    ("criterion", "large_init_large_final"): Case({"criterion": "large_init_large_final"}, mask),
    ("criterion", "small_init_small_final"): Case(
        {"criterion": "small_init_small_final"}, mask, {"criterion": "small_final"}
    ),
    ("criterion", "magnitude_increase"): Case({"criterion": "magnitude_increase"}, mask),
    ("criterion", "movement"): Case({"criterion": "movement"}, mask, {"criterion": "magnitude_increase"}),
    ("criterion", "random"): Case({"criterion": "random"}, mask),
    ("structure", "weight"): Case({"structure": "weight"}, kept, {"structure": "2:4"}),
    ("structure", None): Case({"structure": "2:4"}, kept),
    ("criterion", "large_final_same_sign"): Case({"criterion": "large_final_same_sign"}, mask, TURNING),
    ("criterion", "large_final_different_sign"): Case(
        {"criterion": "large_final_different_sign"}, ineligible, {"criterion": "large_final_same_sign"}
    ),
    ("criterion", "magnitude_increase_same_sign"): Case(
        {"criterion": "magnitude_increase_same_sign"}, mask, TURNING | {"criterion": "magnitude_increase"}
    ),
    ("criterion", "magnitude_increase_different_sign"): Case(
        {"criterion": "magnitude_increase_different_sign"}, ineligible, {"criterion": "magnitude_increase_same_sign"}
    ),
    ("criterion", "snip"): Case({"criterion": "snip"}, mask, {"criterion": "large_init"}),
    ("criterion", "gradient"): Case({"criterion": "gradient"}, mask, {"criterion": "snip"}),
    ("criterion", "l1"): Case({"criterion": "l1"}, mask, CHANNELS | {"criterion": "random"}),
    ("criterion", "l2"): Case({"criterion": "l2"}, mask, CHANNELS, "conv-2"),
    ("criterion", "norm_scale"): Case({"criterion": "norm_scale"}, mask, CHANNELS, "wide-resnet"),
    ("criterion", "taylor"): Case({"criterion": "taylor"}, mask, CHANNELS),
    ("round_to", None): Case({"round_to": 3}, kept, CHANNELS),
    ("structure", "channel"): Case({"structure": "channel"}, kept, {"outputs": ["mask"], "criterion": "random"}),
    ("kept", "rewind"): Case({"kept": "rewind"}, ticket, {"kept": "reinit"}),
    ("kept", "reinit"): Case({"kept": "reinit"}, ticket),
    ("kept", "reshuffle"): Case({"kept": "reshuffle"}, ticket),
    ("kept", "reshuffle_all"): Case({"kept": "reshuffle_all"}, ticket, {"kept": "reshuffle"}),
    ("kept", "constant"): Case({"kept": "constant"}, ticket),
    ("kept", "constant_random_sign"): Case({"kept": "constant_random_sign"}, ticket, {"kept": "constant"}),
    ("keep_sign", True): Case({"keep_sign": True}, ticket, {"kept": "reinit"}),
    ("keep_sign", False): Case({"keep_sign": False}, ticket, {"kept": "reinit", "keep_sign": True}),
    ("pruned", "zero"): Case({"pruned": "zero"}, removed, {"pruned": "freeze"}),
    ("pruned", "freeze"): Case({"pruned": "freeze"}, removed),
    ("pruned", "freeze_if_growing"): Case({"pruned": "freeze_if_growing"}, removed),
    ("pruned", "freeze_if_growing_all"): Case(
        {"pruned": "freeze_if_growing_all"}, ticket, {"pruned": "freeze_if_growing"}
    ),
    ("pruned", "freeze_if_shrinking"): Case(
        {"pruned": "freeze_if_shrinking"}, removed, {"pruned": "freeze_if_growing"}
    ),
    ("rewind", None): Case({"rewind": "3it"}, weights),
    ("rewind", "lr"): Case({"rewind": "lr"}, weights),
    # Where the rate has dropped by the end, replaying the schedule and going on at the last rate differ.
    ("rewind", "none"): Case({"rewind": "none"}, weights, STEPPED | {"rewind": "lr"}),
    ("rewind", "auto"): Case({"rewind": "auto"}, connectivity),
    ("allow_collapse", True): Case({"allow_collapse": True}, kept, {"levels": 40, "rate": {"default": 0.9}}),
    ("allow_collapse", False): Case(
        {"allow_collapse": False}, kept, {"levels": 40, "rate": {"default": 0.9}, "allow_collapse": True}
    ),
    ("training.length", None): Case(_training(length="9it"), weights),
    ("training.batch_size", None): Case(_training(batch_size=32), weights),
    ("training.optimizer.name", "sgd"): Case(SGD, weights),
    ("training.optimizer.name", "adam"): Case(_training(optimizer={"name": "adam"}), weights, SGD),
    ("training.optimizer.name", "adamw"): Case(ADAMW, weights, DECAYED),
    ("training.optimizer.weight_decay_on", "weights"): Case(
        _training(optimizer={"weight_decay_on": "weights"}), weights, ADAMW
    ),
    ("training.optimizer.weight_decay_on", "all"): Case(
        _training(optimizer={"weight_decay_on": "all"}),
        weights,
        merge(DECAYED, _training(optimizer={"weight_decay_on": "weights"})),
    ),
    ("training.optimizer.learning_rate", None): Case(_training(optimizer={"learning_rate": 0.01}), weights),
    ("training.optimizer.betas", None): Case(_training(optimizer={"betas": [0.5, 0.9]}), weights),
    ("training.optimizer.momentum", None): Case(_training(optimizer={"momentum": 0.5}), weights, SGD),
    ("training.optimizer.nesterov", True): Case(_training(optimizer={"nesterov": True}), weights, SGD),
    ("training.optimizer.nesterov", False): Case(
        _training(optimizer={"nesterov": False}), weights, merge(SGD, _training(optimizer={"nesterov": True}))
    ),
    ("training.optimizer.weight_decay", None): Case(_training(optimizer={"weight_decay": 0.1}), weights),
    ("training.schedule.name", "milestones"): Case(STEPPED, weights),
    ("training.schedule.name", "constant"): Case(_training(schedule={"name": "constant"}), weights, STEPPED),
    ("training.schedule.name", "cosine"): Case(COSINE, weights),
    ("training.schedule.name", "one_cycle"): Case(ONE_CYCLE, weights, _training(schedule={"warmup": "1it"})),
    ("training.schedule.final_fraction", None): Case(_training(schedule={"final_fraction": 0.5}), weights, COSINE),
    ("training.schedule.at", None): Case(_training(schedule={"at": ["4it"]}), weights, STEPPED),
    ("training.schedule.factor", None): Case(_training(schedule={"factor": 0.5}), weights, STEPPED),
    ("training.schedule.warmup", None): Case(_training(schedule={"warmup": "4it"}), weights),
    ("training.precision", "bf16"): Case(_training(precision="bf16"), weights),
    ("training.precision", "fp16"): Case(_training(precision="fp16"), weights, _training(precision="bf16")),
    ("training.precision", "fp32"): Case(_training(precision="fp32"), weights, _training(precision="bf16")),
    ("training.augment", "none"): Case(_training(augment="none"), weights, _training(augment="flip")),
    ("training.augment", "flip"): Case(_training(augment="flip"), weights),
    ("training.augment", "crop"): Case(_training(augment="crop"), weights),
    ("training.augment", "flip_crop"): Case(_training(augment="flip_crop"), weights, _training(augment="crop")),
    ("training.augment", "cutout"): Case(_training(augment="cutout"), weights),
    ("training.label_noise.kind", "symmetric"): Case(
        _training(label_noise={"kind": "symmetric", "fraction": 0.3}), labels_changed
    ),
    ("training.label_noise.kind", "pairflip"): Case(
        PAIRFLIP, weights, _training(label_noise={"kind": "symmetric", "fraction": 0.3})
    ),
    ("training.label_noise.kind", "asymmetric"): Case(ASYMMETRIC, labels_changed, PAIRFLIP),
    ("training.label_noise.fraction", None): Case(_training(label_noise={"fraction": 0.6}), labels_changed, PAIRFLIP),
    ("training.label_noise.map", None): Case(_training(label_noise={"map": {"3": 8}}), weights, ASYMMETRIC),
    ("training.label_smoothing", None): Case(_training(label_smoothing=0.1), weights),
    ("training.gradient_clip", None): Case(_training(gradient_clip=0.01), weights, SGD),
    ("training.ema.decay", None): Case(AVERAGED, weights),
    ("training.evaluate_every", None): Case(_training(evaluate_every="1it"), validation_points),
    ("training.deterministic", False): Case(_training(deterministic=False), key),
    ("training.deterministic", True): Case(_training(deterministic=True), key, _training(deterministic=False)),
    ("evidence", "none"): Case({"evidence": "none"}, trainings, EVIDENCE),
    ("evidence", "quick"): Case({"evidence": "quick"}, judged),
    ("evidence", "standard"): Case({"evidence": "standard"}, judged, {"evidence": "quick"}),
    ("evidence", "paper"): Case({"evidence": "paper"}, judged, {"evidence": "standard"}),
    ("evidence.replicates", None): Case(_evidence(replicates=2), judged, EVIDENCE),
    # With three replicates that all lose or all match, the first look would decide: a tolerance between leaves it open.
    ("evidence.max_replicates", None): Case(
        _evidence(max_replicates=4), judged, _evidence(replicates=3, controls=["shuffle"], tolerance=OPEN)
    ),
    ("evidence.replicates_of", "retrain"): Case(_evidence(replicates_of="retrain"), searched, _evidence(replicates=2)),
    ("evidence.replicates_of", "search"): Case(
        _evidence(replicates_of="search"), searched, _evidence(replicates=2, replicates_of="retrain")
    ),
    ("evidence.controls", "reinit"): Case(_evidence(controls=["reinit"]), judged, EVIDENCE),
    ("evidence.controls", "shuffle"): Case(_evidence(controls=["shuffle"]), judged, EVIDENCE),
    ("evidence.controls", "reinit_shuffle"): Case(_evidence(controls=["reinit_shuffle"]), judged, EVIDENCE),
    ("evidence.controls", "random"): Case(_evidence(controls=["random"]), judged, EVIDENCE),
    ("evidence.controls", "small_dense"): Case(_evidence(controls=["small_dense"]), judged, EVIDENCE),
    ("evidence.controls", "dense_short"): Case(_evidence(controls=["dense_short"]), judged, EVIDENCE),
    ("evidence.controls", "dense_long"): Case(_evidence(controls=["dense_long"]), judged, EVIDENCE | {"rewind": "lr"}),
    ("evidence.levels", None): Case(_evidence(levels=[1]), judged, BOTH | {"levels": 3}),
    ("evidence.levels", "all"): Case(_evidence(levels="all"), judged, BOTH),
    ("evidence.levels", "delivered"): Case(_evidence(levels="delivered"), judged, merge(BOTH, _evidence(levels="all"))),
    ("evidence.tolerance", None): Case(
        _evidence(tolerance=0.99), best_level, {"levels": 20} | _evidence(tolerance=1e-9)
    ),
    ("probes", "ntk"): Case({"probes": ["ntk"]}, tangent_kernel),
    ("seed", None): Case({"seed": 1}, weights),
    ("keep_levels", "models"): Case({"keep_levels": "models"}, files),
    ("keep_levels", "masks"): Case({"keep_levels": "masks"}, files, {"keep_levels": "models"}),
    ("outputs", "ticket"): Case({"outputs": ["ticket"]}, files, {"outputs": []}),
    ("outputs", "model"): Case({"outputs": ["model"]}, files, {"outputs": []}),
    ("outputs", "mask"): Case({"outputs": ["mask"]}, files, {"outputs": []}),
    ("outputs", "sparse"): Case({"outputs": ["sparse"]}, files, {"outputs": []}),
    ("outputs", "slim"): Case({"outputs": ["slim"]}, files, CHANNELS | {"outputs": []}),
    ("outputs", "onnx"): Case({"outputs": ["onnx"]}, files, {"outputs": []}),
    ("outputs", "pt2"): Case({"outputs": ["pt2"]}, files, {"outputs": []}),
    ("outputs", "hf"): Case({"outputs": ["hf"]}, files, {"outputs": []}),
    ("gain", "always"): Case({"gain": "always"}, gained),
    ("gain", "never"): Case({"gain": "never"}, gained, {"gain": "always"}),
    ("gain", "auto"): Case({"gain": "auto"}, gained, {"gain": "always"}),
}

ONLY_WORDS: set[Word] = {
    ("recipe_version", 1),
    ("search", "iterative"),
}
"""Fields with one word: nothing else may be asked, so nothing differs. A second word needs two cases."""


def test_every_word_of_the_schema_has_a_case() -> None:
    assert WORDS - CASES.keys() - ONLY_WORDS == set()


def test_every_case_is_of_a_word_of_the_schema() -> None:
    assert (CASES.keys() | ONLY_WORDS) - WORDS == set()


def test_a_field_excused_for_its_only_word_has_only_that() -> None:
    fields = {path for path, _ in ONLY_WORDS}
    assert {word for word in WORDS if word[0] in fields} == ONLY_WORDS


def test_every_word_and_field_has_its_place_on_the_page(root: Path) -> None:
    page = (root / "docs/recipes.md").read_text()
    said = {(path, word): f"`{word}`" if isinstance(word, str) else f"`{path}`" for path, word in WORDS}
    assert {path for path, _ in WORDS if f"`{path}`" not in page} == set()
    assert {word for word, text in said.items() if text not in page} == set()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, Any], str], Done | str]:
    """Run a recipe on digits, each once; a refusal is given as its code."""
    digits = tmp_path_factory.mktemp("digits") / "data.safetensors"
    summary = inspect_builtin("builtin:digits", digits)
    known: dict[str, Done | str] = {}

    def finish(raw: Mapping[str, Any], architecture: str) -> Done | str:
        name = json.dumps([raw, architecture], sort_keys=True)
        if name not in known:
            arguments = arguments_for(
                architecture, SMALL.get(architecture, {}), data_shape=summary.shape, classes=summary.classes
            )
            folder = tmp_path_factory.mktemp("run")
            model = ModelSpec(architecture=architecture, arguments=arguments, seed=0)
            lay_out(folder, parse_recipe(raw), digits)
            observer = RecordingObserver()
            try:
                run(folder, RunSpec(model=model, data=DataSpec(name="digits")), observer=observer, clock=monotonic)
                known[name] = Done(folder / "out", observer)
            except RequestError as error:
                known[name] = error.faults[0].code
        return known[name]

    return finish


def lay_out(folder: Path, recipe: AnyRecipe, data: Path) -> None:
    (folder / "data").mkdir()
    (folder / DATA).symlink_to(data)
    (folder / RECIPE).write_text(recipe.model_dump_json())


# -- the sweep over widths: the fields it does not share with the iterative search --------------------------------

SWEEP: dict[str, Any] = {
    "search": "capacity_sweep",
    "widths": [3, 5],
    "examples": 60,
    "repeats": 1,
    "training": {"length": "6it", "batch_size": 20, "optimizer": {"name": "adam"}},
    "seed": 0,
}
SWEEP_SCHEMA = CapacitySweep.model_json_schema()
SWEEP_WORDS = {*words_of(SWEEP_SCHEMA, SWEEP_SCHEMA["$defs"])}


def points(done: Done) -> Any:
    """Give every point without the seconds it took."""
    rows = done.report["capacity"]["points"]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


SWEEP_CASES: dict[Word, Case] = {
    ("widths", None): Case({"widths": [3, 6]}, points, SWEEP),
    ("examples", None): Case({"examples": 80}, points, SWEEP),
    ("repeats", None): Case({"repeats": 2}, points, SWEEP),
    ("loss", "cross_entropy"): Case({"loss": "cross_entropy"}, points, SWEEP),
    ("loss", "mse"): Case({"loss": "mse"}, points, SWEEP | {"loss": "cross_entropy"}),
    ("reuse_weights", False): Case({"reuse_weights": False}, points, SWEEP),
    ("reuse_weights", True): Case({"reuse_weights": True}, points, SWEEP | {"reuse_weights": False}),
    ("seed", None): Case({"seed": 1}, points, SWEEP),
    ("training.length", None): Case(_training(length="9it"), points, SWEEP),
    ("training.optimizer.name", "sgd"): Case(SGD, points, SWEEP),
}


def test_every_word_of_the_sweep_has_a_case_here_or_is_shared() -> None:
    shared = {word for word in SWEEP_WORDS if word[0].startswith("training.") or word[0] == "recipe_version"}
    assert shared <= WORDS
    assert SWEEP_WORDS - shared - SWEEP_CASES.keys() == {("search", "capacity_sweep")}
    assert SWEEP_CASES.keys() <= SWEEP_WORDS


def test_every_word_of_the_sweep_has_its_place_on_the_page(root: Path) -> None:
    page = (root / "docs/recipes.md").read_text()
    said = {path for path, _ in SWEEP_WORDS} | {word for _, word in SWEEP_WORDS if isinstance(word, str)}
    assert {text for text in said if f"`{text}`" not in page} == set()


@pytest.mark.parametrize("word", SWEEP_CASES, ids=lambda word: f"{word[0]}={word[1]}")
def test_the_word_of_the_sweep_changes_what_it_names(
    word: Word, finished: Callable[[Mapping[str, Any], str], Done | str]
) -> None:
    case = SWEEP_CASES[word]
    without, with_it = (finished(recipe, "mlp") for recipe in (case.base, merge(case.base, case.asked)))
    assert isinstance(without, Done)
    assert isinstance(with_it, Done)
    assert case.quantity(with_it) != case.quantity(without)


# -- the early-bird search: the fields it does not share with the iterative search --------------------------------

BIRD: dict[str, Any] = {
    "search": "early_bird",
    "window": 2,
    "threshold": 0.9,
    "training": {"length": "4ep", "batch_size": 360, "optimizer": {"name": "sgd", "learning_rate": 0.05}},
    "evidence": "none",
    "seed": 0,
}
BIRD_SCHEMA = EarlyBird.model_json_schema()
BIRD_WORDS = {*words_of(BIRD_SCHEMA, BIRD_SCHEMA["$defs"])}
NEVER = BIRD | {"threshold": 0.0}


def settled(done: Done) -> Any:
    return [(found["found"], found["epochs_watched"], found["distances"]) for found in done.report["settling"]]


def made(done: Done) -> Any:
    """Give the slim network, what it was trained from and for how long."""
    slim = (done.out / "slim.safetensors").read_bytes()
    return slim, ticket(done), done.report["cost"]["search_updates"]


BIRD_CASES: dict[Word, Case] = {
    ("channel_sparsities", None): Case({"channel_sparsities": [0.3, 0.6]}, kept, BIRD),
    ("target.max_macs", None): Case({"target": {"max_macs": 200_000}}, kept, BIRD),
    ("rule", "consecutive"): Case({"rule": "consecutive"}, settled, BIRD),
    ("rule", "newest_vs_window"): Case({"rule": "newest_vs_window"}, settled, BIRD | {"rule": "consecutive"}),
    ("round_to", None): Case({"round_to": 8}, made, BIRD),
    ("window", None): Case({"window": 3}, settled, BIRD),
    ("threshold", None): Case({"threshold": 0.0}, settled, BIRD),
    ("l1", None): Case({"l1": 0.5}, settled, NEVER),
    ("initial_scale", None): Case({"initial_scale": 1.0}, made, BIRD),
    ("search_length", None): Case({"search_length": "2ep"}, settled, NEVER),
    ("search_precision", "int8"): Case({"search_precision": "int8"}, settled, NEVER),
    ("search_precision", "training"): Case(
        {"search_precision": "training"}, settled, NEVER | {"search_precision": "int8"}
    ),
    ("then", "continue"): Case({"then": "continue"}, made, BIRD | {"then": "retrain"}),
    ("then", "retrain"): Case({"then": "retrain"}, made, BIRD),
    ("then", "rewind"): Case({"then": "rewind"}, made, BIRD | {"then": "retrain"}),
    ("then", "reinit"): Case({"then": "reinit"}, made, BIRD | {"then": "rewind"}),
    ("outputs", "slim"): Case({"outputs": ["slim", "mask"]}, files, BIRD | {"outputs": ["mask"]}),
    ("outputs", "ticket"): Case({"outputs": ["slim", "ticket"]}, files, BIRD | {"outputs": ["slim"]}),
    ("outputs", "model"): Case({"outputs": ["slim", "model"]}, files, BIRD | {"outputs": ["slim"]}),
    ("outputs", "mask"): Case({"outputs": ["slim", "mask"]}, files, BIRD | {"outputs": ["slim"]}),
    ("outputs", "onnx"): Case({"outputs": ["slim", "onnx"]}, files, BIRD | {"outputs": ["slim"]}),
    ("outputs", "pt2"): Case({"outputs": ["slim", "pt2"]}, files, BIRD | {"outputs": ["slim"]}),
    ("outputs", "hf"): Case({"outputs": ["slim", "hf"]}, files, BIRD | {"outputs": ["slim"]}),
    ("keep_levels", "models"): Case({"keep_levels": "models"}, files, BIRD),
    ("keep_levels", "masks"): Case({"keep_levels": "masks"}, files, BIRD | {"keep_levels": "models"}),
    ("seed", None): Case({"seed": 1}, made, BIRD),
    ("training.length", None): Case(_training(length="5ep"), made, BIRD),
    ("evidence.replicates", None): Case(
        {"evidence": {"replicates": 1, "controls": []}}, lambda done: done.report["certificate"] is None, BIRD
    ),
}


SHARED = ("training", "recipe_version", "evidence", "gain", "target")
"""Fields that mean the same for both searches: their words have cases above."""


def test_every_word_of_the_early_bird_search_has_a_case_here_or_is_shared() -> None:
    shared = {word for word in BIRD_WORDS if word[0].partition(".")[0] in SHARED}
    assert shared <= WORDS
    assert BIRD_WORDS - shared - BIRD_CASES.keys() == {("search", "early_bird")}
    assert BIRD_CASES.keys() <= BIRD_WORDS


def test_every_word_of_the_early_bird_search_has_its_place_on_the_page(root: Path) -> None:
    page = (root / "docs/recipes.md").read_text()
    said = {path for path, _ in BIRD_WORDS} | {word for _, word in BIRD_WORDS if isinstance(word, str)}
    assert {text for text in said if f"`{text}`" not in page} == set()


@pytest.mark.parametrize("word", BIRD_CASES, ids=lambda word: f"{word[0]}={word[1]}")
def test_the_word_of_the_early_bird_search_changes_what_it_names(
    word: Word, finished: Callable[[Mapping[str, Any], str], Done | str]
) -> None:
    case = BIRD_CASES[word]
    without, with_it = (finished(recipe, "wide-resnet") for recipe in (case.base, merge(case.base, case.asked)))
    assert isinstance(without, Done)
    assert isinstance(with_it, Done)
    assert case.quantity(with_it) != case.quantity(without)


@pytest.mark.parametrize("word", CASES, ids=lambda word: f"{word[0]}={word[1]}")
def test_the_word_changes_what_it_names(word: Word, finished: Callable[[Mapping[str, Any], str], Done | str]) -> None:
    case = CASES[word]
    base = merge(QUICK, case.base)
    done = [finished(recipe, case.architecture) for recipe in (base, merge(base, case.asked))]
    assert {refusal for refusal in done if isinstance(refusal, str)} <= {"collapse"}
    without, with_it = (end if isinstance(end, str) else case.quantity(end) for end in done)
    assert with_it != without
