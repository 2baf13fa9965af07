"""No training twice: each has an address, a digest of all that decides its bits, and what a journal has it reuses.

Two trainings with one address begin with the same weights under the same mask, on the same data in the same order,
under the same part of the recipe, from the same update to the same end, on an equal execution key.

| piece             | what                                                                  | until              |
| `kept/ADDRESS`    | a level of the search, captures too, while it is a child of its rewind points | it is recorded |
| `parents/ADDRESS` | of a fork: a certificate training of its parent, figures and answers  | the evidence is in |
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from ticketing.channels import Kept
from ticketing.journal.journal import Journal
from ticketing.journal.provenance import state_digest
from ticketing.journal.results import Result, curve_of, curve_tensor
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.mask import Mask
from ticketing.recipe import Training
from ticketing.training.trained import Trained

KEPT, PARENTS = "kept/", "parents/"


@dataclass(frozen=True)
class Course:
    """The way a training takes from its first weights; fields as `Workbench.train` has them."""

    mask: Mask
    order_seed: int
    first_step: int = 0
    last_step: int | None = None
    patience: int | None = None
    fine_tune: bool = False
    spread: bool = False
    kept: Kept | None = None
    """What `mask` leaves of the channels, where they are removed: no other part of an address."""

    def rate_is_absolute(self, training: Training) -> bool:
        """Say whether the rate of an update does not depend on how long a whole training is."""
        return not (self.fine_tune or self.spread) and training.schedule.name in ("constant", "milestones")


def address(bench: Workbench, start: Mapping[str, Tensor], course: Course) -> str:
    """Give the sha256 over everything that decides what a training comes to.

    `training.length` is no part of it but through the end, and where the learning rates depend on it: else a short
    training and a whole one differ in their end alone.
    """
    training, data = bench.recipe.training.model_dump(mode="json"), bench.data
    length = training.pop("length")
    spec = bench.subject.spec
    decisive = {
        "model": [spec.architecture, spec.arguments],
        "data": [data.fingerprint, bench.recipe.seed, len(data.y_train), len(data.y_validation), len(data.y_test)],
        "training": training,
        "execution_key": bench.journal.execution_key,
        "pruned": bench.recipe.pruned,
        "start": state_digest(start if bench.recipe.pruned != "zero" else course.mask.applied_to(start)),
        "mask": state_digest(course.mask.pack()),
        "order": course.order_seed,
        "steps": [course.first_step, course.last_step or bench.plan.steps_per_training, course.patience],
        **({"spread": True} if course.spread else {}),
        "rate_of": None if course.rate_is_absolute(bench.recipe.training) else length,
    }
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def train_once(
    bench: Workbench, where: Where, start: Mapping[str, Tensor], course: Course, *, capture_at: Collection[int] = ()
) -> tuple[Trained, Result]:
    """Train as `Workbench.train` does and keep all of it in the journal, or take it from there.

    A state that was not captured when it trained cannot be had later: then it trains again.
    """
    piece = f"{KEPT}{address(bench, start, course)}"
    if piece in bench.journal.facts:
        trained, result = _read(bench.journal.facts[piece], bench.journal.tensors[piece])
        if trained.captured.keys() >= set(capture_at):
            return trained, result
    trained, result = bench.train(where, start, **vars(course), capture_at=capture_at)
    bench.journal.record(piece, *_written(trained, result))
    return trained, result


def offer(bench: Workbench, facts: Mapping[str, Mapping[str, Any]], tensors: Mapping[str, dict[str, Tensor]]) -> None:
    """Put a parent's certificate trainings into a fork's journal, to be reused by whoever asks for the same ones."""
    for piece, came in facts.items():
        if piece.startswith("certificate/") and "address" in came:
            bench.journal.record(f"{PARENTS}{came['address']}", came, tensors[piece])


def reuse(bench: Workbench, where: Where, at: str) -> bool:
    """Finish a certificate training with what a parent has under its address; say whether it has it."""
    offered = f"{PARENTS}{at}"
    if offered not in bench.journal.facts:
        return False
    facts, tensors = bench.journal.facts[offered], bench.journal.tensors[offered]
    bench.journal.forget(offered)  # no two pieces may share a tensor
    bench.journal.record(where.piece, facts | {"reused": True}, tensors)
    bench.passed(where)  # counts its updates as made
    last = int(tensors["curve"][-1, 0])
    bench.progress.tell(where, step=last, steps_total=last, updates=0)
    return True


def forget(journal: Journal, head: str) -> None:
    """Drop every piece whose name begins so."""
    for piece in [piece for piece in journal.facts if piece.startswith(head)]:
        journal.forget(piece)


def _written(trained: Trained, result: Result) -> tuple[dict[str, Any], dict[str, Tensor]]:
    groups = {"final": trained.final, "best": trained.best}
    groups |= {f"captured-{step}": state for step, state in trained.captured.items()}
    tensors = {f"{group}/{name}": tensor for group, state in groups.items() for name, tensor in state.items()}
    facts = asdict(result) | {"captured": sorted(trained.captured)}
    return facts, tensors | {"curve": curve_tensor(trained.curve)}


def _read(facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> tuple[Trained, Result]:
    groups: dict[str, dict[str, Tensor]] = {}
    for full_name, tensor in tensors.items():
        group, _, name = full_name.partition("/")
        groups.setdefault(group, {})[name] = tensor
    trained = Trained(
        final=groups["final"],
        best=groups["best"],
        curve=curve_of(tensors["curve"]),
        captured={step: groups[f"captured-{step}"] for step in facts["captured"]},
        updates=facts["updates"],
    )
    return trained, Result.from_json(facts)
