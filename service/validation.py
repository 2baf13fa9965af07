"""Whether a job can be done, and what it will do: one answer for the dry run and for the real one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection

from jobs import grants, slots
from jobs.blobs import Blobs
from jobs.database import Database
from jobs.inputs import Dataset, Model
from jobs.making.creation import inputs_of
from jobs.making.intake import HeaderCheck
from jobs.making.submissions import Gates, JobSubmission
from ticketing.architectures import Inventory
from ticketing.architectures.headers import Header, compare, read_header
from ticketing.errors import Fault, ModelError, RecipeError
from ticketing.folder import StartSpec
from ticketing.plans import AnyPlan, no_levels, plan_of
from ticketing.plans.parsing import resolve
from ticketing.plans.suitability import check_data
from ticketing.recipe import AnyRecipe, Iterative, TicketRecipe
from ticketing.splits import roles

StartOf = Callable[[Iterative, Inventory], StartSpec]
"""Given a fork's resolved recipe, says where it starts; raises when its parent has kept nothing to start from."""


@dataclass(frozen=True)
class Prepared:
    """A job that can be done, as far as can be known now."""

    model: Model
    dataset: Dataset
    recipe: AnyRecipe
    """Every default filled, the seed fixed."""
    plan: AnyPlan | None
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
    start_of: StartOf | None = None,
) -> Prepared:
    """Find or create a job's inputs, fill its recipe, and lay out its plan; writes no job.

    Args:
        conn: A write transaction: rolled back for a dry run, completed with the job for a real one.
        tenant: Whose it is.
        submission: What was sent.
        check_header: Looks into an uploaded model.
        slot_seconds: How long a silent slot counts as living.
        draw_seed: Used when the recipe names no seed.
        start_of: Of a fork.

    Raises:
        RequestError: It cannot be done; one fault per field that is wrong, pointers into the submission.
    """
    model, dataset = inputs_of(conn, tenant=tenant, submission=submission, check_header=check_header)
    kind = device_kind(conn, submission.device, slot_seconds)
    recipe, planned = filled(
        submission.recipe,
        model,
        dataset,
        device_kind=kind,
        seed=draw_seed(),
        gates=submission.gates,
        start_of=start_of,
    )
    return Prepared(model, dataset, recipe, planned)


def filled(
    raw: Mapping[str, Any],
    model: Model,
    dataset: Dataset,
    *,
    device_kind: Literal["cpu", "gpu"],
    seed: int,
    gates: Gates,
    start_of: StartOf | None = None,
) -> tuple[AnyRecipe, AnyPlan | None]:
    """Fill a recipe for a model and a dataset, and plan it as far as can be known now.

    Raises:
        RequestError: It cannot be done.
    """
    recipe = resolve(
        raw,
        architecture=model.architecture,
        uploaded=model.uploaded,
        weights="trained" if model.weights == "trained" else "initial",
        device_kind=device_kind,
        seed=seed,
        max_accuracy_drop=gates.max_accuracy_drop,
        max_latency_ms=gates.max_latency_ms,
    )
    if not isinstance(recipe, TicketRecipe):
        _refuse_gates(gates, recipe.search)
    return recipe, _plan(model, dataset, recipe, start_of)


def _refuse_gates(gates: Gates, search: str) -> None:
    """Refuse gates of a search that makes no ticket: none could ever be met."""
    asked = sorted(gates.model_dump(exclude_none=True))
    if asked:
        detail = f"expected none: {search} makes no ticket that a gate could look at"
        raise RecipeError(f"gates: {detail}", [Fault(f"/gates/{name}", "no_ticket", detail) for name in asked])


def header_check(database: Database, blobs: Blobs, *, tenant: str, sha256: str | None) -> HeaderCheck:
    """Make the check that an uploaded file's header holds an inventory; reads the header alone.

    It is read here, before the transaction in which the check is made: a hostile one takes a while, and nobody else
    could write meanwhile. What is wrong with it is told by the check. Bytes that this tenant has not sent are not
    looked at: reading them would take time, and so tell that somebody else has.
    """
    if sha256 is not None:
        with database.read() as conn:
            mine = grants.granted(conn, tenant=tenant, sha256=sha256) is not None
        sha256 = sha256 if mine else None
    found = _header_or_fault(blobs, sha256)

    def check(sha256: str, inventory: Inventory) -> None:
        if isinstance(found, ModelError):
            raise found
        compare(found or _header(blobs, sha256), inventory)

    return check


def _header_or_fault(blobs: Blobs, sha256: str | None) -> Header | ModelError | None:
    if sha256 is None or not blobs.exists(sha256):
        return None
    try:
        return _header(blobs, sha256)
    except ModelError as error:
        return error


def _header(blobs: Blobs, sha256: str) -> Header:
    with blobs.open(sha256) as file:
        return read_header(file)


def device_kind(conn: Connection, device: str, slot_seconds: float) -> Literal["cpu", "gpu"]:
    """Say which device's defaults apply; `any` goes to a GPU where there is one."""
    gpu = device == "gpu" or (device == "any" and "gpu" in slots.live(conn, within_seconds=slot_seconds))
    return "gpu" if gpu else "cpu"


def _plan(model: Model, dataset: Dataset, recipe: AnyRecipe, start_of: StartOf | None) -> AnyPlan | None:
    if model.inventory is None or dataset.summary is None:
        return None
    inventory, trained = Inventory.from_json(model.inventory), model.weights == "trained"
    if start_of is not None and not isinstance(recipe, Iterative):
        raise no_levels(recipe.search)
    start = start_of(recipe, inventory) if start_of is not None and isinstance(recipe, Iterative) else None
    context = inventory.input_shape[0] if inventory.task == "next_token" else None
    train, test = roles(dataset.summary["splits"], trained=trained, context=context)
    check_data(recipe.training, shape=tuple(dataset.summary["shape"]), classes=dataset.summary["classes"])
    return plan_of(inventory, recipe, train=train, test=test, trained=trained, start=start)
