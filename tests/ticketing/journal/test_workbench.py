"""ticketing.journal.workbench: a training stopped anywhere ends with the same bits; what is said is in order."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from ticketing.journal.checkpoint import Unfinished
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.mask import Mask
from ticketing.models import sparse_linear
from ticketing.observer import RecordingObserver, Stopped
from ticketing.sparse import same_bits
from ticketing.training import lean
from ticketing.training.loop import Checkpointing, train
from ticketing.training.state import TrainingState
from ticketing.training.trained import Trained

WHERE = Where(replicate=0, stage="search", branch="ticket", level=1)


def every(n: int, bench: Workbench) -> Mask:
    """Every n-th entry."""
    full = Mask.full(bench.subject.shapes)
    return Mask({name: torch.arange(kept.numel()).reshape(kept.shape) % n == 0 for name, kept in full.items()})


def half(bench: Workbench) -> Mask:
    """Trained on the whole network."""
    return every(2, bench)


def seventh(bench: Workbench) -> Mask:
    """Trained as the kept entries alone."""
    return every(7, bench)


def trained(bench: Workbench, mask: Callable[[Workbench], Mask] = half, **more: Any) -> Trained:
    return bench.train(WHERE, bench.subject.initial_state, mask=mask(bench), order_seed=1, **more)[0]


def stopped_and_gone_on(make_bench: Any, updates: int, **more: Any) -> Trained:
    """Stop after so many updates, open the journal anew and go on."""
    with pytest.raises(Stopped):
        trained(make_bench(observer=RecordingObserver(stop_after=updates - 1)), **more)
    bench = make_bench()
    assert bench.journal.resumed_from.where == WHERE.at(updates + more.get("first_step", 0))
    return trained(bench, **more)


@pytest.mark.parametrize("mask", [half, seventh])
@pytest.mark.parametrize("updates", [1, 7, 10, 19])
def test_a_training_stopped_at_any_update_ends_with_the_same_bits(
    make_bench: Any, tmp_path: Any, updates: int, mask: Any
) -> None:
    undisturbed = trained(make_bench(folder=tmp_path / "undisturbed"), mask)
    interrupted = stopped_and_gone_on(make_bench, updates, mask=mask)
    assert same_bits(interrupted.final, undisturbed.final)
    assert same_bits(interrupted.best, undisturbed.best)
    assert interrupted.curve == undisturbed.curve


def test_a_late_start_is_resumed_at_its_own_step(make_bench: Any, tmp_path: Any) -> None:
    undisturbed = trained(make_bench(folder=tmp_path / "undisturbed"), first_step=6)
    assert same_bits(stopped_and_gone_on(make_bench, 5, first_step=6).final, undisturbed.final)


def test_without_the_samplers_position_the_result_is_another(make_bench: Any, tmp_path: Any) -> None:
    undisturbed = trained(make_bench(folder=tmp_path / "undisturbed"))
    with pytest.raises(Stopped):
        trained(make_bench(observer=RecordingObserver(stop_after=6)))
    bench = make_bench()
    bench.journal.unfinished.facts["training"]["order"] = {"epoch": 0, "position": 0}
    assert not same_bits(trained(bench).final, undisturbed.final)


def test_checkpoints_come_every_so_many_seconds(make_bench: Any) -> None:
    bench = make_bench(checkpoint_seconds=8.0)  # the clock of the test goes on by 1 each time it is read
    trained(bench)
    steps = [saved["where"]["step"] for saved in bench.observer.of_type("checkpoint_saved")]
    assert len(steps) > 1
    assert steps == sorted(set(steps))
    assert all(0 < step < 20 for step in steps)


def test_progress_tells_the_place_in_the_whole_run(make_bench: Any) -> None:
    bench = make_bench()
    trained(bench)
    told = bench.observer.last_progress
    assert told["fraction"] == 20 / bench.plan.updates
    assert (told["level"], told["levels_total"], told["step"], told["steps_total"]) == (1, 2, 20, 20)
    assert (told["epoch"], told["epochs_total"], told["replicate"], told["branch"]) == (2, 3, 0, "ticket")
    assert told["seconds_remaining"] > 0


def test_updates_that_were_made_before_count_as_made(make_bench: Any) -> None:
    bench = make_bench()
    bench.progress.skip(WHERE, 20)
    trained(bench)
    assert bench.observer.last_progress["fraction"] == 40 / bench.plan.updates


def test_promises_are_checked_while_training(make_bench: Any) -> None:
    bench = make_bench()
    bench.train(WHERE, bench.subject.initial_state, mask=half(bench), order_seed=1)
    checked = bench.invariants.checked
    assert (checked["masked_entries_zero"], checked["survivors_rewound"], checked["optimizer_reset"]) == (4, 1, 1)


def test_what_a_lean_training_hands_on_is_checked_whole(make_bench: Any) -> None:
    bench = make_bench()
    final = trained(bench, seventh).final
    assert bench.invariants.checked["masked_entries_zero"] == 1
    assert {name: final[name].shape for name in bench.subject.shapes} == bench.subject.shapes


def test_a_training_begun_on_the_whole_network_goes_on_with_the_whole_of_it(make_bench: Any) -> None:
    """As a host began it that has dense kernels alone."""
    bench = make_bench(observer=RecordingObserver(stop_after=6))

    def save(state: TrainingState) -> None:
        tensors, facts = state.to_tensors()
        here = WHERE.at(state.step)
        bench.save(here, Unfinished(here, {"training": facts, "seconds": 0.0}, tensors))

    asked = {"data": bench.data, "training": bench.recipe.training, "mask": seventh(bench), "order_seed": 1}
    start = (bench.subject.module, bench.subject.initial_state)
    undisturbed = train(*start, **asked, observer=RecordingObserver())
    saving = Checkpointing(save, 1e9, bench.clock)
    with pytest.raises(Stopped):
        train(*start, **asked, observer=bench.observer, checkpointing=saving, capture_at={0})
    assert same_bits(trained(make_bench(), seventh).final, undisturbed.final)


def test_a_lean_training_goes_on_lean_on_a_host_without_the_kernels(
    make_bench: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = trained(make_bench(folder=tmp_path / "undisturbed"), seventh)
    with pytest.raises(Stopped):
        trained(make_bench(observer=RecordingObserver(stop_after=6)), seventh)
    for module in (lean, sparse_linear):
        monkeypatch.setattr(module, "at_hand", lambda device: False)
    final = trained(make_bench(), seventh).final
    assert all(torch.allclose(final[name], tensor, atol=1e-5) for name, tensor in undisturbed.final.items())


def test_what_was_left_out_is_told_and_a_whole_network_tells_nothing(make_bench: Any) -> None:
    results = [
        (bench := make_bench()).train(WHERE, bench.subject.initial_state, mask=mask(bench), order_seed=1)[1]
        for mask in (seventh, half)
    ]
    assert [result.multiply_adds for result in results] == [seventh(bench).kept_count, None]


def test_the_seconds_of_all_attempts_are_added(make_bench: Any) -> None:
    with pytest.raises(Stopped):
        trained(make_bench(observer=RecordingObserver(stop_after=9)))
    bench = make_bench()
    before = bench.journal.unfinished.facts["seconds"]
    _, result = bench.train(WHERE, bench.subject.initial_state, mask=half(bench), order_seed=1)
    assert result.seconds > before > 0


def test_a_unit_that_is_cut_off_is_left_in_where_removed_entries_hold_weights(make_bench: Any) -> None:
    bench: Workbench = make_bench(pruned="freeze")
    # No input of the last twelve units is kept: under zeros they would be constants.
    kept = Mask.full(bench.subject.shapes)
    mask = Mask({**kept, "fc1.weight": kept["fc1.weight"] & (torch.arange(16) < 4).unsqueeze(1), "fc2.weight":
                 kept["fc2.weight"] & (torch.arange(16) < 4)})  # fmt: skip
    trained, _ = bench.train(Where.of_search(0, 1), bench.subject.initial_state, mask=mask, order_seed=0)
    assert not torch.equal(trained.final["fc1.bias"][4:], bench.subject.initial_state["fc1.bias"][4:])
    assert torch.equal(trained.final["fc1.weight"][4:], bench.subject.initial_state["fc1.weight"][4:])
