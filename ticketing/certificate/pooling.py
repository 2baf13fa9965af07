"""One certificate from the answers of several runs that share everything but their seeds; loads no torch."""

from collections.abc import Mapping, Sequence

import numpy as np

from ticketing.certificate.verdict import Certificate, Correct, certify
from ticketing.seeds import derive

Answers = Mapping[str, Correct]
"""`<branch>/<level>/<moment>` -> correct answers, a row per replicate, as `answers.safetensors` holds them."""


def pooled(runs: Sequence[Answers], *, level: int, moment: str = "best") -> dict[str, Correct]:
    """Put the replicates of several runs below each other, by branch; row i of every branch is the same replicate.

    The runs must have tested the same examples in the same order: equal recipes but for seeds, one dataset. That the
    examples are equal in number is all that the answers themselves can show.

    Args:
        runs: What each read from its `answers.safetensors`; at least one.
        level: A judged one.
        moment: `best` or `last`.

    Raises:
        ValueError: There is no run, one did not judge the level, or they differ in branches or examples.
    """
    if not runs:
        raise ValueError("expected the answers of one run or more, got none")
    found = [_of_level(run, level, moment) for run in runs]
    came = sorted({(*of, of["dense"].shape[1]) for of in found})
    if len(came) > 1:
        raise ValueError(f"expected runs that tested the same branches on the same examples, got {came}")
    return {branch: np.concatenate([of[branch] for of in found]) for branch in found[0]}


def certify_pooled(
    runs: Sequence[Answers], *, level: int, tolerance: float, seed: int = 0, moment: str = "best"
) -> Certificate:
    """Judge a level by the replicates of several runs together, against dense and every control they ran.

    Args:
        runs: As `pooled` takes them.
        level: A judged one.
        tolerance: Accuracy (fraction) a ticket may lose against dense and still match; fixed before training.
        seed: The bootstrap's is derived from it.
        moment: `best` or `last`.

    Raises:
        ValueError: The runs do not belong together, or did not judge this level.
    """
    answers = pooled(runs, level=level, moment=moment)
    ticket, dense = answers.pop("ticket"), answers.pop("dense")
    bootstrap = derive(seed, 0, "bootstrap", "pooled", level, moment)
    return certify(ticket, dense, answers, tolerance=tolerance, seed=bootstrap)


def _of_level(run: Answers, level: int, moment: str) -> dict[str, Correct]:
    """Pick one level of a run by branch; of the dense network as many replicates as the level was judged on."""
    ticket = run.get(f"ticket/{level}/{moment}")
    if ticket is None:
        judged = sorted({int(name.split("/")[1]) for name in run if name.startswith("ticket/")})
        raise ValueError(f"expected a level that every run judged, of {judged}, got {level}")
    own = {name.split("/")[0]: rows for name, rows in run.items() if name.endswith(f"/{level}/{moment}")}
    return {"dense": run[f"dense/0/{moment}"][: len(ticket)], **{name: own[name] for name in sorted(own)}}
