"""ticketing.pruning.gradual: exact nested masks on the way, the dense run's twin before it, resumed to the bit."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch

from ticketing.controls.length import updates_of_dense
from ticketing.journal.findings import Findings
from ticketing.journal.invariants import Invariants
from ticketing.journal.results import curve_of
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.ladder.counts import groups, kept_counts
from ticketing.mask import Mask
from ticketing.observer import RecordingObserver, Stopped
from ticketing.plans.gradual import prunings_of
from ticketing.pruning.gradual import gradual_flops, prunings_made
from ticketing.searches.iterative import search
from ticketing.seeds import order_of_level
from ticketing.sparse import same_bits
from ticketing.training.rewinding import restart_of

GRADUAL = {"schedule_of_pruning": "gradual", "gradual": {"begin": "5it", "end": "15it", "every": "2it"}}
LEVEL = Where.of_search(0, 1)


def findings(bench: Workbench) -> Findings:
    restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
    return Findings(bench.journal, bench.subject, restart=restart, seed=bench.recipe.seed)


def searched(make_bench: Any, **words: Any) -> Workbench:
    bench: Workbench = make_bench(**GRADUAL | {"levels": 5} | words)
    search(bench, 0)
    return bench


class Seeing(Invariants):
    """Remembers every mask whose promises it checked."""

    seen: list[Mask]

    def mask_drawn(self, mask: Mask, **rest: Any) -> None:
        self.seen = [*getattr(self, "seen", ()), mask]
        super().mask_drawn(mask, **rest)


@pytest.mark.parametrize("words", [{}, {"scope": "global"}, {"scope": "lamp"}, {"scope": "erk"}])
def test_masks_are_nested_and_count_what_the_schedule_says_to_the_entry(make_bench: Any, words: Any) -> None:
    bench = make_bench(**GRADUAL, levels=5, **words)
    bench.invariants = checks = Seeing()
    search(bench, 0)
    seen = [Mask.full(bench.subject.shapes), *checks.seen]
    schedule, members = prunings_of(bench.recipe, bench.per_epoch), groups(bench.subject.inventory, bench.recipe)
    assert schedule is not None
    assert schedule.steps == (7, 9, 11, 13, 15)
    assert all(after.within(before) and after != before for before, after in pairwise(seen))
    dense, final = kept_counts(bench.subject.inventory, bench.recipe)
    for mask, step in zip(seen[1:], schedule.steps, strict=True):
        kept = {group: sum(mask.counts()[name] for name in names) for group, names in members.items()}
        assert kept == schedule.counts(step, dense=dense, final=final)
    assert findings(bench).mask(0, 1) == seen[-1]


def test_the_last_counts_are_those_at_which_the_levels_end(make_bench: Any, tmp_path: Any) -> None:
    ladder = searched(make_bench, schedule_of_pruning="levels", gradual=None, levels=3, folder=tmp_path / "ladder")
    gradual = searched(make_bench, levels=3)
    assert findings(gradual).mask(0, 1).counts() == findings(ladder).mask(0, 3).counts()


def test_up_to_the_first_pruning_it_is_the_dense_run(make_bench: Any) -> None:
    bench = searched(make_bench, gradual={"begin": "10it", "end": "15it", "every": "2it"})
    dense = curve_of(bench.journal.tensors[Where.of_search(0, 0).piece]["curve"])
    before = curve_of(bench.journal.tensors["gradual_curve/0"]["curve"])
    assert [point.step for point in before] == [5, 10]
    assert before == dense[:2]


@pytest.mark.parametrize("fields", [{}, {"precision": "bf16", "gradient_clip": 1.0, "augment": "flip"}])
def test_a_convolutional_network_is_pruned_on_the_way_like_any_other(
    make_bench: Any, make_subject: Any, make_dataset: Any, make_training: Any, fields: Any
) -> None:
    network = make_subject("resnet-20", in_channels=1, input_size=[8, 8], classes=3)
    training = make_training(length="6it", evaluate_every="1it", **fields)
    moments = {"gradual": {"begin": "2it", "end": "4it", "every": "1it"}, "scope": "global"}
    bench = searched(make_bench, subject=network, data=make_dataset((1, 8, 8)), training=training, **moments)
    dense = curve_of(bench.journal.tensors[Where.of_search(0, 0).piece]["curve"])
    before = curve_of(bench.journal.tensors["gradual_curve/0"]["curve"])
    assert before[:2] == dense[:2]
    assert before[2] != dense[2]
    assert [made["step"] for made in prunings_made(bench, 0)] == [3, 4]
    assert findings(bench).mask(0, 1).kept_count == bench.plan.ladder[1]["kept"]


def test_its_figures_are_of_the_last_mask_alone(make_bench: Any) -> None:
    bench = searched(make_bench, gradual={"begin": "0it", "end": "12it", "every": "1it"})
    curve = curve_of(bench.journal.tensors[LEVEL.piece]["curve"])
    assert [point.step for point in curve] == [15, 20]
    assert bench.result(LEVEL).early_stop_step in (15, 20)
    kept, mask = findings(bench).trained(0, 1), findings(bench).mask(0, 1)
    assert same_bits(kept, mask.applied_to(kept))


def test_a_last_pruning_after_the_last_update_is_what_is_evaluated(make_bench: Any) -> None:
    bench = searched(make_bench, gradual={"begin": 0, "end": 1, "every": 0.5})
    assert [made["step"] for made in prunings_made(bench, 0)] == [10, 20]
    assert [point.step for point in curve_of(bench.journal.tensors[LEVEL.piece]["curve"])] == [20]


def test_the_entries_removed_at_a_pruning_are_the_smallest_of_those_left(make_bench: Any) -> None:
    # One pruning alone, in the middle: what it removes can be told from the dense run's weights at that update.
    bench = searched(make_bench, gradual={"begin": "5it", "end": "10it", "every": "5it"})
    dense = bench.train(
        Where(0, "search", "again", 0),
        bench.subject.initial_state,
        mask=Mask.full(bench.subject.shapes),
        order_seed=order_of_level(0, 0, 0),
        capture_at={10},
    )[0].captured[10]
    for name, kept in findings(bench).mask(0, 1).items():
        assert dense[name][kept].abs().min() >= dense[name][~kept].abs().max()


def test_the_search_is_two_trainings_whatever_the_sparsity(make_bench: Any) -> None:
    bench = searched(make_bench, levels=9)
    told = bench.observer.of_type("level_completed")
    assert [(level["level"], level["updates"]) for level in told] == [(0, 20), (1, 20)]
    assert bench.plan.updates == 40 + 3 * 4 * 20 + 2 * 40


def test_the_mask_is_told_once_with_its_update_and_the_phases_tell_when_it_prunes(make_bench: Any) -> None:
    bench = searched(make_bench)
    (told,) = bench.observer.of_type("mask_drawn")
    assert (told["level"], told["step"], told["kept"]) == (1, 15, findings(bench).mask(0, 1).kept_count)
    phases = [phase["phase"] for phase in bench.observer.of_type("phase")]
    assert phases == ["train_dense", "train_level", "prune", "train_level"]


@pytest.mark.parametrize("rewind", ["0it", "5it", "lr", "none"])
def test_the_ticket_restarts_where_rewind_says(make_bench: Any, make_training: Any, rewind: str) -> None:
    # Evaluated at the end alone: then the best weights are the last ones.
    training = make_training(evaluate_every="20it")
    bench = searched(make_bench, rewind=rewind, evidence="none", training=training)
    found, mask = findings(bench), findings(bench).mask(0, 1)
    point = found.rewind_point(0, 1)
    if rewind == "0it":
        assert same_bits(point, bench.subject.initial_state)
    elif rewind == "5it":
        assert same_bits(point, bench.journal.tensors["point/0"])
    else:
        assert same_bits(point, found.trained(0, 1))
        assert same_bits(point, mask.applied_to(point))


def test_a_model_that_came_trained_is_pruned_as_it_goes_on(make_bench: Any, make_subject: Any) -> None:
    subject = make_subject()
    came = replace(subject, spec=subject.spec.model_copy(update={"weights": "trained"}))
    bench = searched(make_bench, subject=came, rewind="lr", evidence="none")
    assert [level["updates"] for level in bench.observer.of_type("level_completed")] == [0, 20]
    assert same_bits(findings(bench).initial(0), subject.initial_state)


@pytest.mark.parametrize("weights", ["initial", "trained"])
def test_dense_as_long_as_its_ticket_has_what_pruned_it_behind_it(
    make_bench: Any, make_subject: Any, weights: str
) -> None:
    subject = make_subject()
    came = replace(subject, spec=subject.spec.model_copy(update={"weights": weights}))
    bench = searched(make_bench, subject=came, rewind="lr", evidence="none")
    where = Where(0, "certificate", "dense_long", 1)
    assert updates_of_dense(bench, findings(bench), where, search=0) == 20 + 20


def test_a_criterion_with_classes_says_how_many_it_kept_that_it_puts_last(make_bench: Any) -> None:
    bench = searched(make_bench, criterion="large_final_different_sign")
    assert bench.observer.of_type("mask_drawn")[0]["ineligible_kept"] == findings(bench).ineligible_kept(0, 1)
    assert findings(bench).ineligible_kept(0, 1) is not None


def test_the_checkpoint_between_both_trainings_stands_at_the_first_update(make_bench: Any) -> None:
    told = searched(make_bench, rewind="5it").observer.of_type("checkpoint_saved")
    assert [(at["where"]["level"], at["where"]["step"]) for at in told] == [(1, 0), (1, 20)]


def test_the_same_seed_gives_the_same_ticket_and_another_seed_another(make_bench: Any, tmp_path: Any) -> None:
    one, same, other = (
        findings(searched(make_bench, seed=seed, folder=tmp_path / str(number)))
        for number, seed in enumerate((0, 0, 1))
    )
    assert one.mask(0, 1) == same.mask(0, 1)
    assert same_bits(one.trained(0, 1), same.trained(0, 1))
    assert not same_bits(one.trained(0, 1), other.trained(0, 1))


ADAM = {"name": "adam"}
SGD = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9}


@pytest.mark.parametrize("updates", [3, 20, 24, 27, 30, 34, 35, 38])
@pytest.mark.parametrize(
    "fields", [{"optimizer": ADAM}, {"optimizer": SGD, "ema": {"decay": 0.5}}], ids=["adam", "sgd"]
)
def test_stopped_anywhere_it_goes_on_to_the_same_bits_and_says_every_fact_once(
    make_bench: Any, make_training: Any, tmp_path: Any, updates: int, fields: Any
) -> None:
    words = {"training": make_training(**fields), "rewind": "lr", "criterion": "random", "evidence": "none"}
    undisturbed = searched(make_bench, **words, folder=tmp_path / "undisturbed")
    first = make_bench(**GRADUAL, levels=5, **words, observer=RecordingObserver(stop_after=updates))
    with pytest.raises(Stopped):
        search(first, 0)
    bench = searched(make_bench, **words)
    assert findings(bench).mask(0, 1) == findings(undisturbed).mask(0, 1)
    assert same_bits(findings(bench).trained(0, 1), findings(undisturbed).trained(0, 1))
    assert same_bits(findings(bench).rewind_point(0, 1), findings(undisturbed).rewind_point(0, 1))
    for piece in (LEVEL.piece, "gradual_curve/0"):
        assert torch.equal(bench.journal.tensors[piece]["curve"], undisturbed.journal.tensors[piece]["curve"])
    assert prunings_made(bench, 0) == prunings_made(undisturbed, 0)
    said = [*_durable(first.observer), *_durable(bench.observer)]
    assert said == _durable(undisturbed.observer)


class Crashing(RecordingObserver):
    """Ends the process, as far as the search can tell, instead of asking it to stop."""

    def stop_requested(self) -> bool:
        if super().stop_requested():
            raise RuntimeError("killed")
        return False


@pytest.mark.parametrize("updates", [26, 29, 33, 36])
def test_killed_anywhere_it_goes_on_from_its_last_checkpoint_to_the_same_bits(
    make_bench: Any, tmp_path: Any, updates: int
) -> None:
    undisturbed = searched(make_bench, criterion="random", folder=tmp_path / "undisturbed")
    words = GRADUAL | {"levels": 5, "criterion": "random", "checkpoint_seconds": 5.0}
    first = make_bench(**words, observer=Crashing(stop_after=updates))
    with pytest.raises(RuntimeError, match="killed"):
        search(first, 0)
    bench = searched(make_bench, criterion="random")
    assert bench.journal.resumed_from is not None
    assert findings(bench).mask(0, 1) == findings(undisturbed).mask(0, 1)
    assert same_bits(findings(bench).trained(0, 1), findings(undisturbed).trained(0, 1))
    assert prunings_made(bench, 0) == prunings_made(undisturbed, 0)
    assert [*_durable(first.observer), *_durable(bench.observer)] == _durable(undisturbed.observer)


def _durable(observer: Any) -> list[tuple[str, int]]:
    last = max((i for i, (word, _) in enumerate(observer.events) if word == "checkpoint_saved"), default=-1)
    return [(w, d["level"]) for w, d in observer.events[:last] if w in ("mask_drawn", "level_completed")]


def test_the_promises_are_checked_on_the_way(make_bench: Any) -> None:
    checked = searched(make_bench, gradual={"begin": "1it", "end": "15it", "every": "2it"}).invariants.checked
    assert checked["masks_monotone"] == checked["counts_as_asked"] == 7
    # Evaluated after updates 5, 10, 15 and 20, pruned from the first of them on.
    assert checked["masked_entries_zero"] == 4


def test_every_stretch_costs_what_was_kept_then(make_bench: Any) -> None:
    bench = searched(make_bench)
    listed, result = bench.subject.inventory, bench.result(LEVEL)
    kept = {layer.parameter: layer.entries for layer in listed.prunable}
    nonzero = 0
    made = {at["step"]: at["kept"] for at in prunings_made(bench, 0)}
    for step in range(20):
        kept = made.get(step, kept)
        nonzero += sum(
            6 * 10 * layer.multiply_adds * kept[layer.parameter] // layer.entries for layer in listed.prunable
        )
    flops = gradual_flops(bench, 0, result, batch_size=10)
    assert flops.executed == 6 * 10 * 20 * listed.multiply_adds
    assert flops.nonzero == pytest.approx(nonzero, abs=20 * len(listed.prunable))
