"""Where a search ends, instead of where its own words say: at a sparsity, an accuracy, a size or a speed."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from ticketing.recipe.part import Part

OfSlim = Literal["max_macs", "speedup", "max_latency_ms"]
OF_SLIM: tuple[OfSlim, ...] = get_args(OfSlim)
_TIMED = ("speedup", "max_latency_ms")


class SlimTarget(Part):
    """How small or fast the slim network is to be: one of these."""

    BOUNDS: ClassVar[tuple[str, ...]] = OF_SLIM

    max_macs: int | None = Field(
        None, ge=1, description="Multiply-adds of the slim network for one example; as wide as that allows."
    )
    speedup: float | None = Field(
        None,
        gt=1,
        le=1000,
        description="Times as fast as dense that the slim network is measured to be; as wide as that allows.",
    )
    max_latency_ms: float | None = Field(
        None, gt=0, description="Median time of the slim network for one batch, measured; as wide as that allows."
    )
    runtime: Literal["onnxruntime", "torch"] | None = Field(
        None, description="What speedup and max_latency_ms are measured under, on a CPU; onnxruntime unless named."
    )
    batch_size: Literal[1, 32] | None = Field(
        None, description="Examples at once while speedup and max_latency_ms are measured; 1 unless named."
    )

    @property
    def of_slim(self) -> OfSlim | None:
        """Which figure of the slim network it bounds; None where it bounds none."""
        return next((word for word in OF_SLIM if getattr(self, word) is not None), None)

    @model_validator(mode="before")
    @classmethod
    def _default_runtime(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and any(value.get(word) is not None for word in _TIMED):
            named = {word: given for word, given in value.items() if given is not None}
            return {"runtime": "onnxruntime", "batch_size": 1} | named
        return value

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [name for name in self.BOUNDS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of {', '.join(self.BOUNDS)}, got {given or 'none'}")
        beside = [name for name in ("runtime", "batch_size") if getattr(self, name) is not None]
        if beside and given[0] not in _TIMED:
            raise ValueError(f"expected {' and '.join(beside)} with speedup or max_latency_ms alone, got {given[0]}")
        return self


class Target(SlimTarget):
    """Where the ladder ends, instead of a number of levels: one of these."""

    BOUNDS: ClassVar[tuple[str, ...]] = ("sparsity", "max_accuracy_drop", *OF_SLIM)

    sparsity: float | None = Field(
        None, gt=0, lt=1, description="Fraction of the prunable entries removed, met to the entry."
    )
    max_accuracy_drop: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Accuracy (fraction) that may be lost against dense on validation; as sparse as that allows.",
    )
