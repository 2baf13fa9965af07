"""Which fields of a recipe contradict what it removes: single entries, blocks or whole channels; knows no model."""

from collections.abc import Iterator

from ticketing.errors import Fault
from ticketing.plans.n_of_m import contradictions_of_blocks
from ticketing.recipe import Iterative
from ticketing.recipe.masking import CRITERION_WORDS, OF_CHANNELS, OF_WEIGHTS


def contradictions_of_structure(recipe: Iterative, *, at: str) -> Iterator[Fault]:
    """List what a recipe asks for that what it removes has no place for; `at` as in `contradictions`."""
    of_channels = recipe.removes_channels
    scored = OF_CHANNELS if of_channels else OF_WEIGHTS
    if recipe.criterion not in scored:
        detail = f"expected a criterion that scores what structure {recipe.structure} removes, got {recipe.criterion}"
        yield Fault(f"{at}/criterion", "scores_another", detail, tuple(w for w in CRITERION_WORDS if w in scored))
    yield from contradictions_of_blocks(recipe, at=at)
    if of_channels:
        yield from _of_channels(recipe, at=at)
        return
    if recipe.round_to != 1:
        detail = f"expected 1 with structure {recipe.structure}, got {recipe.round_to}: the network keeps its width"
        yield Fault(f"{at}/round_to", "needs_channels", detail)
    if recipe.structure == "weight" and recipe.target is not None and recipe.target.of_slim is not None:
        word = recipe.target.of_slim
        detail = (
            f"expected structure channel with target.{word}, got weight: zeros in a dense layout are multiplied too"
        )
        yield Fault(f"{at}/target/{word}", "needs_channels", detail)
    if "slim" in recipe.outputs:
        detail = f"expected no slim file: with structure {recipe.structure} the network keeps its width"
        yield Fault(f"{at}/outputs", "not_slim", detail, ("ticket", "model", "mask", "sparse", "onnx", "pt2", "hf"))


def _of_channels(recipe: Iterative, *, at: str) -> Iterator[Fault]:
    with_it = "with structure channel"
    if recipe.scope != "layerwise":
        detail = f"expected layerwise {with_it}, got {recipe.scope}: only channels of one place are scored alike"
        yield Fault(f"{at}/scope", "needs_layerwise", detail, ("layerwise",))
    if recipe.pruned != "zero":
        detail = f"expected zero {with_it}, got {recipe.pruned}: what is taken out of the network holds nothing"
        yield Fault(f"{at}/pruned", "nothing_to_hold", detail, ("zero",))
    if recipe.schedule_of_pruning != "levels":
        detail = f"expected levels {with_it}, got gradual: channels are taken out before a training begins"
        yield Fault(f"{at}/schedule_of_pruning", "needs_levels", detail, ("levels",))
    if recipe.allow_collapse:
        detail = f"expected false {with_it}, got true: a layer without channels is no network"
        yield Fault(f"{at}/allow_collapse", "keeps_a_channel", detail)
    if recipe.target is not None and recipe.target.sparsity is not None:
        detail = f"expected levels or another target {with_it}: whole channels meet no sparsity to the entry"
        yield Fault(f"{at}/target/sparsity", "not_to_the_entry", detail)
    for name, share in recipe.rate.others(than=recipe.rate.default):
        detail = f"expected {recipe.rate.default:g} or 0, which exempts a layer, {with_it}, got {share:g}"
        yield Fault(f"{at}/rate/{name}", "one_rate", f"{detail}: a channel may be made by several layers")
    if "small_dense" in recipe.evidence.controls:
        detail = f"expected no small_dense {with_it}: the ticket is a small dense network, and reinit is that one anew"
        yield Fault(f"{at}/evidence/controls", "ticket_is_dense", detail)
