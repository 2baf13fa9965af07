"""The criteria: which score each gives an entry; higher means keep.

To add one: a file here with a function of `Criterion`'s shape, and its line in `CRITERIA`.
"""

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from ticketing.criteria.magnitude import large_final

Criterion = Callable[[Mapping[str, Tensor], Mapping[str, Tensor], Sequence[str]], dict[str, Tensor]]
"""(trained state, initial state, prunable parameter names) -> one score tensor per name, shaped like it."""

CRITERIA: Mapping[str, Criterion] = {"large_final": large_final}
