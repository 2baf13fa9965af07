"""Dense networks that cost what the ticket costs; draws no mask."""

from collections.abc import Mapping

from torch import Tensor

from ticketing.controls.drawn import Drawn
from ticketing.folder import ModelSpec
from ticketing.mask import Mask
from ticketing.models import build
from ticketing.plans.narrowing import narrowed, parameters_with
from ticketing.seeds import derive
from ticketing.subject import Subject, initialise


def small_dense(
    subject: Subject, mask: Mask, rewind_point: Mapping[str, Tensor], *, seed: int, replicate: int, level: int
) -> Drawn:
    """Train a dense network of the same depth, narrowed until it has no more parameters than the ticket.

    `ticketing.plans.narrowing` says how wide; its weights are drawn from its own initialiser.

    Raises:
        RecipeError: The network has no width to narrow, or is too wide at a single unit a layer.
    """
    listed = narrowed(subject.inventory, parameters_with(subject.inventory, mask.kept_count))
    spec = ModelSpec(architecture=listed.architecture, arguments=listed.arguments)
    start = initialise(listed, derive(seed, replicate, "reinit", level, "small_dense"))
    small = Subject(build(spec), listed, start, spec, uploaded=False)
    return Drawn(small, Mask.full(small.shapes), start, full_schedule=True, equal="parameters")
