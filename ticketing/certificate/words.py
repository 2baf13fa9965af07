"""The words a certificate speaks in, and what they need; judges nothing, loads no NumPy."""

from typing import Literal

Outcome = Literal["matches", "loses", "beaten", "not_beaten", "inconclusive"]
Verdict = Literal["winning", "matching", "losing", "inconclusive"]

AS_DENSE = frozenset({"dense_long"})
"""Controls that are the dense network under fairer terms: a ticket has to match them, as it has to match dense."""

MINIMUM_REPLICATES = 3
"""Fewer are always inconclusive: two differences can agree by luck whatever their interval says."""
