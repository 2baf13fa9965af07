"""How well a trained network does on the very examples it was trained on; judges nothing."""

from collections.abc import Mapping

from torch import Tensor

from ticketing.journal.workbench import AnyOf, Bench
from ticketing.subject import placed
from ticketing.training.evaluation import Evaluation, evaluate


def on_train(bench: Bench[AnyOf], state: Mapping[str, Tensor]) -> Evaluation:
    """Evaluate a state on the train split: eval mode, no augmentation, the labels it was trained on.

    One forward pass over train; decided by train error alone is the regime of a level (`ticketing.ladder.regime`).
    """
    data = bench.data
    network = placed(bench.subject.module, state, device=data.device)
    return evaluate(network, data.x_train, data.y_train, precision=bench.recipe.training.precision)
