"""Models and datasets enter the tables, each with the inspection it needs; knows no job that uses them.

Every function works inside the caller's write transaction: one request, one transaction.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection, select

from jobs import grants, tables
from jobs.clock import now
from jobs.database import take_turns
from jobs.ids import new_id
from jobs.inputs import Dataset, Model, find_dataset
from jobs.making.enqueueing import enqueue
from jobs.making.submissions import DatasetSubmission, InlineDataset, InlineModel, ModelSubmission
from ticketing.architectures import Inventory, arguments_for, inventory
from ticketing.errors import DataError, Fault, ModelError, RequestError

HeaderCheck = Callable[[str, Inventory], None]
"""Given the sha256 of an uploaded model and what it should hold, raises ModelError when its header says otherwise."""


def create_model(
    conn: Connection,
    *,
    tenant: str,
    body: InlineModel,
    check_header: HeaderCheck,
    data: Dataset | None = None,
    at: str = "",
) -> Model:
    """Write a model: ready at once when an architecture and a seed say all, else inspecting.

    Args:
        conn: The caller's write transaction.
        tenant: Whose it is.
        body: What was sent.
        check_header: Looks into the uploaded file.
        data: The dataset that left-out arguments come from; while it is inspecting, the model waits for it.
        at: JSON pointer of the body in the request, put in front of every fault.

    Raises:
        ModelError: The architecture, its arguments or the file's header; or no such blob of this tenant.
    """
    with _faults_at(at):
        if body.sha256 is not None:
            _must_be_granted(conn, tenant, body.sha256, ModelError)
        made = _network(body, data)
        if made is not None and body.sha256 is not None:
            check_header(body.sha256, made)
    ready = made is not None and body.sha256 is None
    net = Model(
        id=new_id("mdl"),
        tenant=tenant,
        name=body.name if isinstance(body, ModelSubmission) else None,
        state="ready" if ready else "inspecting",
        sha256=body.sha256,
        architecture=body.architecture,
        arguments=body.arguments if made is None else made.arguments,
        seed=None if body.sha256 is not None else body.seed or 0,
        weights=body.weights,
        shaped_by=data.id if data is not None and made is None else None,
        inventory=made.as_json() if made is not None and ready else None,
        error=None,
        warnings=[],
        created_at=now(conn),
        version=1,
    )
    conn.execute(tables.model.insert().values(**vars(net)))
    if body.sha256 is not None:
        enqueue(conn, tenant=tenant, kind="inspect", inspects_model=net.id, dataset_id=net.shaped_by)
    return net


def create_dataset(conn: Connection, *, tenant: str, body: InlineDataset, at: str = "") -> Dataset:
    """Write a dataset to be inspected; a builtin one the tenant has already is given back instead.

    Raises:
        DataError: No such blob of this tenant.
    """
    if body.uri is not None:
        take_turns(conn, f"dataset {tenant} {body.uri}")
        if (known := _known_builtin(conn, tenant, body.uri)) is not None:
            return known
    with _faults_at(at):
        if body.sha256 is not None:
            _must_be_granted(conn, tenant, body.sha256, DataError)
    data = Dataset(
        id=new_id("ds"),
        tenant=tenant,
        name=body.name if isinstance(body, DatasetSubmission) else None,
        state="inspecting",
        uri=body.uri,
        sha256=body.sha256,
        canonical_sha256=None,
        summary=None,
        error=None,
        warnings=[],
        created_at=now(conn),
        version=1,
    )
    conn.execute(tables.dataset.insert().values(**vars(data)))
    enqueue(conn, tenant=tenant, kind="inspect", inspects_dataset=data.id)
    return data


def _known_builtin(conn: Connection, tenant: str, uri: str) -> Dataset | None:
    same = select(tables.dataset.c.id).where(
        tables.dataset.c.tenant == tenant, tables.dataset.c.uri == uri, tables.dataset.c.state != "refused"
    )
    known = conn.execute(same.order_by(tables.dataset.c.created_at).limit(1)).scalar_one_or_none()
    return None if known is None else find_dataset(conn, tenant=tenant, dataset_id=known, hold=True)


def _must_be_granted(conn: Connection, tenant: str, sha256: str, error: type[RequestError]) -> None:
    if grants.granted(conn, tenant=tenant, sha256=sha256) is None:
        detail = f"expected a blob that was sent before (PUT /v1/blobs/{sha256[:12]}…), and there is none"
        raise error(detail, [Fault("/sha256", "no_such_blob", detail)])


def _network(body: InlineModel, data: Dataset | None) -> Inventory | None:
    """Work out what the body describes, or None when that has to wait until the dataset was inspected.

    Raises:
        ModelError: Whatever the dataset looks like, there is no such network.
    """
    if data is None or data.state != "inspecting":
        shape, classes = (None, None) if data is None else (data.shape, data.classes)
        task = "classification" if data is None else data.task
        filled = arguments_for(body.architecture, body.arguments, data_shape=shape, classes=classes, task=task)
        return inventory(body.architecture, filled)
    made = inventory(body.architecture, arguments_for(body.architecture, body.arguments))
    return made if made.arguments == body.arguments else None


@contextmanager
def _faults_at(at: str) -> Iterator[None]:
    """Put the place of a body in front of the pointers of its faults."""
    try:
        yield
    except RequestError as error:
        moved = [replace(fault, pointer=at + fault.pointer) for fault in error.faults]
        raise type(error)(str(error), moved) from None
