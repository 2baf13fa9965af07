"""What each event of a child must carry, as types; what else it carries is only passed on."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ticketing.folder import EventType


class _Data(BaseModel):
    """The part of an event's data that a worker relies on; what else is there is only passed on."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


_Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Count = Annotated[int, Field(ge=0, lt=2**53)]
_Number = Annotated[int, Field(ge=0, le=999_999)]
_Share = Annotated[float, Field(ge=0, le=1)]


class _Started(_Data):
    execution_key: dict[str, Any]
    resumed_from: dict[str, Any] | None = None


class _Phase(_Data):
    phase: _Word


class _Progress(_Data):
    fraction: _Share


class _Level(_Data):
    replicate: _Number
    level: _Number
    kept: _Count
    total: _Count
    sparsity: _Share


class _LevelCompleted(_Level):
    validation_accuracy: _Share
    validation_loss: float | None = None


class _TicketFound(_Data):
    level: _Number
    sparsity: _Share


class _CheckpointSaved(_Data):
    number: _Number
    file: Annotated[str, Field(pattern=r"^[0-9]{6}\.safetensors$")]
    sha256: _Sha256
    bytes: _Count
    where: dict[str, Any]


class _Remark(_Data):
    code: _Word
    detail: str


class _File(_Data):
    sha256: _Sha256
    bytes: _Count


class _Found(_Data):
    """The summary of a search: what gates and listings look at."""

    sparsity: float | None = None
    accuracy_drop: float | None = None
    bytes: _Count | None = None
    flops: float | None = None
    best: dict[str, Any] | None = None


class _Finished(_Data):
    summary: _Found
    files: dict[str, _File]


class _Dataset(_Data):
    """The summary of a dataset: what plans are made of."""

    shape: Annotated[list[Annotated[int, Field(ge=1, lt=2**31)]], Field(min_length=1, max_length=3)]
    classes: Annotated[int, Field(ge=1, lt=2**31)]
    splits: dict[str, _Count]
    fingerprint: _Sha256


class _Inspected(_Data):
    inventory: dict[str, Any] | None = None
    summary: _Dataset | None = None
    warnings: list[dict[str, str]] = []


class _Verified(_Data):
    files: dict[str, _Sha256]


DATA: Mapping[EventType, type[_Data]] = {
    "started": _Started,
    "phase": _Phase,
    "progress": _Progress,
    "level_completed": _LevelCompleted,
    "mask_drawn": _Level,
    "ticket_found": _TicketFound,
    "checkpoint_saved": _CheckpointSaved,
    "warning": _Remark,
    "failed": _Remark,
    "finished": _Finished,
    "inspected": _Inspected,
    "verified": _Verified,
}
