"""What may be asked of the early-bird search: which shares of channels, when their choice has settled, what follows."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from ticketing.recipe.recipe import TicketRecipe
from ticketing.recipe.target import SlimTarget
from ticketing.step import Step

CONTROLS = ("reinit", "shuffle", "reinit_shuffle", "random")
"""Those of `Control` that can be drawn of channels."""
ChannelSparsity = Annotated[float, Field(gt=0, lt=1)]
DEFAULT_SPARSITIES = (0.5,)


class EarlyBird(TicketRecipe):
    """Early-bird tickets (You et al. 2019, arXiv 1909.11957): channels that settle in the first epochs of training.

    The dense network trains with an L1 term on the scales of its channels until the choice of those to remove no longer
    changes; these are then removed for good, and the slim network trains on.
    """

    search: Literal["early_bird"]
    channel_sparsities: tuple[ChannelSparsity, ...] | None = Field(
        None,
        min_length=1,
        max_length=10,
        description="Fractions of the channels removed, watched in one run; each is a level, the last is delivered; "
        "0.5 when no target is given.",
    )
    target: SlimTarget | None = Field(
        None,
        description="How small or fast the slim network is to be, in place of channel_sparsities: every epoch removes "
        "as few channels as that takes.",
    )
    round_to: int = Field(
        1,
        ge=1,
        le=256,
        description="Every layer keeps a multiple of so many channels, more than were asked for where that needs it.",
    )
    rule: Literal["newest_vs_window", "consecutive"] = Field(
        "newest_vs_window",
        description="newest_vs_window: the newest mask close to each older one of the window; consecutive: so many "
        "masks in a row close to the one before.",
    )
    window: int = Field(
        5, ge=2, le=100, description="Masks, the newest among them; with consecutive the distances between them."
    )
    threshold: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Largest mask distance that is close: the fraction of channels (of heads, of units) that differ.",
    )
    l1: float = Field(
        1e-4,
        ge=0,
        le=1,
        description="Strength of the L1 term on the scales of norms, or of heads and units, while the search trains.",
    )
    initial_scale: float = Field(
        0.5, gt=0, le=10, description="What the scales of norms begin with in the search, in place of 1."
    )
    search_length: Step | None = Field(
        None,
        description="When the search ends at the latest, settled or not; with the training when absent, or one epoch "
        "before it where the slim network continues.",
    )
    search_precision: Literal["training", "int8"] = Field(
        "training",
        description="training: as training.precision says; int8: the search holds every number in 8-bit block floating "
        "point, rounded stochastically, for SGD in fp32.",
    )
    then: Literal["continue", "retrain", "rewind", "reinit"] = Field(
        "continue",
        description="What the slim network trains from. continue: the weights of the epoch it was found at, the "
        "schedule going on; retrain: the same weights, the schedule from its beginning; rewind: those before training; "
        "reinit: weights drawn anew.",
    )

    outputs: tuple[Literal["slim", "ticket", "model", "mask", "onnx", "pt2", "hf"], ...] = Field(
        ("slim", "ticket", "model", "mask"),
        description="slim: the network without its removed channels; onnx and pt2: the same as a graph that runs "
        "without its code; hf: a folder of it for the Hugging Face Hub; the others are of the whole one, zero there.",
    )

    @property
    def removes_channels(self) -> bool:
        """Whether whole channels are taken out of the network: always."""
        return True

    @property
    def watched(self) -> tuple[float | None, ...]:
        """The share of channels that every level removes, level 1 first; None where the target decides it."""
        return (None,) if self.channel_sparsities is None else self.channel_sparsities

    @model_validator(mode="before")
    @classmethod
    def _default_share(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("channel_sparsities") is None and value.get("target") is None:
            return {**value, "channel_sparsities": DEFAULT_SPARSITIES}
        return value

    @model_validator(mode="after")
    def _target_decides_alone(self) -> "EarlyBird":
        if self.target is not None and self.channel_sparsities is not None:
            raise ValueError("expected channel_sparsities or target, got both: a target decides how many channels go")
        return self

    @field_validator("channel_sparsities")
    @classmethod
    def _sparsities_rise(cls, sparsities: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if sparsities is not None and list(sparsities) != sorted(set(sparsities)):
            raise ValueError(f"expected fractions in ascending order, each once, got {list(sparsities)}")
        return sparsities

    @model_validator(mode="after")
    def _controls_are_of_channels(self) -> "EarlyBird":
        odd = [control for control in self.evidence.controls if control not in CONTROLS]
        if odd:
            raise ValueError(f"expected controls among {', '.join(CONTROLS)}, which remove channels too, got {odd}")
        return self

    @model_validator(mode="after")
    def _eight_bits_replace_fp32_of_sgd(self) -> "EarlyBird":
        precision, optimizer = self.training.precision, self.training.optimizer.name
        if self.search_precision == "int8" and (precision, optimizer) != ("fp32", "sgd"):
            raise ValueError(
                f"expected training.precision fp32 and optimizer sgd for search_precision int8, got {precision} and "
                f"{optimizer}: Adam's second moments vanish in 8 bits"
            )
        return self

    @model_validator(mode="after")
    def _the_search_fits_the_training(self) -> "EarlyBird":
        length, own = self.training.length, self.search_length
        if own is not None and (own.count == 0 or (own.unit == length.unit and own.count > length.count)):
            raise ValueError(f"expected search_length above 0, at most training.length {length}, got {own}")
        return self
