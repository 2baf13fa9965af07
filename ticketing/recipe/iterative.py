"""What may be asked of the iterative search: ladder, criterion, rewinding."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import Field, model_validator

from ticketing.recipe.budget import Budget
from ticketing.recipe.gradual import Gradual
from ticketing.recipe.masking import (
    CRITERION_WORDS,
    KEPT_WORDS,
    PRUNED_WORDS,
    SCOPE_WORDS,
    Criterion,
    Kept,
    Pruned,
    Scope,
    described,
)
from ticketing.recipe.pruning import LayerKind, Rate, RateField
from ticketing.recipe.recipe import TicketRecipe
from ticketing.recipe.structure import STRUCTURE_WORDS, NOfM, as_n_of_m
from ticketing.recipe.target import Target
from ticketing.step import Step

DEFAULT_LEVELS = 10
MOST_LEVELS = 60


class Iterative(TicketRecipe):
    """Iterative magnitude pruning (Frankle & Carbin 2018; Renda et al. 2020); one-shot is `levels: 1`."""

    search: Literal["iterative"]
    levels: int | None = Field(
        None,
        ge=1,
        le=MOST_LEVELS,
        description=f"Pruned levels; {DEFAULT_LEVELS} when no target is given, and M - N with structure N:M.",
    )
    target: Target | None = None
    schedule_of_pruning: Literal["levels", "gradual"] = Field(
        "levels",
        description="levels: prune, train, prune again; gradual: prune while one training goes on, on the cubic "
        "schedule of Zhu & Gupta 2017, to the counts at which the levels would end.",
    )
    gradual: Gradual | None = Field(None, description="When a gradual training prunes.")
    budget: Budget | None = Field(
        None, description="What one search may cost at most; it ends with the last level that fits."
    )
    level_length: Literal["full", "early_stop"] | Step = Field(
        "full",
        description="How long a level of the search trains: full (training.length, as the certificate's finalists do), "
        "early_stop, or a step of the schedule at which it ends.",
    )
    early_stop_patience: int = Field(
        5,
        ge=1,
        le=1000,
        description="With level_length early_stop a level ends after so many evaluations in a row that did not lower "
        "its validation loss.",
    )
    rate: RateField = Rate()
    scope: Scope = Field(
        "layerwise",
        description="Who competes with whom, and how many stay where.",
        json_schema_extra=described(SCOPE_WORDS, "docs/searches/criteria.md"),
    )
    criterion: Criterion = Field(
        "large_final",
        description="Score of an entry or a channel; the highest stay; l1 where channels are removed. w_i before "
        "training, w_f after.",
        json_schema_extra=described(CRITERION_WORDS, "docs/searches/criteria.md"),
    )
    structure: Literal["weight", "channel"] | NOfM = Field(
        "weight",
        description="What is removed together: weight (single entries), channel (whole channels, for good) or N:M (all "
        "but N of every M consecutive inputs of an output).",
        json_schema_extra=described(STRUCTURE_WORDS, "docs/searches/structure.md"),
    )
    round_to: int = Field(
        1,
        ge=1,
        le=256,
        description="With structure channel every set of channels keeps a multiple of so many, rounded up, or all.",
    )
    rewind: Literal["lr", "none", "auto"] | Step = Field(
        Step("0it"),
        description="Where kept weights restart: a step of the dense run, lr (keep them, replay the schedule), "
        "none (keep them, go on at the last learning rate) or auto (the earliest step stable to the data order).",
    )
    kept: Kept = Field(
        "rewind",
        description="What a kept entry restarts as (the mask-1 action of Zhou et al. 2019).",
        json_schema_extra=described(KEPT_WORDS, "docs/searches/actions.md"),
    )
    keep_sign: bool = Field(False, description="Give reinit and the reshuffles the signs of the initial weights.")
    pruned: Pruned = Field(
        "zero",
        description="What a removed entry holds from then on (the mask-0 action of Zhou et al. 2019).",
        json_schema_extra=described(PRUNED_WORDS, "docs/searches/actions.md"),
    )
    allow_collapse: bool = Field(False, description="Let a parameter lose every entry instead of failing.")
    probes: tuple[Literal["ntk"], ...] = Field(
        (),
        max_length=1,
        description="ntk: spectrum of the tangent kernel and early slope, of dense and delivered level.",
    )
    outputs: tuple[Literal["slim", "ticket", "model", "mask", "sparse", "onnx", "pt2", "hf"], ...] = Field(
        ("ticket", "model", "mask", "sparse"),
        description="Files of the ticket; onnx and pt2: the model as a graph that runs without its code, of the slim "
        "network where there is one; slim: that network, in place of sparse where channels are removed; hf: a folder "
        "for the Hugging Face Hub.",
    )

    @model_validator(mode="before")
    @classmethod
    def _default_number_of_levels(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("levels") is None and value.get("target") is None:
            n_of_m = as_n_of_m(value.get("structure"))
            return {**value, "levels": n_of_m.most_levels if n_of_m else DEFAULT_LEVELS}
        return value

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_channels(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("structure") == "channel":
            return {"criterion": "l1", "outputs": ("slim", "ticket", "model", "mask"), **value}
        return value

    @model_validator(mode="before")
    @classmethod
    def _no_sparse_file_of_what_is_not_zero(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and "outputs" not in value and value.get("pruned", "zero") != "zero":
            return {**value, "outputs": ("ticket", "model", "mask")}
        return value

    @model_validator(mode="before")
    @classmethod
    def _default_moments_of_gradual(cls, value: Any) -> Any:
        if (
            isinstance(value, Mapping)
            and value.get("schedule_of_pruning") == "gradual"
            and value.get("gradual") is None
        ):
            return {**value, "gradual": {}}
        return value

    @property
    def holds(self) -> bool:
        """Whether removed entries hold weights instead of zero."""
        return self.pruned != "zero"

    @property
    def removes_channels(self) -> bool:
        """Whether whole channels are taken out of the network, rather than single entries set to zero."""
        return self.structure == "channel"

    @property
    def block(self) -> int | None:
        """How many consecutive inputs of an output share a number of kept entries; None with any other structure."""
        return self.structure.block if isinstance(self.structure, NOfM) else None

    def rewind_update(self, per_epoch: int) -> int:
        """Say after which update of the dense run the rewind point is; 0 where it is none of a step."""
        return self.rewind.iterations(per_epoch) if isinstance(self.rewind, Step) else 0

    @model_validator(mode="after")
    def _parts_agree(self) -> "Iterative":
        if self.levels is not None and self.target is not None:
            raise ValueError("expected levels or target, got both: the rate decides how many levels a target needs")
        if self.scope != "layerwise":
            kinds: dict[str, float] = {k: self.rate.of(k) for k in get_args(LayerKind)}
            odd = [k for k, rate in (kinds | self.rate.by_name).items() if rate not in (0, self.rate.default)]
            if odd:
                raise ValueError(
                    f"expected one rate for all kinds and names (or 0 to exempt one) with scope {self.scope}, "
                    f"got another for {odd}"
                )
        rewind, length, own = self.rewind, self.training.length, self.level_length
        if isinstance(own, Step) and (own.count == 0 or (own != length and _known_to_be_by(length, own))):
            raise ValueError(f"expected level_length above 0, at most training.length {length}, got {own}")
        for name, end in (("training.length", length), ("level_length", own)):
            if isinstance(rewind, Step) and isinstance(end, Step) and _known_to_be_by(end, rewind):
                raise ValueError(f"expected rewind before {name} {end}, got {rewind}")
        return self


def _known_to_be_by(end: Step, moment: Step) -> bool:
    """Say whether an end is at or before a moment as far as they can be compared: in one unit."""
    return end.unit == moment.unit and end.count <= moment.count
