"""The modules of `gpt`; its layers are listed in `ticketing.architectures.gpt`."""

from functools import partial

from jaxtyping import Float, Int64
from torch import Tensor, arange, nn
from torch.nn import functional

from ticketing.architectures import Inventory
from ticketing.architectures.attention import MLP_RATIO
from ticketing.models.attention import attend

Norm = partial(nn.LayerNorm, eps=1e-5)

Tokens = Float[Tensor, "batch tokens width"]


class CausalAttention(nn.Module):
    """Attention in which a token looks at itself and those before it."""

    def __init__(self, width: int, heads: int) -> None:
        """Take the width of a token and the number of heads that share it."""
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)

    def forward(self, x: Tokens) -> Tokens:
        """Give what every token takes from those it looks at."""
        taken: Tensor = self.c_proj(attend(self.c_attn(x), heads=self.heads, causal=True))
        return taken


class Perceptron(nn.Module):
    """Two linear layers with a GELU between them, by its tanh form as in GPT-2 (Hendrycks & Gimpel 2016)."""

    def __init__(self, width: int) -> None:
        """Take the width of a token."""
        super().__init__()
        self.c_fc = nn.Linear(width, MLP_RATIO * width)
        self.c_proj = nn.Linear(MLP_RATIO * width, width)

    def forward(self, x: Tokens) -> Tokens:
        """Change every token by itself."""
        changed: Tensor = self.c_proj(functional.gelu(self.c_fc(x), approximate="tanh"))
        return changed


class Block(nn.Module):
    """Attention and a perceptron, each after a norm and beside a shortcut (Radford et al. 2019, section 2.3)."""

    def __init__(self, width: int, heads: int) -> None:
        """Take the width of a token and the number of heads."""
        super().__init__()
        self.ln_1 = Norm(width)
        self.attn = CausalAttention(width, heads)
        self.ln_2 = Norm(width)
        self.mlp = Perceptron(width)

    def forward(self, x: Tokens) -> Tokens:
        """Give the tokens after both."""
        mixed: Tensor = x + self.attn(self.ln_1(x))
        changed: Tensor = mixed + self.mlp(self.ln_2(mixed))
        return changed


class Decoder(nn.Module):
    """Embeddings of tokens and positions, blocks, a last norm."""

    def __init__(self, vocabulary: int, context: int, width: int, depth: int, heads: int) -> None:
        """Take the sizes of both tables and of the blocks."""
        super().__init__()
        self.wte = nn.Embedding(vocabulary, width)
        self.wpe = nn.Embedding(context, width)
        self.h = nn.Sequential(*[Block(width, heads) for _ in range(depth)])
        self.ln_f = Norm(width)

    def forward(self, tokens: Int64[Tensor, "batch tokens"]) -> Tokens:
        """Give every token as the blocks leave it."""
        positions = arange(tokens.shape[1], device=tokens.device)
        decoded: Tensor = self.ln_f(self.h(self.wte(tokens) + self.wpe(positions)))
        return decoded


class GPT(nn.Module):
    """A decoder and the layer that makes its logits: the table of tokens itself where they are tied."""

    def __init__(self, *, vocabulary: int, context: int, width: int, depth: int, heads: int, tied: bool) -> None:
        """Take all sizes; tied, there is one parameter for both tables, under the name of the embeddings."""
        super().__init__()
        self.transformer = Decoder(vocabulary, context, width, depth, heads)
        if not tied:
            self.lm_head = nn.Linear(width, vocabulary, bias=False)
        self.tied = tied

    def forward(self, tokens: Int64[Tensor, "batch tokens"]) -> Float[Tensor, "batch tokens vocabulary"]:
        """Give at every token the logits of the next one."""
        decoded = self.transformer(tokens)
        logits: Tensor = functional.linear(decoded, self.transformer.wte.weight) if self.tied else self.lm_head(decoded)
        return logits


def build_gpt(inventory: Inventory) -> GPT:
    """Build the network that an inventory of `gpt` lists."""
    return GPT(**inventory.arguments)
