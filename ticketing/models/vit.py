"""The modules of `vit-tiny`; its layers are listed in `ticketing.architectures.vit`."""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ticketing.architectures import Inventory
from ticketing.architectures.attention import MLP_RATIO
from ticketing.models.attention import attend

Norm = partial(nn.LayerNorm, eps=1e-6)

Tokens = Float[Tensor, "batch tokens width"]


class SelfAttention(nn.Module):
    """Attention with the parameters of `torch.nn.MultiheadAttention`, under its names."""

    def __init__(self, width: int, heads: int) -> None:
        """Take the width of a token and the number of heads that share it."""
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tokens) -> Tokens:
        """Give what every token takes from all of them."""
        projected = functional.linear(x, self.in_proj_weight, self.in_proj_bias)
        taken: Tensor = self.out_proj(attend(projected, heads=self.heads))
        return taken


class EncoderLayer(nn.Module):
    """Attention and a perceptron, each after a norm and beside a shortcut (Dosovitskiy et al. 2020, eq. 2 and 3)."""

    def __init__(self, width: int, heads: int) -> None:
        """Take the width of a token and the number of heads."""
        super().__init__()
        self.ln_1 = Norm(width)
        self.self_attention = SelfAttention(width, heads)
        self.ln_2 = Norm(width)
        # The places of torchvision's two dropouts, so that the numbers in the names agree.
        hidden = MLP_RATIO * width
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Identity(), nn.Linear(hidden, width), nn.Identity()
        )

    def forward(self, x: Tokens) -> Tokens:
        """Give the tokens after both."""
        mixed: Tensor = x + self.self_attention(self.ln_1(x))
        changed: Tensor = mixed + self.mlp(self.ln_2(mixed))
        return changed


class Encoder(nn.Module):
    """Positions, blocks, a last norm."""

    def __init__(self, tokens: int, width: int, depth: int, heads: int) -> None:
        """Take the number of tokens, their width, the number of blocks and of heads."""
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.empty(1, tokens, width))
        self.layers = nn.Sequential()
        for i in range(depth):
            self.layers.add_module(f"encoder_layer_{i}", EncoderLayer(width, heads))
        self.ln = Norm(width)

    def forward(self, x: Tokens) -> Tokens:
        """Give the tokens, encoded."""
        encoded: Tensor = self.ln(self.layers(x + self.pos_embedding))
        return encoded


class VisionTransformer(nn.Module):
    """Patches as tokens behind a class token, an encoder, a linear layer on the class token; no dropout."""

    def __init__(
        self, *, in_channels: int, patch: int, patches: int, width: int, depth: int, heads: int, classes: int
    ) -> None:
        """Take the image's channels and patches and the encoder's sizes."""
        super().__init__()
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.conv_proj = nn.Conv2d(in_channels, width, patch, stride=patch)
        self.encoder = Encoder(patches + 1, width, depth, heads)
        self.heads = nn.Sequential()
        self.heads.add_module("head", nn.Linear(width, classes))

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        """Give the logits."""
        patches = self.conv_proj(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(x.shape[0], -1, -1).to(patches.dtype), patches], dim=1)
        logits: Tensor = self.heads(self.encoder(tokens)[:, 0])
        return logits


def build_vit(inventory: Inventory) -> VisionTransformer:
    """Build the network that an inventory of `vit-tiny` lists."""
    sizes = {name: inventory.arguments[name] for name in ("patch", "width", "depth", "heads")}
    channels, height, width = inventory.input_shape
    patches = (height // sizes["patch"]) * (width // sizes["patch"])
    return VisionTransformer(in_channels=channels, patches=patches, classes=inventory.classes, **sizes)
