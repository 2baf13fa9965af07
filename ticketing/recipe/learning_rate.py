"""How the learning rate runs over a training; knows no optimizer."""

from typing import Annotated, Literal

from pydantic import Field

from ticketing.recipe.part import Part, Share
from ticketing.step import Step

WARMUP = "Linear from 0 to the full rate over this long."


class Constant(Part):
    """The same learning rate from the end of the warm-up to the end."""

    name: Literal["constant"]
    warmup: Step = Field(Step("0it"), description=WARMUP)


class Milestones(Part):
    """The learning rate is multiplied by `factor` at each of the given steps."""

    name: Literal["milestones"]
    at: tuple[Step, ...] = Field(min_length=1, max_length=20)
    factor: float = Field(0.1, gt=0, lt=1)
    warmup: Step = Field(Step("0it"), description=WARMUP)


class Cosine(Part):
    """Half a cosine from the full rate to `final_fraction` of it (Loshchilov & Hutter 2017, eq. 5, no restarts)."""

    name: Literal["cosine"]
    final_fraction: Share = Field(0.0, description="Share of the full rate that is left after the last update.")
    warmup: Step = Field(Step("0it"), description=WARMUP)


class OneCycle(Part):
    """Up in a line over the warm-up, down in a line to 0 after the last update (Smith & Topin 2017).

    The momentum stays as it is, and there is no last phase below the first rate.
    """

    name: Literal["one_cycle"]
    warmup: Step | None = Field(None, description=f"{WARMUP} Three tenths of the length when absent.")


Schedule = Annotated[Constant | Milestones | Cosine | OneCycle, Field(discriminator="name")]
