"""The layers that transformers are made of, each as an inventory lists it; knows no whole network."""

from typing import Literal

from ticketing.architectures.inventory import Layer

MLP_RATIO = 4
"""Hidden units of a block's perceptron per unit of its width (Vaswani et al. 2017, table 3)."""


def projection(
    name: str,
    weight: tuple[int, int],
    *,
    tokens: int,
    deviation: float,
    kind: Literal["linear", "attention", "embedding"] = "linear",
    role: Literal["hidden", "output"] = "hidden",
    bias: bool = True,
) -> Layer:
    """List a linear layer of shape (out, in) that every one of `tokens` tokens goes through."""
    return Layer(name, kind, weight, bias, weight[0] * weight[1] * tokens, role, deviation=deviation)


def into_attention(name: str, width: int, *, tokens: int, deviation: float, key: str | None = None) -> Layer:
    """List the projection to queries, keys and values, and with it the products that have no weight.

    Queries by keys and scores by values cost tokens x tokens x width multiply-adds each, whatever the heads; a causal
    mask makes them no fewer, for the dense kernels compute what it hides.
    """
    weight = (3 * width, width)
    return Layer(
        name,
        "attention",
        weight,
        True,
        weight[0] * weight[1] * tokens,
        key=key,
        products=2 * tokens * tokens * width,
        deviation=deviation,
    )


def embedding(name: str, weight: tuple[int, ...], *, deviation: float, key: str | None = None) -> Layer:
    """List a learned table, from which entries are taken or which is added: it multiplies nothing."""
    return Layer(name, "embedding", weight, False, 0, key=key, deviation=deviation)


def layer_norm(name: str, width: int) -> Layer:
    """List a normalisation of each token (Ba et al. 2016), with scale and shift."""
    return Layer(name, "layer_norm", (width,), True, 0)
