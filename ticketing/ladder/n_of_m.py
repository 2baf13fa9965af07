"""How many inputs of every block stay at every level of an `N:M` ladder, and in which layers; knows no scores.

A block is M consecutive inputs of one output: of a linear layer (out, in) M columns of a row, of a convolution
(out, in, height, width) M input channels at one place of the kernel, as GPU kernels for 2:4 read them (Mishra et al.
2021, arXiv 2104.08378).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from ticketing.architectures import Inventory, Layer
from ticketing.errors import Fault, RecipeError
from ticketing.folder import StartSpec
from ticketing.ladder.schedule import round_half_up
from ticketing.recipe import Iterative, NOfM


@dataclass(frozen=True)
class Divided:
    """A prunable layer, and whether its inputs are divided into blocks."""

    layer: Layer
    exempt: bool
    """Its rate is 0."""
    misfit: str | None
    """Why its inputs make no blocks; None where they do."""

    @property
    def eligible(self) -> bool:
        """Whether entries of it are removed."""
        return not self.exempt and self.misfit is None

    @property
    def reason(self) -> str | None:
        """Why it stays dense; None where it does not."""
        return "its rate is 0, which exempts it" if self.exempt else self.misfit


def divided(inventory: Inventory, recipe: Iterative) -> list[Divided]:
    """Say of every prunable layer whether its inputs make blocks, input to output."""
    structure = recipe.structure
    assert isinstance(structure, NOfM)
    return [
        Divided(layer, recipe.rate.of_layer(layer.name, layer.rate_kind) == 0, _misfit(layer, structure.block))
        for layer in inventory.prunable
    ]


def kept_of_block(structure: NOfM, *, level: int, levels: int) -> int:
    """Say how many inputs of a block a level keeps: M - level (M - N) / levels, rounded half up."""
    return round_half_up(structure.block - Fraction(level * structure.most_levels, levels))


def rows_in_blocks(
    inventory: Inventory, recipe: Iterative, before: Sequence[Mapping[str, int]]
) -> list[dict[str, int]]:
    """List what every parameter keeps at the levels after `before`, whose rows begin at level 0.

    Raises:
        RecipeError: No layer can be divided, or the levels do not fall to N from where `before` ends.
    """
    structure, levels, begun = recipe.structure, recipe.levels, len(before) - 1
    assert isinstance(structure, NOfM)
    assert levels is not None  # a target is refused beside N:M, and without one there is a default
    layers = divided(inventory, recipe)
    _refuse_nothing_to_divide(layers, structure)
    one = next(each.layer for each in layers if each.eligible)
    here = before[-1][one.parameter] * structure.block // one.entries
    kept = [kept_of_block(structure, level=level, levels=levels) for level in range(begun + 1, levels + 1)]
    _refuse_no_way_down(structure, here, kept, begun=begun, levels=levels)
    return [
        {
            each.layer.parameter: each.layer.entries * (n if each.eligible else structure.block) // structure.block
            for each in layers
        }
        for n in kept
    ]


def refuse_other_structure(inventory: Inventory, recipe: Iterative, start: StartSpec) -> None:
    """Refuse a fork that leaves its parent's blocks, or divides other layers than it.

    Raises:
        RecipeError: Its structure is another than the parent's, or another layer is exempt under N:M.
    """
    parent = start.recipe
    if recipe.structure != parent.structure:
        detail = f"expected the parent's structure {parent.structure}, which its masks have, got {recipe.structure}"
        raise RecipeError(detail, [Fault("/recipe/structure", "not_inheritable", detail, (str(parent.structure),))])
    if not isinstance(recipe.structure, NOfM):
        return
    own, theirs = ({each.layer.name for each in divided(inventory, of) if each.exempt} for of in (recipe, parent))
    if own != theirs:
        detail = f"expected the parent's exempt layers {sorted(theirs)} with structure {recipe.structure}"
        raise RecipeError(detail, [Fault("/recipe/rate", "not_inheritable", f"{detail}, got {sorted(own)}")])


def _misfit(layer: Layer, block: int) -> str | None:
    if layer.kind == "embedding":
        return "it is a table whose inputs are its rows, not its columns"
    inputs = layer.weight[1]
    if inputs == 1:
        return "each of its outputs has one input (depthwise, or an image of one channel)"
    return None if inputs % block == 0 else f"its {inputs} inputs do not divide by {block}"


def _refuse_nothing_to_divide(layers: Sequence[Divided], structure: NOfM) -> None:
    if any(each.eligible for each in layers):
        return
    why = "; ".join(f"{each.layer.name}: {each.reason}" for each in layers)
    detail = f"expected a layer whose inputs divide by {structure.block} with structure {structure}, got none: {why}"
    raise RecipeError(detail, [Fault("/recipe/structure", "nothing_to_divide", detail)])


def _refuse_no_way_down(structure: NOfM, here: int, kept: Sequence[int], *, begun: int, levels: int) -> None:
    """Refuse levels of a fork that do not go on from what its parent kept of a block."""
    way = [here, *kept]
    if way[-1] == structure.kept and all(after < before for before, after in pairwise(way)):
        return
    detail = (
        f"expected levels that fall to {structure.kept} of {structure.block} from {here}, which level {begun} keeps, "
        f"got {levels}: the levels after it would keep {kept or 'nothing new'}"
    )
    raise RecipeError(detail, [Fault("/recipe/levels", "no_way_down", detail)])
