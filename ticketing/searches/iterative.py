"""Train, prune the smallest, rewind, repeat (Frankle & Carbin 2018; Renda et al. 2020); looks at train and validation.

One-shot pruning is one level. Every level ends in a checkpoint that carries its figures and the next level's mask.
"""

from collections.abc import Mapping

from ticketing.counts import groups, kept_counts
from ticketing.criteria import CRITERIA
from ticketing.evaluation import evaluate
from ticketing.facts import say_completed, say_mask_drawn
from ticketing.findings import Findings
from ticketing.level_length import level_length
from ticketing.mask import Mask
from ticketing.results import Result
from ticketing.rewinding import Restart, restart_of
from ticketing.scope import select
from ticketing.seeds import derive
from ticketing.start import keeps_restarts
from ticketing.subject import placed
from ticketing.training import Trained
from ticketing.training_state import CurvePoint
from ticketing.where import Where
from ticketing.workbench import Workbench


def search(bench: Workbench, replicate: int) -> None:
    """Walk one replicate down the ladder; levels that are already in the journal are not trained again.

    Says `mask_drawn` and `level_completed` before the checkpoint that carries them. At the end the journal holds
    every mask, the result and curve of every level, and what `Findings` lists.

    Raises:
        Stopped: The observer asked to stop; the journal was saved.
        SearchError: The search could not go on.
    """
    ladder = kept_counts(bench.subject.inventory, bench.recipe, bench.start)
    restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
    found = Findings(bench.journal, bench.subject, restart=restart, seed=bench.recipe.seed)
    for level in range(len(ladder)):
        where = Where.of_search(replicate, level)
        if bench.passed(where):
            continue
        last = level == len(ladder) - 1
        trained = _level(bench, found, where, restart=restart, last=last)
        reached = where.at(trained.curve[-1].step)
        if not last:
            reached = Where.of_search(replicate, level + 1, restart.first_step)
            _draw(bench, found, reached, counts=ladder[level + 1])
        bench.between(reached)


def _level(bench: Workbench, found: Findings, where: Where, *, restart: Restart, last: bool) -> Trained:
    replicate, level = where.replicate, where.level
    mask = found.mask(replicate, level)
    if level == 0 and bench.subject.weights == "trained":
        trained, result = _as_uploaded(bench)
    else:
        trained, result = _trained(bench, found, where, restart=restart, mask=mask)
    bench.record(where, result, trained)
    if level == 0 and restart.first_step:
        found.keep_point(replicate, trained.captured[restart.first_step])
    if last or keeps_restarts(bench.recipe):
        found.keep_restart(replicate, level)
    if replicate == 0 and (last or bench.recipe.keep_levels == "models"):
        found.keep_trained(replicate, level, trained.best)
    found.keep_latest(replicate, None if last else trained.final)
    say_completed(bench, where, mask, result)
    return trained


def _trained(
    bench: Workbench, found: Findings, where: Where, *, restart: Restart, mask: Mask
) -> tuple[Trained, Result]:
    if where.level:
        bench.phase("rewind")
    length = level_length(bench.recipe, bench.per_epoch)
    rewind_point = found.rewind_point(where.replicate, where.level)
    bench.phase("train_level" if where.level else "train_dense")
    return bench.train(
        where,
        rewind_point,
        mask=mask,
        order_seed=order_seed(bench, where),
        first_step=restart.first_step if where.level else 0,
        last_step=length.last_step,
        patience=length.patience,
        fine_tune=restart.fine_tune and where.level > 0,
        capture_at=() if where.level else {restart.first_step},
    )


def _as_uploaded(bench: Workbench) -> tuple[Trained, Result]:
    """Take a model that came trained as level 0: its owner has made the dense run."""
    state, data = bench.subject.initial_state, bench.data
    network = placed(bench.subject.module, state, device=data.device)
    came = evaluate(network, data.x_validation, data.y_validation, precision=bench.recipe.training.precision)
    trained = Trained(dict(state), dict(state), (CurvePoint(0, came.loss, came.accuracy),), captured={}, updates=0)
    return trained, Result.of(trained, seconds=0.0)


def _draw(bench: Workbench, found: Findings, where: Where, *, counts: Mapping[str, int]) -> None:
    bench.phase("prune")
    recipe, replicate, level = bench.recipe, where.replicate, where.level
    before, members = found.mask(replicate, level - 1), groups(bench.subject.inventory, recipe)
    score = CRITERIA[recipe.criterion]
    mask = select(
        score(found.latest(replicate), found.initial(replicate), bench.subject.prunable),
        counts,
        members,
        within=before,
        allow_collapse=recipe.allow_collapse,
    )
    bench.invariants.mask_drawn(
        mask,
        before=before,
        counts=counts,
        groups=members,
        allow_collapse=recipe.allow_collapse,
        name=f"level {level}, replicate {replicate}",
    )
    found.keep_mask(replicate, level, mask)
    say_mask_drawn(bench, where, mask)


def order_seed(bench: Workbench, where: Where) -> int:
    """Give the seed of the order in which a level of a search sees its examples."""
    return derive(bench.recipe.seed, where.replicate, "order", "search", where.level)
