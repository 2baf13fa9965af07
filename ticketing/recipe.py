"""What may be asked of a search: one recipe per search, every field with a default, a bound and a unit.

A word without code behind it is refused with the list of those that have. Knows no model and no data: what depends
on them is merged in by `ticketing.parsing.resolve`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ticketing.step import Step

RECIPE_VERSION = 1
"""The newest that this code can run."""
SEARCHES = ("iterative",)
DEFAULT_LEVELS = 10
Control = Literal["reinit", "shuffle"]
LayerKind = Literal["conv", "linear", "output"]
Share = Annotated[float, Field(ge=0, lt=1)]


class Part(BaseModel):
    """A part of a recipe: immutable, unknown fields refused, NaN and infinity refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=False)


class Rate(Part):
    """Share of the currently kept entries that one level removes, by kind of layer."""

    default: Share = Field(0.2, description="For every kind that has no rate of its own.")
    conv: Share | None = Field(None, description="Convolutions.")
    linear: Share | None = Field(None, description="Linear layers other than the output layer.")
    output: Share | None = Field(None, description="The layer that makes the logits; 0 exempts it.")

    def of(self, kind: LayerKind) -> float:
        """Give the rate of a kind of layer."""
        own: float | None = getattr(self, kind)
        return self.default if own is None else own


class SGD(Part):
    """Stochastic gradient descent with momentum, as `torch.optim.SGD` defines it."""

    name: Literal["sgd"]
    learning_rate: float = Field(0.1, gt=0, le=1000)
    momentum: float = Field(0.9, ge=0, lt=1)
    nesterov: bool = False
    weight_decay: float = Field(0.0, ge=0, le=1, description="L2 term added to the gradient.")


class Adam(Part):
    """Adam as `torch.optim.Adam` defines it (Kingma & Ba 2014, algorithm 1), epsilon 1e-8."""

    name: Literal["adam"]
    learning_rate: float = Field(1.2e-3, gt=0, le=1000)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.999)
    weight_decay: float = Field(0.0, ge=0, le=1, description="L2 term added to the gradient.")


class Constant(Part):
    """The same learning rate from the end of the warm-up to the end."""

    name: Literal["constant"]
    warmup: Step = Field(Step("0it"), description="Linear from 0 to the full rate over this long.")


class Milestones(Part):
    """The learning rate is multiplied by `factor` at each of the given steps."""

    name: Literal["milestones"]
    at: tuple[Step, ...] = Field(min_length=1, max_length=20)
    factor: float = Field(0.1, gt=0, lt=1)
    warmup: Step = Field(Step("0it"), description="Linear from 0 to the full rate over this long.")


Optimizer = Annotated[SGD | Adam, Field(discriminator="name")]
Schedule = Annotated[Constant | Milestones, Field(discriminator="name")]


class Training(Part):
    """How one network is trained, dense or sparse."""

    length: Step = Field(Step("20ep"), description="Updates of one training.")
    batch_size: int = Field(128, ge=1, le=65536, description="Examples per update.")
    optimizer: Optimizer = Adam(name="adam")
    schedule: Schedule = Constant(name="constant")
    precision: Literal["fp32", "bf16"] = Field(
        "fp32",
        description="bf16 computes forward and backward in bfloat16 under autocast, weights stay fp32.",
    )
    augment: Literal["none"] = "none"
    evaluate_every: Step = Field(Step("1ep"), description="How often the validation split is evaluated.")
    deterministic: bool = Field(True, description="Same execution key, same bits.")

    @model_validator(mode="after")
    def _length_is_positive(self) -> "Training":
        for name in ("length", "evaluate_every"):
            if getattr(self, name).count == 0:
                raise ValueError(f"expected {name} of at least one iteration or epoch, got 0")
        return self


EVIDENCE_WORDS: dict[str, dict[str, Any]] = {
    "none": {"replicates": 0, "controls": [], "levels": "delivered"},
    "quick": {"replicates": 1, "controls": [], "levels": "delivered"},
    "standard": {"replicates": 3, "controls": ["reinit", "shuffle"], "levels": "delivered"},
    "paper": {"replicates": 5, "controls": ["reinit", "shuffle"], "levels": "all"},
}


class Evidence(Part):
    """What is run beside the search to show that the ticket is not luck."""

    replicates: int = Field(3, ge=0, le=30, description="Paired repetitions; fewer than 3 prove nothing.")
    replicates_of: Literal["search", "retrain"] = Field(
        "search",
        description="search: a new initialisation and the whole ladder each; retrain: one mask, new data orders.",
    )
    controls: tuple[Control, ...] = Field(("reinit", "shuffle"), description="Random counterparts at equal counts.")
    levels: Literal["delivered", "all"] = "delivered"
    tolerance: float = Field(
        0.005, gt=0, lt=1, description="Accuracy (fraction) a ticket may lose against dense and still match."
    )

    @model_validator(mode="after")
    def _controls_are_distinct(self) -> "Evidence":
        if len(set(self.controls)) != len(self.controls):
            raise ValueError(f"expected each control once, got {list(self.controls)}")
        return self


def _evidence_from_word(value: Any) -> Any:
    if isinstance(value, str):
        if value not in EVIDENCE_WORDS:
            raise ValueError(f"expected an object or one of {', '.join(EVIDENCE_WORDS)}, got {value[:40]!r}")
        return EVIDENCE_WORDS[value]
    return value


class Target(Part):
    """Where the ladder ends, instead of a number of levels."""

    sparsity: float = Field(gt=0, lt=1, description="Fraction of the prunable entries removed, met to the entry.")


def _rate_from_number(value: Any) -> Any:
    return {"default": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


class Recipe(Part):
    """Iterative magnitude pruning (Frankle & Carbin 2018; Renda et al. 2020); one-shot is `levels: 1`."""

    recipe_version: Literal[1] = 1
    search: Literal["iterative"]
    levels: int | None = Field(
        None, ge=1, le=60, description=f"Pruned levels; {DEFAULT_LEVELS} when no target is given."
    )
    target: Target | None = None
    rate: Annotated[Rate, BeforeValidator(_rate_from_number)] = Rate()
    scope: Literal["layerwise", "global"] = Field("layerwise", description="Who competes with whom.")
    criterion: Literal["large_final"] = Field("large_final", description="Score of an entry: |trained weight|.")
    structure: Literal["weight"] = "weight"
    rewind: Literal["lr", "none"] | Step = Field(
        Step("0it"),
        description="Where kept weights restart: a step of the dense run, lr (keep them, replay the schedule) "
        "or none (keep them, go on at the last learning rate).",
    )
    kept: Literal["rewind"] = "rewind"
    pruned: Literal["zero"] = "zero"
    allow_collapse: bool = Field(False, description="Let a parameter lose every entry instead of failing.")
    training: Training = Training()
    evidence: Annotated[Evidence, BeforeValidator(_evidence_from_word)] = Evidence()
    seed: int = Field(0, ge=0, lt=2**63, description="Drawn and written back when absent.")
    keep_levels: Literal["masks", "models"] = Field(
        "masks", description="What is kept of every level: its mask, or its trained weights too."
    )
    outputs: tuple[Literal["ticket", "model", "mask", "sparse"], ...] = ("ticket", "model", "mask", "sparse")

    @model_validator(mode="before")
    @classmethod
    def _default_number_of_levels(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("levels") is None and value.get("target") is None:
            return {**value, "levels": DEFAULT_LEVELS}
        return value

    @model_validator(mode="after")
    def _parts_agree(self) -> "Recipe":
        if self.levels is not None and self.target is not None:
            raise ValueError("expected levels or target, got both: the rate decides how many levels a target needs")
        if self.scope == "global":
            odd = [k for k in ("conv", "linear", "output") if self.rate.of(k) not in (0, self.rate.default)]
            if odd:
                raise ValueError(
                    f"expected one rate for all kinds (or 0 to exempt one) with scope global, got another for {odd}"
                )
        rewind, length = self.rewind, self.training.length
        if isinstance(rewind, Step) and rewind.unit == length.unit and rewind.count >= length.count:
            raise ValueError(f"expected rewind before training.length {length}, got {rewind}")
        return self
