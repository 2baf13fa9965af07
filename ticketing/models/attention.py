"""How tokens look at each other: scaled dot products of queries, keys and values; holds no weights."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional
from torch.overrides import handle_torch_function, has_torch_function_unary


def attend(
    projected: Float[Tensor, "batch tokens projections"], *, heads: int, causal: bool = False
) -> Float[Tensor, "batch tokens width"]:
    """Mix the values by softmax(queries keys^T / sqrt(width of a head)), head by head (Vaswani et al. 2017, eq. 1).

    Args:
        projected: Queries, keys and values side by side, each `heads` heads side by side: 3 x width values a token.
        heads: A divisor of the width.
        causal: Whether a token looks at itself and those before it alone.
    """
    if has_torch_function_unary(projected):  # as PyTorch's own functions do: who follows them sees one function
        return handle_torch_function(attend, (projected,), projected, heads=heads, causal=causal)
    batch, tokens, three_widths = projected.shape
    width = three_widths // 3
    split = projected.view(batch, tokens, 3, heads, width // heads)
    queries, keys, values = split.permute(2, 0, 3, 1, 4)
    mixed = functional.scaled_dot_product_attention(queries, keys, values, is_causal=causal)
    return mixed.transpose(1, 2).reshape(batch, tokens, width)
