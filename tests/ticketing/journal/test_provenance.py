"""ticketing.journal.provenance: digests change with what decides the result, and with nothing else."""

from typing import Any

import pytest
import torch

from ticketing.folder import DataSpec, Execution, ModelSpec, RunSpec, StartSpec
from ticketing.journal.provenance import changes, code_digest, execution_key, provenance, run_digest, state_digest
from ticketing.recipe import Budget, EarlyBird, Iterative

RECIPE = Iterative.model_validate({"search": "iterative"})
SPEC = RunSpec(model=ModelSpec(architecture="mlp", seed=0), data=DataSpec(name="digits", fingerprint="f"))


@pytest.mark.parametrize(
    ("spec", "recipe"),
    [
        (SPEC, RECIPE.model_copy(update={"seed": 1})),
        (SPEC, RECIPE.model_copy(update={"schedule_of_pruning": "gradual"})),
        (SPEC, RECIPE.model_copy(update={"budget": Budget(samples=1)})),
        (SPEC.model_copy(update={"model": ModelSpec(architecture="mlp", seed=1)}), RECIPE),
        (SPEC.model_copy(update={"data": DataSpec(name="digits", fingerprint="g")}), RECIPE),
    ],
)
def test_recipe_model_and_data_decide_the_run(spec: RunSpec, recipe: Iterative) -> None:
    assert run_digest(spec, recipe) != run_digest(SPEC, RECIPE)


def test_a_run_begun_before_a_field_was_there_is_the_same_run() -> None:
    # Of the recipe as it was written then, without `schedule_of_pruning`, `gradual` and `budget`.
    assert run_digest(SPEC, RECIPE) == "085c2f0cc41e5c83ebf0525395ae6744bfc7d8d944ccbe4257c5abfdacf9efa3"
    # The same without `target`.
    bird = EarlyBird.model_validate({"search": "early_bird"})
    assert run_digest(SPEC, bird) == "8f4f28ca54c77263c24298dc116eae5846ca0ace221d1f60e1b5051c3cc69fbe"
    sized = EarlyBird.model_validate({"search": "early_bird", "target": {"max_macs": 9}})
    assert run_digest(SPEC, sized) != run_digest(SPEC, bird)


def start(**fields: Any) -> StartSpec:
    return StartSpec.model_validate({"job": "job_a", "level": 2, "sha256": "0" * 64, "recipe": RECIPE} | fields)


def test_where_a_fork_starts_decides_the_run_and_whose_level_it_is_does_not() -> None:
    def digest(begun: StartSpec | None) -> str:
        return run_digest(SPEC.model_copy(update={"start": begun}), RECIPE)

    others = [None, start(), start(level=3), start(sha256="1" * 64), start(searches=2)]
    assert len({digest(begun) for begun in others}) == 5
    assert digest(start(job="job_b")) == digest(start())


def test_every_changed_field_is_listed_with_both_values() -> None:
    one = {"seed": 0, "rate": {"default": 0.2, "output": None}, "target": None}
    other = {"seed": 0, "rate": {"default": 0.3, "output": None}, "target": {"sparsity": 0.9}}
    assert changes(one, other) == {
        "/rate/default": {"parent": 0.2, "own": 0.3},
        "/target": {"parent": None, "own": {"sparsity": 0.9}},
    }
    assert changes(one, one) == {}


def test_names_and_machines_do_not_decide_the_run() -> None:
    other = SPEC.model_copy(
        update={"labels": {"name": "x"}, "execution": Execution(threads=2), "data": DataSpec(name="d", fingerprint="f")}
    )
    assert run_digest(other, RECIPE) == run_digest(SPEC, RECIPE)


def test_threads_and_precision_are_in_the_execution_key() -> None:
    key = execution_key(SPEC, RECIPE)
    assert key == execution_key(SPEC, RECIPE)
    assert key != execution_key(SPEC.model_copy(update={"execution": Execution(threads=2)}), RECIPE)
    assert (key["torch"], key["threads"], key["precision"]) == (torch.__version__, 1, "fp32")


@pytest.mark.parametrize(
    "other",
    [
        {"a": torch.tensor([-0.0]), "b": torch.tensor([1.0])},
        {"a": torch.tensor([[0.0]]), "b": torch.tensor([1.0])},
        {"a": torch.tensor([0]), "b": torch.tensor([1.0])},
        {"a": torch.tensor([0.0])},
        {"b": torch.tensor([0.0]), "a": torch.tensor([1.0])},
    ],
)
def test_every_bit_type_shape_and_name_is_in_a_states_digest(other: dict[str, Any]) -> None:
    state = {"a": torch.tensor([0.0]), "b": torch.tensor([1.0])}
    assert state_digest(other) != state_digest(state)
    assert state_digest(dict(reversed(state.items()))) == state_digest(state)


def test_provenance_names_seed_versions_and_code() -> None:
    written = provenance(SPEC, RECIPE, key={"threads": 1}, fingerprint="f")
    assert written["seed"] == 0
    assert written["versions"]["torch"] == torch.__version__
    assert written["code"] == code_digest()
    assert written["dataset"] == {"name": "digits", "fingerprint": "f"}
