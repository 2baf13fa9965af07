"""ticketing.models.images: means over images as torch computes them, by operations that are deterministic."""

import pytest
import torch
from torch.nn import functional

from ticketing.models.images import AdaptiveMean, Mean, convolution


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (6, 8), (7, 7), (7, 9), (14, 14), (16, 20)])
def test_an_adaptive_mean_is_torchs_and_so_is_its_gradient(size: tuple[int, int]) -> None:
    x = drawn(2, 3, *size)
    ours, theirs = AdaptiveMean(7)(x), functional.adaptive_avg_pool2d(x, 7)
    assert torch.allclose(ours, theirs, atol=1e-12)
    weights = torch.arange(float(theirs.numel()), dtype=torch.float64).reshape_as(theirs)
    (mine,), (same,) = (torch.autograd.grad((made * weights).sum(), x) for made in (ours, theirs))
    assert torch.allclose(mine, same, atol=1e-9)


def test_an_image_of_the_size_asked_for_passes_untouched() -> None:
    x = drawn(1, 2, 7, 7)
    assert AdaptiveMean(7)(x) is x


def test_a_mean_is_over_all_pixels_of_a_channel() -> None:
    assert Mean()(torch.arange(8.0).reshape(1, 2, 2, 2)).tolist() == [[1.5, 5.5]]


def test_each_group_of_a_convolution_reads_its_own_channels() -> None:
    module, x = convolution(4, 4, groups=4), torch.randn(1, 4, 5, 5)
    other = x.clone()
    other[:, 2] += 1
    changed = (module(other) != module(x)).any(dim=3).any(dim=2)
    assert changed.tolist() == [[False, False, True, False]]
