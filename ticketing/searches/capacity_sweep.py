"""Trains networks of one hidden layer from narrow to wide, each repeat on its own; prunes and chooses nothing.

A level is a width. Every one ends in a checkpoint that carries its figures and what the next may start from. Since
nothing is chosen, the test split is evaluated after every training.
"""

from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from ticketing.architectures import Inventory, inventory
from ticketing.folder import ModelSpec
from ticketing.journal.results import Result, curve_tensor
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench
from ticketing.mask import Mask
from ticketing.models import build
from ticketing.models.growth import grown
from ticketing.recipe import CapacitySweep
from ticketing.seeds import derive, order_of_level
from ticketing.subject import initialise, placed
from ticketing.training.evaluation import evaluate
from ticketing.training.losses import LOSSES


@dataclass(frozen=True)
class Figures:
    """What the last weights of one training do on the examples trained on and on test."""

    width: int
    parameters: int
    reuses_weights: bool
    train_loss: float
    train_error: float
    """Fraction wrong, in [0, 1]."""
    test_loss: float
    test_error: float
    seconds: float
    updates: int


def place(repeat: int, level: int) -> Where:
    """Name the training of a width in a repeat."""
    return Where(repeat, "search", "width", level)


def figures(bench: Bench[CapacitySweep], repeat: int, level: int) -> Figures:
    """Give the figures of a training that is finished."""
    facts = bench.journal.facts[place(repeat, level).piece]
    return Figures(**{name: facts[name] for name in Figures.__dataclass_fields__})


def search(bench: Bench[CapacitySweep], repeat: int) -> None:
    """Train every width of a repeat; those that are already in the journal are not trained again.

    Raises:
        Stopped: The observer asked to stop; the journal was saved.
        DivergedError: A loss is no longer finite.
    """
    rows = bench.plan.as_json()["widths"]
    for level, row in enumerate(rows):
        where = place(repeat, level)
        if bench.passed(where):
            continue
        bench.phase("train_width")
        listed, module = network(bench, row["width"])
        start = _start(bench, repeat, row, listed)
        trained, result = bench.train(
            where,
            start,
            mask=Mask.full({layer.parameter: layer.weight for layer in listed.prunable}),
            order_seed=order_of_level(bench.recipe.seed, repeat, level),
            module=module,
            loss=LOSSES[bench.recipe.loss],
        )
        found = _figures(bench, row, module, trained.final, result)
        facts = result.as_json() | asdict(found)
        bench.journal.record(where.piece, facts, {"curve": curve_tensor(trained.curve)})
        reused_next = level + 1 < len(rows) and rows[level + 1]["reuses_weights"]
        bench.journal.forget(_latest(repeat))
        if reused_next:
            bench.journal.record(_latest(repeat), {}, trained.final)
        _say(bench, where, result, found)
        bench.between(where.at(trained.curve[-1].step))


def network(bench: Bench[CapacitySweep], width: int) -> tuple[Inventory, nn.Module]:
    """List and build the network of a width, for the inputs and classes of the job's model."""
    spec = ModelSpec(architecture="mlp", arguments={**bench.subject.spec.arguments, "hidden": [width]})
    return inventory(spec.architecture, spec.arguments), build(spec)


def _latest(repeat: int) -> str:
    return f"latest/{repeat}"


def _start(bench: Bench[CapacitySweep], repeat: int, row: dict[str, Any], listed: Inventory) -> dict[str, Tensor]:
    seed = derive(bench.recipe.seed, repeat, "init", row["width"])
    if not row["reuses_weights"]:
        return initialise(listed, seed)
    return grown(bench.journal.tensors[_latest(repeat)], width=row["width"], seed=seed)


def _figures(
    bench: Bench[CapacitySweep], row: dict[str, Any], module: nn.Module, state: dict[str, Tensor], result: Result
) -> Figures:
    data, loss, precision = bench.data, LOSSES[bench.recipe.loss], bench.recipe.training.precision
    made = placed(module, state, device=data.device)
    train = evaluate(made, data.x_train, data.y_train, precision=precision, loss=loss)
    test = evaluate(made, data.x_test, data.y_test, precision=precision, loss=loss)
    return Figures(
        width=row["width"],
        parameters=row["parameters"],
        reuses_weights=row["reuses_weights"],
        train_loss=train.loss,
        train_error=train.error,
        test_loss=test.loss,
        test_error=test.error,
        seconds=result.seconds,
        updates=result.updates,
    )


def _say(bench: Bench[CapacitySweep], where: Where, result: Result, found: Figures) -> None:
    bench.say(
        "level_completed",
        replicate=where.replicate,
        level=where.level,
        kept=found.parameters,
        total=found.parameters,
        sparsity=0.0,
        validation_accuracy=result.accuracy,
        validation_loss=result.loss,
        **asdict(found) | {"seconds": round(found.seconds, 3)},
    )
