"""A parameter as blocks: M consecutive inputs of one output, as `N:M` divides it; knows no scores and no layers."""

from collections.abc import Sequence

from jaxtyping import Shaped
from torch import Tensor

from ticketing.mask import Mask


def in_blocks(tensor: Shaped[Tensor, "outputs inputs ..."], block: int) -> Shaped[Tensor, "blocks block"]:
    """Lay out a weight with a block a row: consecutive inputs of one output, at one place of a kernel.

    Args:
        tensor: A linear layer (out, in) or a convolution (out, in, height, width).
        block: Inputs of a block; they divide the inputs.
    """
    return tensor.movedim(1, -1).reshape(-1, block)


def out_of_blocks(blocks: Shaped[Tensor, "blocks block"], shape: Sequence[int]) -> Shaped[Tensor, "..."]:
    """Undo `in_blocks`, to the shape of the weight."""
    outputs, inputs, *place = shape
    return blocks.reshape(outputs, *place, inputs).movedim(-1, 1).contiguous()


def uneven(mask: Mask, block: int) -> list[str]:
    """Name the parameters that do not keep as many inputs of every block.

    One that is kept whole, or not at all, makes no blocks.
    """
    divided = [(name, mask[name]) for name, kept in mask.counts().items() if 0 < kept < mask[name].numel()]
    return [name for name, kept in divided if not _even(kept, block)]


def _even(kept: Tensor, block: int) -> bool:
    if kept.dim() < 2 or kept.shape[1] % block:
        return False
    counts = in_blocks(kept, block).sum(1)
    return bool((counts == counts[0]).all())
