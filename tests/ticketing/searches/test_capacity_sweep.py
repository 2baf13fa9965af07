"""ticketing.searches.capacity_sweep: every width of every repeat is the training that a plain loop makes."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from ticketing.architectures import arguments_for, inventory
from ticketing.folder import RECIPE, ModelSpec, read_spec
from ticketing.models import build
from ticketing.models.growth import grown
from ticketing.observer import RecordingObserver
from ticketing.plans.parsing import parse_recipe
from ticketing.runs.capacity_sweep import chosen_examples
from ticketing.runs.inputs import load
from ticketing.runs.run import run
from ticketing.seeds import derive, order_of_level
from ticketing.subject import initialise, placed
from ticketing.training.loop import train
from ticketing.training.losses import mse

WIDTHS = (3, 5, 6, 9)
REUSE = (False, True, True, False)  # 75 * 9 + 10 > 60 * 10
SWEEP = {
    "search": "capacity_sweep",
    "widths": WIDTHS,
    "examples": 60,
    "repeats": 2,
    "training": {"length": "12it", "batch_size": 20, "evaluate_every": "5it"},
}


def by_hand(folder: Path) -> list[tuple[int, int, float, float, float, float]]:
    """Train from narrow to wide without a journal: (repeat, width, train loss, its error, test loss, its error)."""
    spec, recipe = read_spec(folder), parse_recipe(json.loads((folder / RECIPE).read_bytes()))
    data = load(folder, spec, recipe, device=torch.device("cpu"))[1]
    data = chosen_examples(data, 60, seed=recipe.seed)
    made, state = [], dict[str, torch.Tensor]()
    for repeat in (0, 1):
        for level, (width, reuse) in enumerate(zip(WIDTHS, REUSE, strict=True)):
            arguments = arguments_for("mlp", {"in_features": 64, "hidden": [width], "classes": 10})
            module, seed = build(ModelSpec(architecture="mlp", arguments=arguments)), derive(0, repeat, "init", width)
            start = grown(state, width=width, seed=seed) if reuse else initialise(inventory("mlp", arguments), seed)
            state = train(
                module,
                start,
                data=data,
                training=recipe.training,
                order_seed=order_of_level(0, repeat, level),
                observer=RecordingObserver(),
                loss=mse,
            ).final
            network, figures = placed(module, state, device="cpu"), list[float]()
            for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
                with torch.no_grad():
                    outputs = network(x.flatten(1))
                figures += [mse(outputs, y).item(), (outputs.argmax(1) != y).double().mean().item()]
            made.append((repeat, width, *figures))
    return made


def test_every_figure_is_that_of_a_plain_loop_from_narrow_to_wide(lay_out: Any, tmp_path: Path) -> None:
    folder, observer = lay_out(tmp_path / "run", **SWEEP), RecordingObserver()
    run(folder, read_spec(folder), observer=observer, clock=time.monotonic)
    measured = ("replicate", "width", "train_loss", "train_error", "test_loss", "test_error")
    told = observer.of_type("level_completed")
    for row, expected in zip(told, by_hand(folder), strict=True):
        assert [row[name] for name in measured] == pytest.approx(expected, rel=1e-5)
    assert [row["reuses_weights"] for row in told] == 2 * list(REUSE)
    assert [row["kept"] for row in told] == [row["total"] for row in told] == [75 * w + 10 for w in 2 * WIDTHS]
