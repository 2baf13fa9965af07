"""Whether a job can be done, and what it will do: one answer for the dry run and for the real one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection

from jobs import slots
from jobs.blobs import BlobFolder
from jobs.creation import inputs_of
from jobs.inputs import Dataset, Model
from jobs.intake import HeaderCheck
from jobs.submissions import JobSubmission
from ticketing.architectures import Inventory
from ticketing.errors import ModelError
from ticketing.headers import Header, compare, read_header
from ticketing.parsing import resolve
from ticketing.plan import Plan, plan
from ticketing.recipe import Recipe
from ticketing.splits import validation_size


@dataclass(frozen=True)
class Prepared:
    """A job that can be done, as far as can be known now."""

    model: Model
    dataset: Dataset
    recipe: Recipe
    """Every default filled, the seed fixed."""
    plan: Plan | None
    """None while an input is being inspected."""

    @property
    def pending(self) -> tuple[str, ...]:
        """Which inputs are being inspected."""
        inputs = (("model", self.model), ("dataset", self.dataset))
        return tuple(name for name, given in inputs if given.state == "inspecting")

    def as_json(self) -> dict[str, Any]:
        """Give the answer of the dry run."""
        return {
            "plan": None if self.plan is None else self.plan.as_json(),
            "pending": list(self.pending),
            "resolved_recipe": self.recipe.model_dump(mode="json"),
        }


def prepare(
    conn: Connection,
    *,
    tenant: str,
    submission: JobSubmission,
    check_header: HeaderCheck,
    slot_seconds: float,
    draw_seed: Callable[[], int],
) -> Prepared:
    """Find or create a job's inputs, fill its recipe, and lay out its plan; writes no job.

    Args:
        conn: A write transaction: rolled back for a dry run, completed with the job for a real one.
        tenant: Whose it is.
        submission: What was sent.
        check_header: Looks into an uploaded model.
        slot_seconds: How long a silent slot counts as living.
        draw_seed: Used when the recipe names no seed.

    Raises:
        RequestError: It cannot be done; one fault per field that is wrong, pointers into the submission.
    """
    model, dataset = inputs_of(conn, tenant=tenant, submission=submission, check_header=check_header)
    recipe = resolve(
        submission.recipe,
        architecture=model.architecture,
        uploaded=model.uploaded,
        weights="trained" if model.weights == "trained" else "initial",
        device_kind=_device_kind(conn, submission.device, slot_seconds),
        seed=draw_seed(),
        max_accuracy_drop=submission.gates.max_accuracy_drop,
    )
    return Prepared(model, dataset, recipe, _plan(model, dataset, recipe))


def header_check(blobs: BlobFolder, sha256: str | None) -> HeaderCheck:
    """Make the check that an uploaded file's header holds an inventory; reads the header alone.

    It is read here, before the transaction in which the check is made: a hostile one takes a while, and nobody else
    could write meanwhile. What is wrong with it is told by the check, to whom the file belongs.
    """
    found = _header_or_fault(blobs, sha256)

    def check(sha256: str, inventory: Inventory) -> None:
        if isinstance(found, ModelError):
            raise found
        compare(found or read_header(blobs.path(sha256)), inventory)

    return check


def _header_or_fault(blobs: BlobFolder, sha256: str | None) -> Header | ModelError | None:
    if sha256 is None or not blobs.exists(sha256):
        return None
    try:
        return read_header(blobs.path(sha256))
    except ModelError as error:
        return error


def _device_kind(conn: Connection, device: str, slot_seconds: float) -> Literal["cpu", "gpu"]:
    """Say which device's defaults apply; `any` goes to a GPU where there is one."""
    gpu = device == "gpu" or (device == "any" and "gpu" in slots.live(conn, within_seconds=slot_seconds))
    return "gpu" if gpu else "cpu"


def _plan(model: Model, dataset: Dataset, recipe: Recipe) -> Plan | None:
    if model.inventory is None or dataset.summary is None:
        return None
    trained = model.weights == "trained"
    train, test = _roles(dataset.summary["splits"], trained=trained)
    return plan(Inventory.from_json(model.inventory), recipe, train=train, test=test, trained=trained)


def _roles(splits: Mapping[str, int], *, trained: bool) -> tuple[int, int]:
    """Count the examples that weights are fitted on and that the test is made on, validation taken away."""
    train, test = splits["train"], splits["test"]
    if "validation" in splits:
        return train, test
    if trained:
        return train, test - test // 2
    return train - validation_size(train), test
