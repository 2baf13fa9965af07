"""Models and datasets as they are kept: looked up, and shown; makes none and inspects none."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Table, select

from jobs import tables
from jobs.clock import rfc3339
from jobs.errors import NotFoundError
from jobs.pages import Page, PageRequest, keyset
from ticketing.architectures import Inventory
from ticketing.plans.support import unsupported
from ticketing.recipe import SEARCHES
from ticketing.task import Task


@dataclass(frozen=True)
class Model:
    """A network, and where its weights come from."""

    id: str
    tenant: str
    name: str | None
    state: str
    """inspecting, ready or refused."""
    sha256: str | None
    """Of the uploaded file; None when the weights are drawn from `seed`."""
    architecture: str
    arguments: Mapping[str, Any]
    seed: int | None
    weights: str
    shaped_by: str | None
    """The dataset, still inspecting, that its left-out arguments come from."""
    inventory: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    warnings: Sequence[Mapping[str, Any]]
    created_at: float
    version: int

    @property
    def uploaded(self) -> bool:
        """Whether the weights were sent, rather than drawn from a seed."""
        return self.sha256 is not None


@dataclass(frozen=True)
class Dataset:
    """A dataset, and what its inspection found."""

    id: str
    tenant: str
    name: str | None
    state: str
    """inspecting, ready or refused."""
    uri: str | None
    sha256: str | None
    """Of the uploaded file."""
    canonical_sha256: str | None
    """Of what an inspection made of it; runs read this one."""
    summary: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    warnings: Sequence[Mapping[str, Any]]
    created_at: float
    version: int

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Of one example; None until it is ready."""
        return None if self.summary is None else tuple(self.summary["shape"])

    @property
    def classes(self) -> int | None:
        """How many there are; None until it is ready."""
        return None if self.summary is None else int(self.summary["classes"])

    @property
    def task(self) -> Task:
        """What it asks of a network; `classification` until it is ready."""
        return (
            "next_token" if self.summary is not None and self.summary.get("task") == "next_token" else "classification"
        )


Input = TypeVar("Input", Model, Dataset)


def find_model(conn: Connection, *, tenant: str, model_id: str, hold: bool = False) -> Model:
    """Look up a model.

    Args:
        conn: With `hold` the caller's write transaction.
        tenant: Whose it is.
        model_id: Which.
        hold: While it is inspecting, it stays so until the transaction ends: what this writes about it is there when
            its inspection settles everything that waits for it.

    Raises:
        NotFoundError: This tenant has none of that id.
    """
    return _find(conn, tables.model, Model, tenant=tenant, wanted=model_id, hold=hold)


def find_dataset(conn: Connection, *, tenant: str, dataset_id: str, hold: bool = False) -> Dataset:
    """Look up a dataset; `hold` as of `find_model`.

    Raises:
        NotFoundError: This tenant has none of that id.
    """
    return _find(conn, tables.dataset, Dataset, tenant=tenant, wanted=dataset_id, hold=hold)


def list_models(conn: Connection, *, tenant: str, page: PageRequest) -> Page[Model]:
    """List a tenant's models, the newest first."""
    return _list(conn, tables.model, Model, tenant=tenant, page=page)


def list_datasets(conn: Connection, *, tenant: str, page: PageRequest) -> Page[Dataset]:
    """List a tenant's datasets, the newest first."""
    return _list(conn, tables.dataset, Dataset, tenant=tenant, page=page)


def misfit(model: Model, dataset: Dataset) -> str | None:
    """Say why a model cannot read a dataset, or None when it can or when one of them is not known yet."""
    if model.inventory is None or dataset.shape is None or dataset.classes is None:
        return None
    return Inventory.from_json(model.inventory).misfit(dataset.shape, dataset.classes, task=dataset.task)


def model_object(model: Model) -> dict[str, Any]:
    """Show a model as the API does, with its prunable share and the searches that can take it."""
    inventory = None if model.inventory is None else Inventory.from_json(model.inventory)
    share = None if inventory is None else inventory.prunable_total / inventory.parameters_total
    searches = [] if inventory is None else [_support(model, inventory, name) for name in SEARCHES]
    return _shown(model) | {"prunable_share": share, "searches": searches}


def _support(model: Model, inventory: Inventory, search: str) -> dict[str, Any]:
    reason = unsupported(
        search,
        architecture=model.architecture,
        uploaded=model.uploaded,
        weights=model.weights,
        inventory=inventory,
    )
    return {"search": search, "supported": reason is None, "reason": reason}


def dataset_object(dataset: Dataset) -> dict[str, Any]:
    """Show a dataset as the API does."""
    return _shown(dataset)


def etag(found: Model | Dataset) -> str:
    """Give a text that changes whenever anything shown does."""
    return str(found.version)


def _shown(found: Model | Dataset) -> dict[str, Any]:
    hidden = ("tenant", "version", "shaped_by")
    shown = {key: value for key, value in asdict(found).items() if key not in hidden}
    return shown | {"created_at": rfc3339(found.created_at)}


def _find(conn: Connection, table: Table, kind: type[Input], *, tenant: str, wanted: str, hold: bool) -> Input:
    mine = select(table).where(table.c.tenant == tenant, table.c.id == wanted)
    row = conn.execute(mine).mappings().one_or_none()
    if hold and row is not None and row["state"] == "inspecting":
        row = conn.execute(mine.with_for_update(read=True)).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"expected the id of a {table.name}, got {wanted[:80]!r}, and there is none")
    return _read(kind, row)


def _list(conn: Connection, table: Table, kind: type[Input], *, tenant: str, page: PageRequest) -> Page[Input]:
    query = keyset(select(table).where(table.c.tenant == tenant), table, page, filters={})
    return Page.of([_read(kind, row) for row in conn.execute(query).mappings()], page, filters={})


def _read(kind: type[Input], row: RowMapping) -> Input:
    return kind(**{field.name: row[field.name] for field in fields(kind)})
