"""Which fields of a recipe contradict each other, and what a reader must know of those that agree; knows no model."""

from collections.abc import Iterator

from ticketing.errors import Fault
from ticketing.recipe import Iterative
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
    if recipe.pruned != "zero" and "sparse" in recipe.outputs:
        detail = f"expected no sparse file: with pruned {recipe.pruned} removed entries are not all zero"
        yield Fault(f"{at}/outputs", "not_sparse", detail, ("ticket", "model", "mask"))


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
