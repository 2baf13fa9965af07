"""A fully connected layer of which the kept weights alone are there: stored, multiplied, learnt; prunes nothing."""

import warnings
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional


class SparseLinear(nn.Module):
    """`nn.Linear` under a fixed mask; `weight` is the vector of its kept entries in C order.

    On a CPU with MKL all three products of an update cost what is kept: W x and W^T g are products of a matrix in
    compressed rows, and the gradient of W is computed at the kept places alone. Elsewhere the same function is
    computed through the dense matrix.
    """

    rows: Int[Tensor, " kept"]
    columns: Int[Tensor, " kept"]
    begins: Int[Tensor, " out+1"]
    transposed_columns: Int[Tensor, " kept"]
    transposed_begins: Int[Tensor, " into+1"]
    transposition: Int[Tensor, " kept"]
    """The kept entries in C order of the transposed matrix, numbered as they lie in `weight`."""

    def __init__(self, kept: Bool[Tensor, "out into"], *, bias: bool) -> None:
        """Lay out the places that are kept; the parameters are on the `meta` device until a state is loaded."""
        super().__init__()
        self.shape = tuple(kept.shape)
        rows, columns = kept.nonzero(as_tuple=True)
        numbers = torch.zeros(kept.shape, dtype=torch.int64, device=kept.device)
        numbers[kept] = torch.arange(len(rows), device=kept.device)
        places = {"rows": rows, "columns": columns, "begins": _begins(kept)}
        places |= {"transposed_columns": kept.t().nonzero()[:, 1], "transposed_begins": _begins(kept.t())}
        places |= {"transposition": numbers.t()[kept.t()]}
        for name, place in places.items():
            self.register_buffer(name, place.to(torch.int32), persistent=False)
        self.weight = nn.Parameter(torch.empty(len(rows), device="meta"))
        self.bias = nn.Parameter(torch.empty(self.shape[0], device="meta")) if bias else None

    def forward(self, x: Float[Tensor, "*batch into"]) -> Float[Tensor, "*batch out"]:
        """Give W x + b."""
        if not at_hand(x.device):
            return functional.linear(x, self.dense(), self.bias)
        made: Tensor = _Product.apply(x.flatten(0, -2), self.weight, self.bias, self)  # type: ignore[no-untyped-call]
        return made if x.dim() == 2 else made.view(*x.shape[:-1], self.shape[0])

    def dense(self) -> Float[Tensor, "out into"]:
        """Give the whole matrix, zero where nothing is kept."""
        return self.weight.new_zeros(self.shape).index_put((self.rows, self.columns), self.weight)

    def compressed(self, weight: Float[Tensor, " kept"]) -> Tensor:
        """Lay kept entries out as the matrix in compressed rows; nothing is copied."""
        return _compressed(self.begins, self.columns, weight, self.shape)

    def transposed(self, weight: Float[Tensor, " kept"]) -> Tensor:
        """Lay kept entries out as the transposed matrix in compressed rows."""
        weight = weight.index_select(0, self.transposition)
        return _compressed(self.transposed_begins, self.transposed_columns, weight, self.shape[::-1])


class _Product(torch.autograd.Function):
    """W x + b for x of shape (batch, into).

    Whatever it makes lies in memory as the products do, one output after the other, and is no view: what works in place
    on it is then one pass, and the next such layer reads it as it is.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, layer: SparseLinear) -> Tensor:
        columns = x.t().contiguous()
        ctx.save_for_backward(columns, weight)
        ctx.layer = layer
        made = _by_column(x, len(x), layer.shape[0])
        if bias is None:
            torch.mm(layer.compressed(weight), columns, out=made.t())
        else:
            torch.addmm(bias.unsqueeze(1), layer.compressed(weight), columns, out=made.t())
        return made

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None, None]:
        columns, weight = ctx.saved_tensors
        layer, towards = ctx.layer, gradient.t().contiguous()
        # Row times row at the kept places, into values of its own: no place is copied. Of zeros, for the kernel
        # multiplies what it finds there by beta.
        at_kept = layer.compressed(torch.zeros_like(weight))
        torch.sparse.sampled_addmm(at_kept, towards, columns.t(), beta=0.0, out=at_kept)
        backward = None
        if ctx.needs_input_grad[0]:
            backward = _by_column(gradient, len(gradient), layer.shape[1])
            torch.mm(layer.transposed(weight), towards, out=backward.t())
        of_bias = towards.sum(1) if ctx.needs_input_grad[2] else None
        return backward, at_kept.values(), of_bias, None


def _by_column(like: Tensor, rows: int, columns: int) -> Tensor:
    return like.new_empty_strided((rows, columns), (1, rows))


def at_hand(device: torch.device) -> bool:
    """Say whether a device has the sparse products: measured, and faster than dense ones, on a CPU with MKL alone."""
    return device.type == "cpu" and torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]


def _begins(kept: Bool[Tensor, "rows columns"]) -> Int[Tensor, " rows+1"]:
    """Give for every row how many entries are kept before it, and how many in all."""
    return functional.pad(kept.sum(1).cumsum(0), (1, 0))


def _compressed(begins: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, ...]) -> Tensor:
    return torch.sparse_csr_tensor(begins, columns, values, shape, check_invariants=False)


# Said once in a process, when the first such matrix is made: that the support is in beta. It is tested here.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    torch.zeros(1, 1).to_sparse_csr()
