"""The searches: each walks from a network to a ladder of masks, looking at train and validation alone.

To add one: a file here with a function of `Search`'s shape, its line in `SEARCHES`, its recipe in
`ticketing.recipe`, and its page in `docs/searches/`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ticketing.searches.early_bird import search as early_bird
from ticketing.searches.iterative import search as iterative

Search = Callable[[Any, int], None]
"""(bench, replicate): finish that replicate's search, all of its levels in the journal."""

SEARCHES: Mapping[str, Search] = {"iterative": iterative, "early_bird": early_bird}
