"""How one network is trained: optimizer, schedule, length, precision; knows no search."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ticketing.recipe.part import Part
from ticketing.step import Step


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
