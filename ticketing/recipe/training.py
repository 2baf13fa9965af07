"""How one network is trained: optimizer, schedule, length, precision, what is done to its data; knows no search."""

from typing import Literal

from pydantic import Field, model_validator

from ticketing.recipe.label_noise import LabelNoise
from ticketing.recipe.learning_rate import Constant, Schedule
from ticketing.recipe.optimizer import Adam, Optimizer
from ticketing.recipe.part import Part, Share
from ticketing.step import Step

Precision = Literal["fp32", "bf16", "fp16"]
Augment = Literal["none", "flip", "crop", "flip_crop", "cutout"]


class Ema(Part):
    """The running average of the weights, which is then what is evaluated and handed on."""

    decay: float = Field(gt=0, lt=1, description="Share of the average that an update leaves as it was.")


class Training(Part):
    """How one network is trained, dense or sparse."""

    length: Step = Field(Step("20ep"), description="Updates of one training.")
    batch_size: int = Field(128, ge=1, le=65536, description="Examples per update.")
    optimizer: Optimizer = Adam(name="adam")
    schedule: Schedule = Constant(name="constant")
    precision: Precision = Field(
        "fp32",
        description="bf16 and fp16 compute forward and backward in 16 bits under autocast, weights stay fp32; "
        "fp16 scales the loss and needs a GPU.",
    )
    augment: Augment = Field("none", description="How a training image is changed each time it is seen.")
    label_noise: LabelNoise | None = Field(None, description="Training labels made wrong on purpose.")
    label_smoothing: Share = Field(0.0, description="Share of the target spread evenly over all classes.")
    gradient_clip: float | None = Field(
        None, gt=0, le=1e6, description="Largest L2 norm of the gradient, over all kept entries together."
    )
    ema: Ema | None = Field(None, description="Average the weights over the updates; off when absent.")
    evaluate_every: Step = Field(Step("1ep"), description="How often the validation split is evaluated.")
    deterministic: bool = Field(True, description="Same execution key, same bits.")

    @model_validator(mode="after")
    def _length_is_positive(self) -> "Training":
        for name in ("length", "evaluate_every"):
            if getattr(self, name).count == 0:
                raise ValueError(f"expected {name} of at least one iteration or epoch, got 0")
        return self
