"""Which fields of a recipe contradict each other, and what a reader must know of those that agree; knows no model."""

from collections.abc import Iterator

from ticketing.errors import Fault, RecipeError
from ticketing.plans.gradual import contradictions_of_gradual
from ticketing.plans.structure import contradictions_of_structure
from ticketing.recipe import DENSE_LENGTHS, Iterative, TicketRecipe
from ticketing.recipe.masking import MAGNITUDES, NEED_INITIAL, RANDOM_KEPT, TAKE_A_SIGN
from ticketing.step import Step


def contradictions(recipe: Iterative, *, at: str = "/recipe") -> Iterator[Fault]:
    """List fields that ask for what another field rules out; `at` is put in front of every pointer."""
    if recipe.scope == "lamp" and recipe.criterion not in MAGNITUDES:
        allowed = tuple(sorted(MAGNITUDES))
        detail = f"expected a criterion whose scores are sizes with scope lamp, got {recipe.criterion}"
        yield Fault(f"{at}/criterion", "not_a_size", detail, allowed)
    if recipe.keep_sign and recipe.kept not in TAKE_A_SIGN:
        detail = f"expected false: kept {recipe.kept} has no sign to put in place, got true"
        yield Fault(f"{at}/keep_sign", "no_sign_to_keep", detail)
    from_start = isinstance(recipe.rewind, Step) and recipe.rewind.count == 0
    for field, default in (("kept", "rewind"), ("pruned", "zero")):
        asked = getattr(recipe, field)
        if asked != default and not from_start:
            detail = f"expected {default} with rewind {recipe.rewind}, got {asked}: it acts on the weights at 0it"
            yield Fault(f"{at}/{field}", "needs_rewind_to_start", detail, (default,))
    yield from _of_dense_length(recipe, at=at)
    yield from _of_levels(recipe, recipe.levels, at=at)
    if recipe.pruned != "zero" and "sparse" in recipe.outputs:
        detail = f"expected no sparse file: with pruned {recipe.pruned} removed entries are not all zero"
        yield Fault(f"{at}/outputs", "not_sparse", detail, ("ticket", "model", "mask"))
    yield from contradictions_of_gradual(recipe, at=at)
    yield from contradictions_of_structure(recipe, at=at)


def refuse_levels_beyond(recipe: TicketRecipe, last: int) -> None:
    """Refuse evidence at levels that a ladder does not have.

    Args:
        recipe: Whole.
        last: The ladder's last level.

    Raises:
        RecipeError: There are such levels.
    """
    if faults := list(_of_levels(recipe, last, at="/recipe")):
        raise RecipeError(faults[0].detail, faults)


def _of_levels(recipe: TicketRecipe, last: int | None, *, at: str) -> Iterator[Fault]:
    """List what is wrong with the levels that evidence is asked for at; `last` is None until it is known."""
    levels, pointer = recipe.evidence.levels, f"{at}/evidence/levels"
    if isinstance(levels, str):
        return
    target, budget = (recipe.target, recipe.budget) if isinstance(recipe, Iterative) else (None, None)
    if target is not None and target.sparsity is None:
        known = "the slim network is measured" if target.of_slim else "it is walked"
        detail = f"expected delivered or all: which levels the way to the target has is known once {known}"
        yield Fault(pointer, "levels_unknown", f"{detail}, got {list(levels)}", ("delivered", "all"))
    elif budget is not None and budget.seconds is not None:
        detail = f"expected delivered or all: at which level the budget's seconds end is not known, got {list(levels)}"
        yield Fault(pointer, "levels_unknown", detail, ("delivered", "all"))
    elif last is not None and levels[-1] > last:
        detail = f"expected levels from 1 to {last}, the last of the ladder, got {levels[-1]}"
        yield Fault(pointer, "no_such_level", detail)


def _of_dense_length(recipe: Iterative, *, at: str) -> Iterator[Fault]:
    """List controls of another length than dense that the rewinding leaves without a length of their own."""
    trained_on, pointer = recipe.rewind in ("lr", "none"), f"{at}/evidence/controls"
    for control in recipe.evidence.controls:
        if control not in DENSE_LENGTHS:
            continue
        if recipe.rewind == "auto":
            detail = (
                f"expected no {control} with rewind auto: how long it trains is known once a rewind point is chosen"
            )
            yield Fault(pointer, "length_unknown", detail)
        elif control == "dense_short" and trained_on:
            detail = (
                f"with rewind {recipe.rewind} the ticket goes on from the whole dense run: nothing shorter has as much"
            )
            yield Fault(pointer, "no_shorter_dense", f"expected dense_long in place of dense_short: {detail}")
        elif control == "dense_long" and not trained_on:
            detail = f"with rewind {recipe.rewind} the ticket has as many updates behind it as dense"
            yield Fault(pointer, "no_longer_dense", f"expected dense_short or neither: {detail}, got dense_long")


def misfits_of_trained(recipe: Iterative, *, at: str = "/recipe") -> Iterator[Fault]:
    """List what cannot be asked of a model that came trained: its weights before training are not known."""
    if recipe.criterion in NEED_INITIAL:
        detail = f"expected a criterion of trained weights: the model came trained, got {recipe.criterion}"
        yield Fault(f"{at}/criterion", "initial_unknown", detail, ("large_final", "small_final", "random"))


def remarks(recipe: Iterative) -> Iterator[tuple[str, str]]:
    """List what the fields mean together and none says alone, as (code, detail)."""
    if recipe.pruned != "zero":
        yield (
            "pruned_not_zero",
            f"with pruned {recipe.pruned} removed entries may hold their initial weights: they are not trained, "
            "but no file is smaller, and sparsity counts what is untrained",
        )
    if "reinit" in recipe.evidence.controls and recipe.kept in RANDOM_KEPT and not recipe.keep_sign:
        yield (
            "control_like_ticket",
            f"with kept {recipe.kept} ticket and reinit are two draws of one kind: to beat it would be luck",
        )
