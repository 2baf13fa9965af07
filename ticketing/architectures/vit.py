"""The vision transformer of Dosovitskiy et al. 2020: `vit-tiny`, at the width and depth of DeiT-Ti."""

from itertools import chain
from math import gcd, prod, sqrt
from typing import Any

from pydantic import Field, model_validator

from ticketing.architectures.architecture import Architecture
from ticketing.architectures.arguments import ImageArguments
from ticketing.architectures.attention import MLP_RATIO, embedding, into_attention, layer_norm, projection
from ticketing.architectures.inventory import Layer

PATCHES = (16, 8, 4, 2, 1)
LEAST_PATCHES = 7
"""A side: with fewer there is little for attention to compare."""
MAX_PATCHES = 4096
"""64 x 64: attention costs their square."""
DEVIATION = 0.02
"""Of everything but the patches' projection (Touvron et al. 2020: a truncated normal)."""


class VitArguments(ImageArguments):
    """Arguments of a vision transformer."""

    patch: int = Field(
        16,
        ge=1,
        le=256,
        description="Side of a patch in pixels; left out: the largest of 16, 8, 4, 2, 1 that divides height and "
        "width and leaves 7 patches a side, else 1.",
    )
    width: int = Field(192, ge=1, le=16_384, description="Of a token, a multiple of the heads.")
    depth: int = Field(12, ge=1, le=128, description="Blocks of attention and perceptron.")
    heads: int = Field(3, ge=1, le=256, description="Of each attention.")

    @model_validator(mode="before")
    @classmethod
    def _patch_by_size(cls, value: Any) -> Any:
        match value:
            case {"input_size": [int() as height, int() as width]} if "patch" not in value and min(height, width) > 0:
                return {**value, "patch": patch_for(height, width)}
        return value

    @model_validator(mode="after")
    def _parts_fit(self) -> "VitArguments":
        if self.width % self.heads:
            raise ValueError(f"expected a width that {self.heads} heads divide, got {self.width}")
        if any(side % self.patch for side in self.input_size):
            raise ValueError(f"expected an input_size that a patch of {self.patch} divides, got {self.input_size}")
        if self.patches > MAX_PATCHES:
            raise ValueError(f"expected a patch that leaves at most {MAX_PATCHES} of them, got {self.patches}")
        return self

    @property
    def patches(self) -> int:
        """How many an image has."""
        height, width = self.input_size
        return (height // self.patch) * (width // self.patch)


def patch_for(height: int, width: int) -> int:
    """Give the side of a patch for an image: the paper's 16 at 224 pixels, 4 at 32."""
    fits = (p for p in PATCHES if gcd(height, width) % p == 0 and min(height, width) // p >= LEAST_PATCHES)
    return next(fits, 1)


def _vit_layers(arguments: VitArguments) -> tuple[Layer, ...]:
    width, tokens = arguments.width, arguments.patches + 1
    patch = (width, arguments.in_channels, arguments.patch, arguments.patch)
    entries = prod(patch[1:])
    head = (arguments.classes, width)
    blocks = (_block(f"encoder.layers.encoder_layer_{i}", width, tokens) for i in range(arguments.depth))
    return (
        embedding("class_token", (1, 1, width), deviation=DEVIATION, key="class_token"),
        # A variance of 1 / fan-in (LeCun et al. 1998): at 0.02 the few pixels of a small patch would say nothing.
        Layer("conv_proj", "conv", patch, True, width * entries * arguments.patches, deviation=sqrt(1 / entries)),
        embedding("encoder.pos_embedding", (1, tokens, width), deviation=DEVIATION, key="encoder.pos_embedding"),
        *chain.from_iterable(blocks),
        layer_norm("encoder.ln", width),
        # Reads the class token alone.
        projection("heads.head", head, tokens=1, deviation=DEVIATION, role="output"),
    )


def _block(name: str, width: int, tokens: int) -> tuple[Layer, ...]:
    at, hidden = f"{name}.self_attention", MLP_RATIO * width
    return (
        layer_norm(f"{name}.ln_1", width),
        into_attention(at, width, tokens=tokens, deviation=DEVIATION, key=f"{at}.in_proj_weight"),
        projection(f"{at}.out_proj", (width, width), tokens=tokens, deviation=DEVIATION, kind="attention"),
        layer_norm(f"{name}.ln_2", width),
        projection(f"{name}.mlp.0", (hidden, width), tokens=tokens, deviation=DEVIATION),
        projection(f"{name}.mlp.3", (width, hidden), tokens=tokens, deviation=DEVIATION),
    )


VIT_TINY = Architecture(
    name="vit-tiny",
    description="Vision transformer, pre-norm, class token, learned positions; DeiT-Ti (192 wide, 12 deep, 3 heads).",
    arguments=VitArguments,
    data_shape=(3, 32, 32),
    classes=10,
    initialiser="truncated_normal",
    layers=_vit_layers,
    # After Touvron et al. 2020, table 9: rate and warm-up; without decay of rate and weights, and without augmentation.
    preset={
        "training": {
            "length": "200ep",
            "batch_size": 128,
            "optimizer": {"name": "adam", "learning_rate": 5e-4},
            "schedule": {"name": "constant", "warmup": "5ep"},
            "evaluate_every": "1ep",
        },
        "rate": {"default": 0.2, "output": 0.1},
    },
)
