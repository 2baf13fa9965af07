"""How narrow a dense network must be to have no more parameters than a ticket; arithmetic alone, loads no torch."""

from ticketing.architectures import Inventory, inventory
from ticketing.errors import Fault, RecipeError

NARROWED_AS = {"mlp": "mlp", "lenet-300-100": "mlp"}
"""Architecture -> the one that takes any widths of its hidden layers."""
POINTER = "/recipe/evidence/controls"


def parameters_with(listed: Inventory, kept: int) -> int:
    """Count the parameters of a ticket: `kept` prunable entries, and every bias and norm."""
    return listed.parameters_total - listed.prunable_total + kept


def narrowed(listed: Inventory, parameters: int) -> Inventory:
    """Give the widest network of the same depth and proportions with at most so many parameters, biases included.

    Every hidden layer has `width * j / widest` units, rounded half up, at least one, for the largest whole j that
    fits; the widest layer has j.

    Args:
        listed: The network to be narrowed.
        parameters: As `parameters_with` counts them.

    Raises:
        RecipeError: The architecture has no widths, or one unit a layer is too much already.
    """
    if listed.architecture not in NARROWED_AS:
        detail = f"expected an architecture whose layers can be narrowed, {', '.join(NARROWED_AS)}, for small_dense"
        raise _refused("not_narrowable", f"{detail}, got {listed.architecture}")
    widths = [layer.weight[0] for layer in listed.layers[:-1]]
    if not widths:
        raise _refused("not_narrowable", "expected a network with hidden layers for small_dense, got one without")
    fits, too_many = 0, max(widths) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        enough = _scaled(listed, widths, middle).parameters_total <= parameters
        fits, too_many = (middle, too_many) if enough else (fits, middle)
    if fits == 0:
        least = _scaled(listed, widths, 1).parameters_total
        detail = f"expected a ticket of {least} parameters or more, what small_dense has with one unit a layer"
        raise _refused("too_narrow", f"{detail}, got {parameters}")
    return _scaled(listed, widths, fits)


def _scaled(listed: Inventory, widths: list[int], widest: int) -> Inventory:
    most = max(widths)
    hidden = [max(1, (2 * width * widest + most) // (2 * most)) for width in widths]
    return inventory(NARROWED_AS[listed.architecture], {**listed.arguments, "hidden": hidden})


def _refused(code: str, detail: str) -> RecipeError:
    return RecipeError(detail, [Fault(POINTER, code, detail)])
