"""ticketing.plans.iterative: what a run will do is known exactly before it starts."""

from typing import Any

import pytest

from ticketing.architectures import Inventory, arguments_for, inventory
from ticketing.errors import RecipeError
from ticketing.folder import StartSpec
from ticketing.plans.iterative import plan, rewind_step
from ticketing.plans.parsing import resolve
from ticketing.plans.plan import Plan
from ticketing.recipe import Iterative


def network(name: str = "lenet-300-100") -> Inventory:
    return inventory(name, arguments_for(name, {}, data_shape=None, classes=None))


def recipe(name: str = "lenet-300-100", **fields: Any) -> Iterative:
    raw = {"search": "iterative", **fields}
    return resolve(raw, architecture=name, uploaded=False, weights="initial", device_kind="cpu", seed=0)


def planned(test: int = 10_000, **fields: Any) -> Plan:
    return plan(network(), recipe(**fields), train=55_000, test=test)


def test_the_ladder_of_lenet_is_the_published_one() -> None:
    ladder = planned(levels=20).ladder
    assert [ladder[level]["kept"] for level in (0, 3, 7, 9, 15, 20)] == [266_200, 136_511, 56_094, 35_981, 9_537, 3_180]


def test_a_target_is_reached_to_the_entry() -> None:
    assert planned(target={"sparsity": 0.9}).ladder[-1]["kept"] == 26_620


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"levels": 60, "rate": 0.9}, "/recipe/levels", "collapse"),
        ({"target": {"sparsity": 0.999999}, "rate": 0.9}, "/recipe/target/sparsity", "collapse"),
        ({"target": {"sparsity": 1e-7}}, "/recipe/target/sparsity", "removes_nothing"),
        ({"target": {"sparsity": 0.9}, "rate": 0}, "/recipe/rate", "target_out_of_reach"),
    ],
)
def test_a_ladder_that_cannot_be_walked_is_refused_before_it_is_queued(
    fields: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        planned(**fields)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [(pointer, code)]


def test_a_collapse_may_be_allowed() -> None:
    assert planned(levels=60, rate=0.9, allow_collapse=True).ladder[-1]["kept"] == 0


def test_every_training_is_counted_once() -> None:
    # One search of 3 trainings; 2 replicates retrain dense, ticket and reinit at the delivered level.
    evidence = {"replicates": 2, "replicates_of": "retrain", "controls": ["reinit"]}
    one = planned(levels=2, evidence=evidence, training={"length": "100it"})
    assert (one.trainings, one.updates) == (3 + 2 * 3, 900)
    late = planned(levels=2, evidence=evidence, training={"length": "100it"}, rewind="40it")
    assert late.updates == (100 + 2 * 60) + 2 * (100 + 60 + 100)


def test_a_training_that_prunes_is_one_of_the_whole_length_wherever_its_ticket_restarts() -> None:
    evidence = {"replicates": 2, "replicates_of": "retrain", "controls": ["reinit"]}
    asked = {"schedule_of_pruning": "gradual", "gradual": {"begin": 0.5}, "levels": 9, "rewind": "40it"}
    made = planned(**asked, evidence=evidence, training={"length": "100it"})
    assert (made.search["trainings"], made.search["updates"]) == (2, 200)
    assert made.updates == 200 + 2 * (100 + 60 + 100)
    assert (made.levels, [row["level"] for row in made.ladder]) == (1, [0, 1])
    assert made.gradual is not None
    assert [made.gradual["begin"], made.gradual["end"]] == [50, 75]
    assert made.gradual["prunings"][-1]["kept"] == made.ladder[1]["kept"] == planned(levels=9).ladder[9]["kept"]


def test_dense_as_long_as_a_gradual_ticket_has_its_training_and_that_which_pruned_behind_it() -> None:
    evidence = {"replicates": 1, "replicates_of": "retrain", "controls": ["dense_long"]}
    training = {"length": "100it"}
    asked = recipe(schedule_of_pruning="gradual", rewind="lr", evidence=evidence, training=training)
    for trained, searched in ((False, 200), (True, 100)):
        made = plan(network(), asked, train=55_000, test=10_000, trained=trained)
        assert made.updates == searched + 100 + 100 + 200


def test_weights_that_came_trained_are_the_dense_run() -> None:
    asked = recipe(levels=2, evidence="none", training={"length": "100it"})
    counts = plan(network(), asked, train=55_000, test=10_000, trained=True)
    assert (counts.trainings, counts.updates) == (2, 200)


def test_a_rewind_point_after_the_end_is_refused() -> None:
    with pytest.raises(RecipeError, match="before update 916"):
        rewind_step(recipe(rewind="1000it", training={"length": "1ep"}), 916)
    assert rewind_step(recipe(rewind="2ep"), 916) == 1832
    assert rewind_step(recipe(rewind="lr"), 916) == 0


def test_a_ticket_that_goes_on_from_trained_weights_is_warned_of() -> None:
    warned = {rewind: [w["code"] for w in planned(rewind=rewind).warnings] for rewind in ("0it", "5it", "lr", "none")}
    assert [rewind for rewind, codes in warned.items() if "ticket_trained_longer" in codes] == ["lr", "none"]


def test_the_resolution_of_the_test_split_is_told_and_a_finer_tolerance_warned_of() -> None:
    coarse, fine = planned(test=360, evidence={"tolerance": 0.001}), planned(test=360)
    assert fine.test_resolution == 1 / 360
    assert "tolerance_below_resolution" in [warning["code"] for warning in coarse.warnings]
    assert "tolerance_below_resolution" not in [warning["code"] for warning in fine.warnings]


def forked(level: int, parent: dict[str, Any], searches: int = 1, **fields: Any) -> Plan:
    start = StartSpec(job="job_a", level=level, sha256="0" * 64, recipe=recipe(**parent), searches=searches)
    return plan(network(), recipe(**fields), train=55_000, test=10_000, start=start)


def test_a_fork_counts_only_what_it_trains_itself() -> None:
    asked = {"levels": 4, "evidence": {"replicates": 3, "controls": []}, "training": {"length": "100it"}}
    whole, fork = planned(**asked), forked(3, asked, searches=3, **asked)
    assert (whole.trainings - fork.trainings, whole.updates - fork.updates) == (3 * 3, 3 * 300)
    # Two of the three searches had not come so far: they are walked from their dense run on.
    assert forked(3, asked, searches=1, **asked).trainings == whole.trainings - 3
    assert fork.ladder == whole.ladder
    assert (whole.start, fork.start) == (None, {"job": "job_a", "level": 3, "sha256": "0" * 64, "searches": 3})


def test_a_fork_that_could_mislead_is_warned_about() -> None:
    asked = {"levels": 2, "evidence": "standard"}
    codes = {warning["code"] for warning in forked(1, asked, **asked, rewind="lr").warnings}
    assert codes >= {"searches_walked_anew", "levels_trained_differently"}
    codes = {warning["code"] for warning in forked(1, asked, searches=3, **asked).warnings}
    assert codes.isdisjoint({"searches_walked_anew", "levels_trained_differently"})


def test_a_precision_without_a_measured_rate_is_not_estimated() -> None:
    fp16 = Iterative.model_validate({"search": "iterative", "training": {"precision": "fp16"}})
    made = plan(network(), fp16, train=55_000, test=10_000)
    assert made.estimated_seconds == {"cpu": None, "gpu": None}


def test_a_schedule_that_would_begin_to_fall_after_the_end_is_refused() -> None:
    training = {"length": "2ep", "batch_size": 5500, "schedule": {"name": "cosine", "warmup": "20it"}}
    with pytest.raises(RecipeError, match="fewer than the 20 updates"):
        planned(training=training)


def test_odd_trainings_are_warned_of() -> None:
    made = planned(rewind="none", training={"schedule": {"name": "cosine"}, "augment": "flip"})
    assert {"trains_on_at_nothing", "mirrored_grey_images"} <= {warning["code"] for warning in made.warnings}


GROWS = {"replicates": 3, "max_replicates": 10, "controls": ["shuffle"]}


def test_a_certificate_that_may_grow_is_counted_to_its_end_and_to_its_first_look() -> None:
    training = {"length": "100it"}
    fixed = planned(levels=2, evidence=GROWS | {"max_replicates": None}, training=training)
    grows = planned(levels=2, evidence=GROWS, training=training)
    assert fixed.at_least is None
    assert grows.at_least == {"trainings": fixed.trainings, "updates": fixed.updates}
    # Seven replicates more: each a search of three trainings, then dense, ticket and control.
    assert grows.trainings == fixed.trainings + 7 * (3 + 3)
    retrained = planned(levels=2, evidence=GROWS | {"replicates_of": "retrain"}, training=training)
    assert retrained.at_least is not None
    assert retrained.trainings == retrained.at_least["trainings"] + 7 * 3


def test_what_grows_is_the_delivered_level_alone() -> None:
    one, every = (planned(levels=4, evidence=GROWS | {"levels": levels}) for levels in ("delivered", "all"))
    grown = [plan.trainings - plan.at_least["trainings"] for plan in (one, every) if plan.at_least]
    assert grown == [7 * (5 + 3)] * 2


def test_a_small_dense_network_that_cannot_be_is_refused_before_it_is_queued() -> None:
    evidence = {"controls": ["small_dense"]}
    assert planned(levels=3, evidence=evidence).trainings
    with pytest.raises(RecipeError) as caught:
        plan(network("conv-2"), recipe("conv-2", evidence=evidence), train=50_000, test=10_000)
    assert [(f.pointer, f.code) for f in caught.value.faults] == [("/recipe/evidence/controls", "not_narrowable")]
    with pytest.raises(RecipeError) as caught:
        planned(target={"sparsity": 0.9999}, evidence=evidence)
    assert [(f.pointer, f.code) for f in caught.value.faults] == [("/recipe/evidence/controls", "too_narrow")]


def test_dense_networks_of_another_length_are_counted_as_long_as_they_train() -> None:
    training, of = {"length": "1000it"}, {"replicates": 2, "replicates_of": "retrain"}
    none = planned(levels=3, training=training, evidence=of | {"controls": []})
    short = planned(levels=3, training=training, evidence=of | {"controls": ["dense_short"]})
    # 136,511 of 266,200 multiply-adds are left at level 3.
    assert short.updates - none.updates == 2 * 512
    assert (short.trainings - none.trainings, short.at_most) == (2, False)
    none = planned(levels=3, training=training, rewind="lr", evidence=of | {"controls": []})
    long = planned(levels=3, training=training, rewind="lr", evidence=of | {"controls": ["dense_long"]})
    assert long.updates - none.updates == 2 * 4000


def test_a_ticket_that_trained_longer_is_told_of_with_the_control_that_asks_about_it() -> None:
    details = [
        warning["detail"]
        for controls in ([], ["dense_long"])
        for warning in planned(rewind="lr", evidence={"controls": controls}).warnings
        if warning["code"] == "ticket_trained_longer"
    ]
    assert [detail.rpartition("; ")[2] for detail in details] == [
        "the control dense_long is dense trained as long",
        "dense_long trains as long",
    ]


def test_evidence_at_listed_levels_costs_what_these_and_the_delivered_one_cost() -> None:
    def certified(levels: Any, **evidence: Any) -> int:
        asked = {"replicates": 2, "controls": ["reinit"], "levels": levels} | evidence
        made = planned(levels=12, evidence=asked)
        return made.trainings - made.search["trainings"]

    # Two replicates of dense, and of ticket and reinit at every level that is judged.
    assert certified([3, 7, 11]) == 2 * (1 + 4 * 2)
    assert certified([3, 7, 12]) == 2 * (1 + 3 * 2)
    assert certified([12]) == certified("delivered") == 2 * 3
    assert certified(list(range(1, 13))) == certified("all")
    assert certified([1], replicates=0, controls=[]) == 0


def test_evidence_at_a_level_beyond_a_ladder_of_a_sparsity_is_refused_before_it_is_queued() -> None:
    last = planned(target={"sparsity": 0.5}).levels
    assert planned(target={"sparsity": 0.5}, evidence={"levels": [last]}).levels == last
    with pytest.raises(RecipeError) as caught:
        planned(target={"sparsity": 0.5}, evidence={"levels": [1, last + 1]})
    assert [(f.pointer, f.code) for f in caught.value.faults] == [("/recipe/evidence/levels", "no_such_level")]
