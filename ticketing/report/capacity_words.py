"""What the report of a sweep over widths says in plain sentences, for the page and the card; knows no markup."""

from collections.abc import Mapping
from typing import Any

from ticketing.report.words import number, percent

Capacity = Mapping[str, Any]


def sentence(capacity: Capacity) -> str:
    """Say where the test loss peaks against the threshold, on how many repeats; or that it does not."""
    peak, n = capacity["test_loss_peak"], capacity["repeats"]
    targets = number(round(capacity["threshold"]["parameters"]))
    if peak is None:
        return f"The test loss descends once over these widths, without a peak (n = {n}); n K is {targets}."
    return (
        f"The test loss peaks at width {peak['width']}, at {peak['parameters_per_target']:.2f} times the {targets} "
        f"targets, and stands {peak['prominence']:.3g} above the higher of its two valleys (n = {n})."
    )


def interpolation_sentence(capacity: Capacity) -> str:
    """Say from which width on the networks fit their train examples."""
    since, bound = capacity["interpolates_from"], percent(capacity["interpolating_error"])
    if since is None:
        return f"Not even the widest network fits its examples (train error above {bound})."
    return (
        f"From width {since['width']} on ({since['parameters_per_target']:.2f} parameters for every target) every "
        f"network fits its examples (train error at most {bound})."
    )


def loss_name(capacity: Capacity) -> str:
    """Name the loss and its unit."""
    return "squared loss" if capacity["loss"] == "mse" else "cross-entropy (nats)"


def mean_and_range(figure: Mapping[str, Any], *, share: bool) -> str:
    """Write a figure's mean with the range over its repeats."""
    low, high, mean = min(figure["values"]), max(figure["values"]), figure["mean"]
    if share:
        return f"{percent(mean, 2)} ({percent(low, 2)} to {percent(high, 2)})"
    return f"{mean:.4g} ({low:.4g} to {high:.4g})"
