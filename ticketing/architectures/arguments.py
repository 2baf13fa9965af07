"""Which arguments the networks take and how large they may be; knows no architecture."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Side = Annotated[int, Field(ge=1, le=1024)]
_Side = TypeVar("_Side")
Sides = Annotated[list[_Side], Field(min_length=2, max_length=2, description="Height and width in pixels.")]

SMALL_IMAGE = 64
"""Pixels of the shorter side up to which networks made for ImageNet are built in their form for small images."""


class Arguments(BaseModel):
    """What every network needs to know of its data; unknown arguments are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    classes: int = Field(ge=2, le=100_000, description="Number of outputs.")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one example: (features,) or (channels, height, width)."""
        raise NotImplementedError

    def explicit(self) -> dict[str, Any]:
        """Write every argument that has a value, as plain JSON values."""
        return self.model_dump(mode="json", exclude_none=True)


class ImageArguments(Arguments):
    """Arguments of a network that reads images."""

    in_channels: int = Field(ge=1, le=4096, description="Channels of an image.")
    input_size: Sides[Annotated[Side, Field(ge=2)]]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(channels, height, width)."""
        return (self.in_channels, *self.input_size)


_INPUT_ARGUMENTS = ("in_channels", "input_size", "in_features")


class FlatArguments(Arguments):
    """Arguments of a network that flattens its input: either an image's or a number of features."""

    in_channels: int | None = Field(None, ge=1, le=4096, description="Channels of an image.")
    input_size: Annotated[list[Side], Field(min_length=2, max_length=2)] | None = Field(
        None, description="Height and width in pixels."
    )
    in_features: int | None = Field(None, ge=1, le=1_000_000, description="Values of an example that is no image.")

    @model_validator(mode="after")
    def _one_kind_of_input(self) -> "FlatArguments":
        given = tuple(name for name in _INPUT_ARGUMENTS if getattr(self, name) is not None)
        if given not in (("in_features",), ("in_channels", "input_size")):
            raise ValueError(f"expected either in_features or both in_channels and input_size, got {list(given)}")
        return self

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(features,) or (channels, height, width)."""
        if self.in_channels is not None and self.input_size is not None:
            return (self.in_channels, *self.input_size)
        assert self.in_features is not None
        return (self.in_features,)


class MlpArguments(FlatArguments):
    """Arguments of a multilayer perceptron."""

    hidden: Annotated[list[Annotated[int, Field(ge=1, le=65_536)]], Field(max_length=16)] = Field(
        [300, 100], description="Width of each hidden layer, input to output."
    )


class Conv4Arguments(ImageArguments):
    """Arguments of a network that halves its image twice, rounding down."""

    input_size: Sides[Annotated[Side, Field(ge=4)]]


class Conv6Arguments(ImageArguments):
    """Arguments of a network that halves its image three times, rounding down."""

    input_size: Sides[Annotated[Side, Field(ge=8)]]


class LeNet5Arguments(ImageArguments):
    """Arguments of a network that twice takes a border of 2 pixels off its image and halves it, rounding down."""

    input_size: Sides[Annotated[Side, Field(ge=16)]]


def _by_size(small: str, large: str) -> Any:
    """Choose between two forms of a network by the size of its images."""
    return Field(
        default_factory=lambda known: small if min(known["input_size"]) <= SMALL_IMAGE else large,
        description=f"Left out: {small} for images of up to {SMALL_IMAGE} pixels on the shorter side, else {large}.",
    )


class StemArguments(ImageArguments):
    """Arguments of a network made for ImageNet, with a form for small images."""

    stem: Literal["cifar", "imagenet"] = _by_size("cifar", "imagenet")


class VggArguments(ImageArguments):
    """Arguments of a VGG network."""

    input_size: Sides[Annotated[Side, Field(ge=16)]]
    classifier: Literal["single", "imagenet"] = _by_size("single", "imagenet")

    @model_validator(mode="after")
    def _survives_five_pools(self) -> "VggArguments":
        if self.classifier == "imagenet" and min(self.input_size) < 32:
            raise ValueError(
                f"expected an input_size of at least 32 by 32 with the classifier imagenet, got {self.input_size}"
            )
        return self


class WideResNetArguments(ImageArguments):
    """Arguments of a wide residual network."""

    depth: int = Field(28, ge=10, le=400, description="6n + 4 for n blocks in each of three stages.")
    width: int = Field(10, ge=1, le=64, description="Times 16, 32, 64: the channels of the three stages.")

    @field_validator("depth")
    @classmethod
    def _fills_three_stages(cls, depth: int) -> int:
        if depth % 6 != 4:
            raise ValueError(f"expected a depth of 6n + 4, such as 16, 22, 28 or 40, got {depth}")
        return depth
