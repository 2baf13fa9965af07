"""What a fork may not change of its parent's recipe; arithmetic over two recipes."""

from ticketing.errors import Fault, RecipeError
from ticketing.folder import StartSpec
from ticketing.plans.start import keeps_restarts
from ticketing.recipe import Iterative
from ticketing.step import Step, iterations_per_epoch


def check_start(recipe: Iterative, start: StartSpec, *, train: int) -> None:
    """Check that a recipe can go on from where a fork starts.

    Args:
        recipe: The fork's, resolved.
        start: Where it starts.
        train: Examples that weights are fitted on, validation taken away.

    Raises:
        RecipeError: With one fault per field that asks for what the parent does not have.
    """
    faults = [*_faults(recipe, start), *_faults_of_rewind(recipe, start, train=train)]
    if faults:
        raise RecipeError("; ".join(fault.detail for fault in faults), faults)


def _faults(recipe: Iterative, start: StartSpec) -> list[Fault]:
    parent, faults = start.recipe, []
    if "gradual" in (recipe.schedule_of_pruning, parent.schedule_of_pruning):
        detail = "expected levels on both sides: a training that prunes on the way has no level to go on from, got "
        detail += f"{recipe.schedule_of_pruning} from {parent.schedule_of_pruning}"
        faults.append(Fault("/recipe/schedule_of_pruning", "not_inheritable", detail, ("levels",)))
    if recipe.seed != parent.seed:
        detail = f"expected the parent's seed {parent.seed}, which split and initialised it, got {recipe.seed}"
        faults.append(Fault("/recipe/seed", "not_inheritable", detail))
    if recipe.keep_levels == "models" and parent.keep_levels != "models":
        detail = f"expected masks: {start.job} kept no trained weights of the levels that are taken over, got models"
        faults.append(Fault("/recipe/keep_levels", "not_inheritable", detail, ("masks",)))
    if recipe.target is not None and recipe.target.max_accuracy_drop is not None:
        detail = "expected levels or target.sparsity: the way to an accuracy drop begins at the dense network"
        faults.append(Fault("/recipe/target/max_accuracy_drop", "not_inheritable", detail))
    for target, pointer in ((recipe.target, "/recipe/target/{}"), (parent.target, "/from_level")):
        if target is not None and target.of_slim is not None:
            detail = (
                f"expected levels on both sides: how wide {target.of_slim} ends a ladder is measured in its own job"
            )
            faults.append(Fault(pointer.format(target.of_slim), "not_inheritable", detail))
    if recipe.round_to != parent.round_to:
        detail = f"expected the parent's round_to {parent.round_to}, in which its widths are, got {recipe.round_to}"
        faults.append(Fault("/recipe/round_to", "not_inheritable", detail))
    if recipe.pruned != parent.pruned:
        detail = f"expected the parent's pruned {parent.pruned}, which decided what is held, got {recipe.pruned}"
        faults.append(Fault("/recipe/pruned", "not_inheritable", detail, (parent.pruned,)))
    looks_below = recipe.evidence.levels != "delivered" or recipe.keep_levels == "models"
    if looks_below and start.level > 1 and recipe.rewind != parent.rewind:
        detail = f"expected the parent's rewind {parent.rewind}, got {recipe.rewind}: restarts of the levels taken over"
        faults.append(Fault("/recipe/rewind", "not_inheritable", f"{detail} are asked for too"))
    elif looks_below and start.level > 1 and keeps_restarts(recipe) and not keeps_restarts(parent):
        came = recipe.evidence.levels if isinstance(recipe.evidence.levels, str) else [*recipe.evidence.levels]
        detail = f"expected delivered: {start.job} kept no restarts of the levels that are taken over, got {came}"
        faults.append(Fault("/recipe/evidence/levels", "not_inheritable", detail, ("delivered",)))
    if looks_below and start.level > 1 and (recipe.kept, recipe.keep_sign) != (parent.kept, parent.keep_sign):
        detail = f"expected the parent's kept {parent.kept}, keep_sign {parent.keep_sign}, got {recipe.kept}"
        faults.append(Fault("/recipe/kept", "not_inheritable", f"{detail}: starts of the levels taken over are asked"))
    return faults


def _faults_of_rewind(recipe: Iterative, start: StartSpec, *, train: int) -> list[Fault]:
    parent = start.recipe
    own = _update(recipe, train)
    if recipe.rewind != parent.rewind and "auto" in (recipe.rewind, parent.rewind) and recipe.rewind != Step("0it"):
        detail = f"expected the parent's rewind {parent.rewind}, or 0it, got {recipe.rewind}"
        return [Fault("/recipe/rewind", "not_inheritable", f"{detail}: what auto chose, and what on, is the parent's")]
    # Level 0's first update is known whatever the parent rewound to.
    if own == 0 or own == _update(parent, train):
        return []
    had = f"update {_update(parent, train)}" if isinstance(parent.rewind, Step) else f"none ({parent.rewind})"
    detail = f"expected the parent's rewind point, {had}, or 0it, got {recipe.rewind} = update {own}"
    return [Fault("/recipe/rewind", "not_inheritable", detail)]


def _update(recipe: Iterative, train: int) -> int:
    return recipe.rewind_update(iterations_per_epoch(train, recipe.training.batch_size))
