"""ticketing.plans.channels: exact counts where the network is known, the shares alone where it is not."""

from dataclasses import replace
from typing import Any

import pytest

from ticketing.channels import channels_of
from ticketing.channels.sets import sets_of
from ticketing.errors import RecipeError
from ticketing.folder import StartSpec
from ticketing.plans.iterative import plan
from ticketing.plans.plan import Plan
from ticketing.recipe import Iterative
from ticketing.subject import Subject


def recipe(**fields: Any) -> Iterative:
    return Iterative.model_validate({"search": "iterative", "structure": "channel", "rate": 0.3, "levels": 2} | fields)


def planned(subject: Subject, *, known: bool = True, start: StartSpec | None = None, **fields: Any) -> Plan:
    sets = sets_of(channels_of(subject.module, subject.inventory)) if known else None
    return plan(subject.inventory, recipe(**fields), train=90, test=60, sets=sets, start=start)


def refused(subject: Subject, **fields: Any) -> tuple[str, str, str]:
    with pytest.raises(RecipeError) as caught:
        planned(subject, **fields)
    (fault,) = caught.value.faults
    return fault.pointer, fault.code, fault.detail


def test_a_plan_says_what_every_set_keeps_and_which_layers_keep_all(make_subject: Any) -> None:
    made = planned(make_subject())
    assert made.channels == {
        "total": 28,
        "levels": [
            {"level": 0, "channel_sparsity": 0.0, "kept": 28},
            {"level": 1, "channel_sparsity": 9 / 28, "kept": 19},
            {"level": 2, "channel_sparsity": 14 / 28, "kept": 14},
        ],
        "sets": [{"layers": ["fc1"], "kept": [16, 11, 8]}, {"layers": ["fc2"], "kept": [12, 8, 6]}],
        "stays": {"fc3.weight": "its outputs are the network's"},
    }
    assert [row["kept"] for row in made.ladder] == [356, 200, 130]
    assert "no_speedup_from_unstructured" not in {warning["code"] for warning in made.warnings}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"levels": 2}, None),
        ({"levels": 8, "rate": 0.5}, "from level 5 on nothing more can go: 4 of 8 levels"),
        ({"levels": 5, "rate": 0.5, "round_to": 4}, "from level 3 on nothing more can go: 3 of 5 levels"),
        ({"levels": None, "target": {"max_accuracy_drop": 0.1}, "rate": 0.5}, None),
    ],
)
def test_levels_at_which_nothing_more_can_go_are_warned_of(
    make_subject: Any, fields: dict[str, Any], told: str | None
) -> None:
    for known in (True, False):
        warned = [w["detail"] for w in planned(make_subject(), known=known, **fields).warnings]
        found = [detail for detail in warned if "nothing more can go" in detail]
        assert len(found) == (known and told is not None)
        assert not found or told in found[0]


def test_a_plan_without_the_network_knows_no_share_that_will_be_rounded(make_subject: Any) -> None:
    unknown = planned(make_subject(), known=False, round_to=8)
    assert [row["channel_sparsity"] for row in unknown.channels["levels"]] == [0.0, None, None]
    assert unknown.levels == planned(make_subject(), round_to=8).levels == 2


def test_a_plan_without_the_network_says_the_shares_alone_and_trains_as_much(make_subject: Any) -> None:
    unknown, known = planned(make_subject(), known=False), planned(make_subject())
    assert unknown.channels == {
        "total": None,
        "levels": [
            {"level": level, "channel_sparsity": share, "kept": None} for level, share in enumerate((0.0, 0.3, 0.51))
        ],
        "sets": None,
        "stays": None,
    }
    assert [(row["kept"], row["sparsity"], row["groups"]) for row in unknown.ladder] == [(None, None, None)] * 3
    assert (unknown.trainings, unknown.updates, unknown.levels) == (known.trainings, known.updates, known.levels)
    assert unknown.as_json()["ladder"]


def test_where_a_target_ends_the_ladder_is_not_known_before_the_network_is_built(make_subject: Any) -> None:
    subject = make_subject()
    asked: dict[str, Any] = {"levels": None, "target": {"max_macs": 100}}
    unknown = planned(subject, known=False, **asked)
    assert (unknown.levels, unknown.at_most) == (60, True)
    sets = replace(sets_of(channels_of(subject.module, subject.inventory)), end=(5, 4))
    known = plan(subject.inventory, recipe(**asked, evidence="none"), train=90, test=60, sets=sets)
    assert (known.levels, known.at_most) == (4, False)
    assert known.channels is not None
    assert [of["kept"] for of in known.channels["sets"]] == [[16, 11, 8, 6, 5], [12, 8, 6, 4, 4]]


def test_as_many_multiply_adds_as_dense_are_no_target(make_subject: Any) -> None:
    subject = make_subject()
    for known in (True, False):
        asked = {"levels": None, "target": {"max_macs": subject.inventory.multiply_adds}}
        pointer, code, detail = refused(subject, known=known, **asked)
        assert (pointer, code) == ("/recipe/target/max_macs", "removes_nothing")
        assert str(subject.inventory.multiply_adds) in detail


def test_the_shares_of_a_fork_are_its_parents_up_to_its_level(make_subject: Any) -> None:
    parent = recipe(rate=0.5)
    start = StartSpec(job="job_parent", level=2, sha256="0" * 64, recipe=parent, searches=1, start=None)
    made = planned(make_subject(), known=False, start=start).channels
    assert made is not None
    assert [row["channel_sparsity"] for row in made["levels"]] == [0.0, 0.5, 0.65]


@pytest.mark.parametrize("structure", ["weight", "channel"])
@pytest.mark.parametrize("known", [True, False])
def test_a_fork_removes_what_its_parent_removed(make_subject: Any, structure: str, known: bool) -> None:
    other = {"weight": "channel", "channel": "weight"}[structure]
    parent = recipe(structure=other)
    start = StartSpec(job="job_parent", level=1, sha256="0" * 64, recipe=parent, searches=1, start=None)
    pointer, code, _ = refused(make_subject(), known=known, structure=structure, start=start)
    assert (pointer, code) == ("/recipe/structure", "not_inheritable")


def test_single_weights_have_no_channels_in_their_plan(make_subject: Any) -> None:
    assert planned(make_subject(), structure="weight", criterion="large_final").channels is None


def test_scales_of_norms_are_asked_only_where_a_norm_scales_every_channel(make_subject: Any) -> None:
    pointer, code, detail = refused(make_subject(), known=False, criterion="norm_scale")
    assert (pointer, code) == ("/recipe/criterion", "norms_missing")
    assert "batch norms" in detail
    norms = make_subject("wide-resnet", depth=10, width=1, in_channels=1, input_size=[8, 8], classes=3)
    assert planned(norms, criterion="norm_scale").channels
    known = sets_of(channels_of(norms.module, norms.inventory))
    first = known.sets[0]
    bare = replace(first, places={at: times for at, times in first.places.items() if at[0].endswith("conv1.weight")})
    some = replace(known, sets=(bare, *known.sets[1:]))
    with pytest.raises(RecipeError, match="got none of conv1"):
        plan(norms.inventory, recipe(criterion="norm_scale"), train=90, test=60, sets=some)
    exempting = recipe(criterion="norm_scale", rate={"default": 0.3, "by_name": {"*conv1": 0}})
    assert plan(norms.inventory, exempting, train=90, test=60, sets=some).channels
