"""The one training that prunes on the way, in place of a ladder's levels; knows no rewind point and no certificate.

It is the dense run's twin up to its first pruning: the same weights, the same examples in the same order, the same
rates, so that a rewind point before it is a state of both.

| piece             | what                                                                  |
| `gradual/r`       | after which updates search r pruned, and what every parameter kept then |
| `gradual_curve/r` | its evaluations under the masks before the last                       |
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ticketing.criteria import Candidates
from ticketing.journal.facts import say_mask_drawn
from ticketing.journal.findings import Findings
from ticketing.journal.results import Result, curve_of, curve_tensor
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.ladder.counts import kept_counts
from ticketing.mask import Mask
from ticketing.plans.costs import Flops, training_flops
from ticketing.plans.gradual import prunings_of
from ticketing.pruning.drawing import selected
from ticketing.pruning.scoring import scores_of
from ticketing.seeds import derive, order_of_level
from ticketing.training.pruning import Pruning
from ticketing.training.trained import Trained


def train_and_prune(bench: Workbench, found: Findings, where: Where) -> tuple[Trained, Result]:
    """Train from the first weights to the end and prune on the way, on the schedule of the recipe.

    Leaves the mask in the journal once it is the last one, and says `mask_drawn` then; what was trained begins at the
    dense network and ends under that mask.

    Args:
        bench: Of the run.
        found: Its findings.
        where: Level 1 of a search.

    Raises:
        Stopped: The observer asked to stop; the journal was saved.
        SearchError: The training diverged, or a parameter would keep nothing.
    """
    schedule = prunings_of(bench.recipe, bench.per_epoch)
    assert schedule is not None
    full = Mask.full(bench.subject.shapes)
    dense, final = kept_counts(bench.subject.inventory, bench.recipe)
    _say_phase(bench, where)

    def draw(step: int, weights: Mapping[str, Tensor], within: Mask) -> Mask:
        counts = schedule.counts(step, dense=dense, final=final)
        mask, ineligible = _drawn(bench, found, where.at(step), counts, weights=weights, within=within)
        if step == schedule.end:
            _keep_last(bench, found, where.at(step), mask, ineligible)
        return mask

    pruning = Pruning(frozenset(schedule.steps), draw, full)
    start, order = found.initial(where.replicate), order_of_level(bench.recipe.seed, where.replicate, 0)
    trained, result = bench.train(where, start, mask=full, order_seed=order, pruning=pruning)
    bench.journal.record(f"gradual_curve/{where.replicate}", {}, {"curve": curve_tensor(trained.outgrown)})
    return trained, result


def _say_phase(bench: Workbench, where: Where) -> None:
    under_way = (
        prunings_made(bench, where.replicate) and f"mask/{where.replicate}/{where.level}" not in bench.journal.facts
    )
    bench.phase("prune" if under_way else "train_level")


def _drawn(
    bench: Workbench,
    found: Findings,
    where: Where,
    counts: Mapping[str, int],
    *,
    weights: Mapping[str, Tensor],
    within: Mask,
) -> tuple[Mask, int | None]:
    """Draw the mask after an update from the weights as they are then, and count the ineligible entries it keeps."""
    recipe, replicate, step = bench.recipe, where.replicate, where.step
    candidates = Candidates(
        within=within,
        initial=found.initial(replicate),
        trained={name: weight.cpu() for name, weight in weights.items()},
        seed=derive(recipe.seed, replicate, "mask_noise", "gradual", step),
        measure_gradients=dict,  # no criterion that looks at them is accepted
    )
    scores = scores_of(recipe, candidates, ties=derive(recipe.seed, replicate, "ties", "gradual", step))
    mask = selected(bench, scores, counts, within=within, name=f"after update {step}, replicate {replicate}")
    made = [*prunings_made(bench, replicate), {"step": step, "kept": mask.counts()}]
    bench.journal.record(f"gradual/{replicate}", {"prunings": made})
    bench.phase("prune")
    return mask, scores.ineligible_in(mask)


def _keep_last(bench: Workbench, found: Findings, where: Where, mask: Mask, ineligible: int | None) -> None:
    found.keep_mask(where.replicate, where.level, mask)
    if ineligible is not None:
        found.keep_ineligible(where.replicate, where.level, ineligible)
    more = {} if ineligible is None else {"ineligible_kept": ineligible}
    say_mask_drawn(bench, where, mask, step=where.step, **more)
    bench.phase("train_level")


def prunings_made(bench: Workbench, replicate: int) -> list[dict[str, Any]]:
    """List the prunings of a search so far: after which update, and how many entries each parameter kept."""
    return list(bench.journal.facts.get(f"gradual/{replicate}", {"prunings": []})["prunings"])


def curve_while_pruning(bench: Workbench, replicate: int) -> list[list[float]]:
    """List the evaluations of a search's training before its last pruning: step, validation loss and accuracy."""
    points = curve_of(bench.journal.tensors[f"gradual_curve/{replicate}"]["curve"])
    return [[step, round(loss, 6), round(accuracy, 6)] for step, loss, accuracy in points]


def gradual_flops(bench: Workbench, replicate: int, result: Result, *, batch_size: int) -> Flops:
    """Count the operations of the whole training: every stretch between two prunings by what was kept then."""
    flops, begun = Flops(0, 0), 0
    kept: Mapping[str, int] | None = None
    for until, after in [*((made["step"], made["kept"]) for made in prunings_made(bench, replicate)), (None, None)]:
        updates = (result.updates if until is None else until) - begun
        flops += training_flops(bench.subject.inventory, kept, updates=updates, batch_size=batch_size)
        begun, kept = begun + updates, after
    return flops
