"""A small decoder-only transformer for text, built as GPT-2 is (Radford et al. 2019): `gpt`, of any sizes."""

from itertools import chain
from math import sqrt

from pydantic import Field, model_validator

from ticketing.architectures.architecture import Architecture
from ticketing.architectures.arguments import TokenArguments
from ticketing.architectures.attention import MLP_RATIO, embedding, into_attention, layer_norm, projection
from ticketing.architectures.inventory import Layer

DEVIATION = 0.02


class GptArguments(TokenArguments):
    """Arguments of a small GPT."""

    width: int = Field(384, ge=1, le=16_384, description="Of a token, a multiple of the heads.")
    depth: int = Field(6, ge=1, le=128, description="Blocks of attention and perceptron.")
    heads: int = Field(6, ge=1, le=256, description="Of each attention.")
    tied: bool = Field(True, description="Whether the embeddings of tokens are the output layer too: one parameter.")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "GptArguments":
        if self.width % self.heads:
            raise ValueError(f"expected a width that {self.heads} heads divide, got {self.width}")
        return self


def _gpt_layers(arguments: GptArguments) -> tuple[Layer, ...]:
    width, tokens, table = arguments.width, arguments.context, (arguments.vocabulary, arguments.width)
    # What a block adds to its shortcut is drawn smaller, so that the sum of all keeps its size (Radford et al., 2.3).
    into_sum = DEVIATION / sqrt(2 * arguments.depth)
    blocks = (_block(f"transformer.h.{i}", width, tokens, into_sum) for i in range(arguments.depth))
    # A table that is the output layer too is multiplied by as one.
    words = projection("transformer.wte", table, tokens=tokens, deviation=DEVIATION, kind="embedding", bias=False)
    apart = projection("lm_head", table, tokens=tokens, deviation=DEVIATION, role="output", bias=False)
    return (
        words if arguments.tied else embedding("transformer.wte", table, deviation=DEVIATION),
        embedding("transformer.wpe", (tokens, width), deviation=DEVIATION),
        *chain.from_iterable(blocks),
        layer_norm("transformer.ln_f", width),
        *(() if arguments.tied else (apart,)),
    )


def _block(name: str, width: int, tokens: int, into_sum: float) -> tuple[Layer, ...]:
    hidden = MLP_RATIO * width
    return (
        layer_norm(f"{name}.ln_1", width),
        into_attention(f"{name}.attn.c_attn", width, tokens=tokens, deviation=DEVIATION),
        projection(f"{name}.attn.c_proj", (width, width), tokens=tokens, deviation=into_sum, kind="attention"),
        layer_norm(f"{name}.ln_2", width),
        projection(f"{name}.mlp.c_fc", (hidden, width), tokens=tokens, deviation=DEVIATION),
        projection(f"{name}.mlp.c_proj", (width, hidden), tokens=tokens, deviation=into_sum),
    )


GPT = Architecture(
    name="gpt",
    description="Decoder-only transformer for text, pre-norm, learned positions, as GPT-2 at a small size; no dropout.",
    arguments=GptArguments,
    data_shape=(),
    classes=65,  # the characters of Shakespeare's plays
    initialiser="normal",
    layers=_gpt_layers,
    preset={
        "training": {
            "length": "5000it",
            "batch_size": 64,
            "optimizer": {"name": "adam", "learning_rate": 1e-3, "betas": [0.9, 0.99]},
            "schedule": {"name": "constant", "warmup": "100it"},
            "evaluate_every": "250it",
        },
        "rate": {"default": 0.2, "output": 0.1},
    },
    task="next_token",
)
