"""What a run cost: its searches, its certificate, and what it did not have to do; measures and writes nothing."""

from collections.abc import Sequence
from typing import Any

from ticketing.evidence.trainings import all_trainings, search_of
from ticketing.export.way import reused
from ticketing.journal.findings import Masks
from ticketing.journal.results import Result
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench
from ticketing.plans.costs import Flops, training_flops
from ticketing.plans.gradual import prunes_on_the_way
from ticketing.plans.narrowing import narrowed, parameters_with
from ticketing.plans.start import recipe_of_level
from ticketing.pruning.gradual import gradual_flops


def costs(bench: Bench[Any], found: Masks, *, judged: Sequence[int], replicate: int | None = None) -> dict[str, Any]:
    """Add up the work of the search and, apart from it, of the certificate; one update counts three forwards.

    `flops_executed` is of the dense kernels that really ran, the axis on which searches are compared. What a fork took
    over from its parent is in neither, and stands beside them. With `replicate` of that search alone.
    """
    head = "search/" if replicate is None else f"search/{replicate}/"
    searched = [Where.of_piece(piece) for piece in bench.journal.facts if piece.startswith(head)]
    search = [where for where in searched if not bench.inherited(where)]
    inherited = [w for w in searched if bench.inherited(w)]
    certified = all_trainings(bench, judged)
    certificate = [where for where in certified if not bench.reused(where)]
    return {
        **{f"search_{name}": value for name, value in _work(bench, [bench.result(w) for w in search]).items()},
        **{
            f"certificate_{name}": value for name, value in _work(bench, [bench.result(w) for w in certificate]).items()
        },
        "flops_executed": (flops := _flops(bench, found, search)).executed,
        "flops_nonzero": flops.nonzero,
        "certificate_flops": sum(_executed(bench, found, where) for where in certificate),
        **reused(bench, certified),
        **(_taken_over(bench, found, inherited) if bench.start else {}),
    }


def _taken_over(bench: Bench[Any], found: Masks, inherited: Sequence[Where]) -> dict[str, Any]:
    """Add up what the levels cost that a fork took over: this run did not do it, but somebody did."""
    flops = Flops(0, 0)
    for where in inherited:
        recipe = recipe_of_level(where.level, bench.recipe, bench.start)
        flops += training_flops(
            bench.subject.inventory,
            found.carrying(where.replicate, where.level).counts(),
            updates=bench.result(where).updates,
            batch_size=min(recipe.training.batch_size, len(bench.data.y_train)),
            multiply_adds=bench.result(where).multiply_adds,
        )
    results = [bench.result(where) for where in inherited]
    return {
        "inherited_trainings": len(inherited),
        "inherited_updates": sum(result.updates for result in results),
        "inherited_seconds": round(sum(result.seconds for result in results), 3),
        "inherited_flops": flops.executed,
    }


def _executed(bench: Bench[Any], found: Masks, where: Where) -> int:
    """Count the operations of a certificate training, of the kernels that ran."""
    listed = bench.subject.inventory
    if where.branch == "small_dense":
        kept = found.mask(search_of(bench, where.replicate), where.level).kept_count
        listed = narrowed(listed, parameters_with(listed, kept))
    result = bench.result(where)
    work = training_flops(
        listed, None, updates=result.updates, batch_size=_batch(bench), multiply_adds=result.multiply_adds
    )
    return work.executed


def _work(bench: Bench[Any], done: Sequence[Result]) -> dict[str, Any]:
    updates = sum(result.updates for result in done)
    return {
        "trainings": len(done),
        "updates": updates,
        "samples": updates * _batch(bench),
        "seconds": round(sum(result.seconds for result in done), 3),
    }


def _flops(bench: Bench[Any], found: Masks, searched: Sequence[Where]) -> Flops:
    flops = Flops(0, 0)
    for where in searched:
        result = bench.result(where)
        if where.level and prunes_on_the_way(bench.recipe):
            flops += gradual_flops(bench, where.replicate, result, batch_size=_batch(bench))
            continue
        flops += training_flops(
            bench.subject.inventory,
            found.carrying(where.replicate, where.level).counts(),
            updates=result.updates,
            batch_size=_batch(bench),
            multiply_adds=result.multiply_adds,
        )
    return flops


def _batch(bench: Bench[Any]) -> int:
    asked: int = bench.recipe.training.batch_size
    return min(asked, len(bench.data.y_train))
