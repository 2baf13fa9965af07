"""By which rule weights are updated; knows no schedule and no network."""

from typing import Annotated, Literal

from pydantic import Field

from ticketing.recipe.part import Part

Betas = tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]]
DecayOn = Annotated[
    Literal["all", "weights"],
    Field(description="What weight_decay acts on: every parameter, or weights alone: norms and biases are left."),
]


class SGD(Part):
    """Stochastic gradient descent with momentum, as `torch.optim.SGD` defines it."""

    name: Literal["sgd"]
    learning_rate: float = Field(0.1, gt=0, le=1000)
    momentum: float = Field(0.9, ge=0, lt=1)
    nesterov: bool = False
    weight_decay: float = Field(0.0, ge=0, le=1, description="L2 term added to the gradient.")
    weight_decay_on: DecayOn = "all"


class Adam(Part):
    """Adam as `torch.optim.Adam` defines it (Kingma & Ba 2014, algorithm 1), epsilon 1e-8."""

    name: Literal["adam"]
    learning_rate: float = Field(1.2e-3, gt=0, le=1000)
    betas: Betas = (0.9, 0.999)
    weight_decay: float = Field(0.0, ge=0, le=1, description="L2 term added to the gradient.")
    weight_decay_on: DecayOn = "all"


class AdamW(Part):
    """Adam with decoupled decay as `torch.optim.AdamW` defines it (Loshchilov & Hutter 2019, algorithm 2)."""

    name: Literal["adamw"]
    learning_rate: float = Field(1e-3, gt=0, le=1000)
    betas: Betas = (0.9, 0.999)
    weight_decay: float = Field(
        0.01, ge=0, le=1, description="Every update takes learning_rate x weight_decay of a weight away."
    )
    weight_decay_on: DecayOn = "all"


Optimizer = Annotated[SGD | Adam | AdamW, Field(discriminator="name")]
