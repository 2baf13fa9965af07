"""ticketing.gain.memory: what lives at once is counted exactly, once, and no longer than it lives."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from ticketing.gain.memory import peak_bytes

FLOAT = 4


def linear(into: int, out: int) -> nn.Linear:
    return nn.Linear(into, out, bias=False)


def test_weights_batch_and_the_two_ends_of_the_widest_layer_live_at_once() -> None:
    network = nn.Sequential(linear(10, 100), linear(100, 1000), linear(1000, 5)).eval()
    weights = 10 * 100 + 100 * 1000 + 1000 * 5
    assert peak_bytes(network, torch.zeros(8, 10)) == FLOAT * (weights + 8 * (10 + 100 + 1000))


def test_what_nobody_holds_any_more_is_not_counted_and_what_takes_its_place_is() -> None:
    widths = [10, 100, 200, 3000, 7]
    network = nn.Sequential(*[linear(*pair) for pair in pairwise(widths)]).eval()
    weights = sum(one * other for one, other in pairwise(widths))
    assert peak_bytes(network, torch.zeros(8, 10)) == FLOAT * (weights + 8 * (10 + 200 + 3000))


def test_what_a_shortcut_holds_lives_until_it_is_added() -> None:
    class Shortcut(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + x.sin().cos()

    assert peak_bytes(Shortcut(), torch.zeros(50)) == FLOAT * 50 * 3  # at cos: x, sin, cos


def test_in_place_and_views_take_nothing() -> None:
    network = nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Identity()).eval()
    assert peak_bytes(network, torch.zeros(3, 2, 2)) == FLOAT * 12


def test_a_tied_weight_is_counted_once() -> None:
    network = nn.Sequential(linear(4, 4), linear(4, 4))
    network[1].weight = network[0].weight  # type: ignore[assignment]
    assert peak_bytes(network.eval(), torch.zeros(1, 4)) == FLOAT * (16 + 3 * 4)


def test_it_runs_without_keeping_what_a_gradient_would_need() -> None:
    deep = nn.Sequential(*[linear(10, 10) for _ in range(50)]).eval()
    assert peak_bytes(deep, torch.zeros(1000, 10)) == FLOAT * (50 * 100 + 3 * 10_000)
