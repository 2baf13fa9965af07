"""ticketing.evidence.birds: what is trained beside a slim ticket, on one unseen order, and tested."""

from collections.abc import Callable

import pytest

from ticketing.channels.scales import scales_of
from ticketing.errors import InvariantError
from ticketing.evidence.birds import _drawn, gather
from ticketing.evidence.judgement import Judge
from ticketing.evidence.trainings import CHOICE
from ticketing.journal.birds import birds_of
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench
from ticketing.observer import RecordingObserver, Stopped
from ticketing.recipe.early_bird import EarlyBird
from ticketing.searches.early_bird import search
from ticketing.seeds import derive
from ticketing.training.loop import train

PER_EPOCH = 3
EVIDENCE = {
    "replicates": 2,
    "replicates_of": "retrain",
    "controls": ["reinit", "shuffle", "reinit_shuffle", "random"],
    "levels": "delivered",
}
BRANCHES = ("ticket", *EVIDENCE["controls"])
MakeBirdBench = Callable[..., Bench[EarlyBird]]


def gathered(bench: Bench[EarlyBird]) -> Bench[EarlyBird]:
    search(bench, 0)
    bench.journal.record(CHOICE, {"level": 1})
    gather(bench, levels=(1,))
    return bench


def test_a_slim_ticket_is_tested_beside_dense_and_every_control(make_bird_bench: MakeBirdBench) -> None:
    bench = gathered(make_bird_bench(evidence=EVIDENCE))
    epoch = birds_of(bench).epoch(0, 1)
    updates = {
        branch: bench.result(Where(1, "certificate", branch, 0 if branch == "dense" else 1)).updates
        for branch in ("dense", *BRANCHES)
    }
    rest, whole = (10 - epoch) * PER_EPOCH, 10 * PER_EPOCH
    assert updates == {
        "dense": whole, "ticket": rest, "reinit": whole, "shuffle": rest, "reinit_shuffle": whole, "random": rest
    }  # fmt: skip
    judge = Judge(bench.journal, bench.recipe.evidence, 0, len(bench.data.y_test))
    assert judge.replicates(1) == 2
    certificate = judge.certificate(1)
    assert set(certificate.controls) == set(BRANCHES[1:])
    assert certificate.verdict == "inconclusive"
    assert bench.invariants.checked["control_differs"] == 2 * 4
    assert bench.invariants.checked["order_unseen"] == bench.invariants.checked["test_after_choice"] == 2 * 6
    # Ticket and reinit are as wide as each other, and narrower than the whole network.
    costs = {branch: bench.result(Where(0, "certificate", branch, 1)).multiply_adds for branch in BRANCHES}
    assert costs["ticket"] == costs["reinit"] == costs["shuffle"] == costs["reinit_shuffle"]
    assert costs["ticket"] < bench.subject.inventory.multiply_adds


def test_dense_is_trained_as_it_would_be_without_a_search(make_bird_bench: MakeBirdBench) -> None:
    bench = gathered(make_bird_bench(evidence=EVIDENCE | {"replicates": 1, "controls": []}))
    plain = train(
        bench.subject.module,
        bench.subject.initial_state,
        data=bench.data,
        training=bench.recipe.training,
        order_seed=derive(0, 0, "order", "certificate"),
        observer=RecordingObserver(),
    )
    result = bench.result(Where(0, "certificate", "dense", 0))
    assert (result.loss, result.accuracy) == (plain.early_stop.loss, plain.early_stop.accuracy)


def test_nobody_looks_at_the_test_split_before_the_choice(make_bird_bench: MakeBirdBench) -> None:
    bench = make_bird_bench(evidence=EVIDENCE)
    search(bench, 0)
    with pytest.raises(InvariantError, match="after the level was chosen"):
        gather(bench, levels=(1,))


def test_stopped_between_or_within_it_comes_to_the_same_answers(make_bird_bench: MakeBirdBench) -> None:
    evidence = EVIDENCE | {"replicates": 1, "controls": ["shuffle"]}
    undisturbed = gathered(make_bird_bench(evidence=evidence, folder="undisturbed"))
    with pytest.raises(Stopped):
        gathered(make_bird_bench(evidence=evidence, observer=RecordingObserver(stop_after=70)))
    bench = make_bird_bench(evidence=evidence)
    assert bench.journal.resumed_from is not None
    assert bench.journal.resumed_from.where.stage == "certificate"
    gathered(bench)
    for branch in ("ticket", "shuffle"):
        piece = Where(0, "certificate", branch, 1).piece
        for name, tensor in undisturbed.journal.tensors[piece].items():
            assert bool((bench.journal.tensors[piece][name] == tensor).all())


def test_a_random_ticket_of_a_network_that_attends_has_as_many_heads_and_units(make_bird_bench: MakeBirdBench) -> None:
    evidence = EVIDENCE | {"replicates": 1, "controls": ["shuffle", "random"]}
    bench = gathered(make_bird_bench(attends=True, channel_sparsities=[0.25], evidence=evidence))
    assert bench.invariants.checked["control_differs"] == 2
    kept = birds_of(bench).kept(0, 1)
    kinds = scales_of(bench.subject.inventory, bench.channels).kinds
    drawn = _drawn(bench, Where(0, "certificate", "random", 1)).kept
    assert drawn is not None
    assert {kind: int(drawn[own].sum()) for kind, own in kinds.items()} == {
        kind: int(kept[own].sum()) for kind, own in kinds.items()
    }
    assert bool((drawn ^ kept).any())
