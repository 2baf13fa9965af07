"""Train, score, prune, rewind, repeat (Frankle & Carbin 2018; Renda et al. 2020); looks at train and validation.

One-shot pruning is one level. Every level ends in a checkpoint that carries its figures and the next level's mask.
Which level is next, and what it is cut from, `ticketing.ladder.ways` says.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from ticketing.actions import Actions
from ticketing.analysis.fit import on_train
from ticketing.analysis.stability import check_sparse, choose_rewind, lacks_sparse_check
from ticketing.errors import CollapseError
from ticketing.journal.facts import say_completed
from ticketing.journal.findings import Findings
from ticketing.journal.results import Result
from ticketing.journal.reuse import KEPT, Course, forget, train_once
from ticketing.journal.structure import kept_in, sets_in
from ticketing.journal.walk import allowed_drop, collapse, next_cut, walked_at, warnings_of_end, way_of
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.ladder.counts import kept_counts
from ticketing.ladder.level_length import level_length
from ticketing.ladder.ways import Cut, Walked, sorted_out
from ticketing.mask import Mask
from ticketing.plans.start import keeps_restarts
from ticketing.pruning.drawing import draw
from ticketing.pruning.gradual import train_and_prune
from ticketing.seeds import order_of_level
from ticketing.subject import placed
from ticketing.training.evaluation import evaluate
from ticketing.training.rewinding import STABILITY, Restart, initial_state, restart_of, settled
from ticketing.training.state import CurvePoint
from ticketing.training.trained import Trained


def search(bench: Workbench, replicate: int) -> None:
    """Walk one replicate down the ladder; levels that are already in the journal are not trained again.

    Says `mask_drawn` and `level_completed` before the checkpoint that carries them. At the end the journal holds
    every mask, the result and curve of every level, and what `Findings` lists.

    Raises:
        Stopped: The observer asked to stop; the journal was saved.
        SearchError: The search could not go on.
    """
    if bench.recipe.rewind == "auto" and STABILITY not in bench.journal.facts:
        choose_rewind(bench, partial(_dense_run, bench))
    ladder = kept_counts(bench.subject.inventory, bench.recipe, bench.start, sets_in(bench))
    restart = restart_of(settled(bench.recipe, bench.journal.facts), per_epoch=bench.per_epoch)
    actions = Actions.of(bench.recipe)
    found = Findings(bench.journal, bench.subject, restart=restart, seed=bench.recipe.seed, actions=actions)
    way, walked = way_of(bench, replicate), list[Walked]()
    here: Cut | None = Cut(0, after=0)
    while here is not None:
        where = Where.of_search(replicate, here.level)
        made = None if bench.passed(where) else _level(bench, found, where, restart=restart)
        walked.append(walked_at(bench, where, made[1] if made else bench.result(where)))
        following = next_cut(bench, replicate, way, walked)
        if made is not None:
            _keep(bench, found, here, walked, *made, replicate=replicate, last=following is None)
            while following is not None and not _drawn(bench, found, following, replicate, ladder, restart):
                following = next_cut(bench, replicate, way, walked)
            if following is None:
                found.keep_latest(replicate, None)
                for warning in warnings_of_end(bench) if replicate == 0 else ():
                    bench.say("warning", **warning)
            bench.between(_reached(bench, where, made[0], following, restart))
        here = following


def _reached(bench: Workbench, where: Where, trained: Trained, following: Cut | None, restart: Restart) -> Where:
    """Say where a search stands after a level: at the beginning of the next, or at its end."""
    if following is None:
        return where.at(trained.curve[-1].step)
    coming = Where.of_search(where.replicate, following.level)
    return coming if _prunes(bench, coming) else coming.at(restart.first_step)


def _level(bench: Workbench, found: Findings, where: Where, *, restart: Restart) -> tuple[Trained, Result]:
    if where.level == 0 and bench.subject.weights == "trained":
        trained, result = _as_uploaded(bench)
        return trained, result.fitting(on_train(bench, trained.final))
    trained, result = (_pruned_on_the_way if _prunes(bench, where) else _trained)(bench, found, where, restart=restart)
    if where.level == 0 and restart.first_step:
        found.keep_point(where.replicate, trained.captured[restart.first_step])
    if where.replicate == 0 and where.level and lacks_sparse_check(bench):
        start, mask = found.rewind_point(0, where.level), found.mask(0, where.level)
        check_sparse(bench, where, restart.first_step, start, mask=mask, trained=trained)
    forget(bench.journal, KEPT)
    return trained, result.fitting(on_train(bench, trained.final))


def _prunes(bench: Workbench, where: Where) -> bool:
    """Say whether a level is the one training that prunes on the way, and so begins at the dense network."""
    return bench.recipe.schedule_of_pruning == "gradual" and where.level > 0


def _pruned_on_the_way(bench: Workbench, found: Findings, where: Where, *, restart: Restart) -> tuple[Trained, Result]:
    made = train_and_prune(bench, found, where)
    if restart.from_trained:
        found.keep_latest(where.replicate, made[0].final)
    return made


def _keep(
    bench: Workbench,
    found: Findings,
    here: Cut,
    walked: list[Walked],
    trained: Trained,
    result: Result,
    *,
    replicate: int,
    last: bool,
) -> None:
    """Keep what a level came to: what may be delivered or looked at, and what the next level is cut from."""
    where, drop = Where.of_search(replicate, here.level), allowed_drop(bench.recipe)
    level, within = here.level, replicate > 0 or here.level in sorted_out(walked, drop)[0]
    deliverable = within and (last or drop is not None)
    bench.record(where, result, trained)
    if deliverable or keeps_restarts(bench.recipe):
        found.keep_restart(replicate, level, after=here.after)
    models = bench.recipe.keep_levels == "models"
    if replicate == 0 and (deliverable or models):
        found.keep_trained(replicate, level, trained.best)
    if within:
        found.keep_latest(replicate, trained.final)
    if within and drop is not None and level and not models and not keeps_restarts(bench.recipe):
        found.forget_weights(replicate, here.after)
    say_completed(bench, where, found.mask(replicate, level), result)


def _trained(bench: Workbench, found: Findings, where: Where, *, restart: Restart) -> tuple[Trained, Result]:
    if where.level:
        bench.phase("rewind")
    start = found.start(where.replicate, where.level)
    bench.phase("train_level" if where.level else "train_dense")
    course = _course(bench, where, mask=found.mask(where.replicate, where.level), restart=restart)
    captures = () if where.level else (restart.first_step,)
    if bench.recipe.rewind == "auto" and where.replicate == 0:
        return train_once(bench, where, start, course, capture_at=captures)
    return bench.train(where, start, **vars(course), capture_at=captures)


def _dense_run(bench: Workbench, capture_at: tuple[int, ...]) -> Trained:
    """Train level 0 of the first search before it is known where kept weights restart; the walk takes it from there."""
    bench.phase("train_dense")
    where, start = Where.of_search(0, 0), initial_state(bench.subject, seed=bench.recipe.seed, replicate=0)
    course = _course(bench, where, mask=Mask.full(bench.subject.shapes), restart=None)
    return train_once(bench, where, start, course, capture_at=capture_at)[0]


def _course(bench: Workbench, where: Where, *, mask: Mask, restart: Restart | None) -> Course:
    """Say how a level trains; level 0 from its beginning, however the others restart."""
    length = level_length(bench.recipe, bench.per_epoch)
    again = restart if where.level else None
    return Course(
        mask,
        order_of_level(bench.recipe.seed, where.replicate, where.level),
        first_step=again.first_step if again else 0,
        last_step=length.last_step,
        patience=length.patience,
        fine_tune=again.fine_tune if again else False,
        kept=kept_in(bench, mask),
    )


def _as_uploaded(bench: Workbench) -> tuple[Trained, Result]:
    """Take a model that came trained as level 0: its owner has made the dense run."""
    state, data = bench.subject.initial_state, bench.data
    network = placed(bench.subject.module, state, device=data.device)
    came = evaluate(network, data.x_validation, data.y_validation, precision=bench.recipe.training.precision)
    trained = Trained(dict(state), dict(state), (CurvePoint(0, came.loss, came.accuracy),), captured={}, updates=0)
    return trained, Result.of(trained, seconds=0.0)


def _drawn(
    bench: Workbench,
    found: Findings,
    cut: Cut,
    replicate: int,
    ladder: Sequence[Mapping[str, int]],
    restart: Restart,
) -> bool:
    """Draw the mask of the next level; say whether there is one. A candidate of the first search on its way to an
    accuracy drop may leave a layer nothing: then it is beyond the drop. A training that prunes draws its own."""
    where = Where.of_search(replicate, cut.level, restart.first_step)
    if _prunes(bench, where):
        return True
    try:
        draw(bench, found, where, counts=ladder[cut.level], after=cut.after)
    except CollapseError:
        if allowed_drop(bench.recipe) is None or replicate:
            raise
        bench.journal.record(collapse(replicate, cut.level), {})
        return False
    return True
