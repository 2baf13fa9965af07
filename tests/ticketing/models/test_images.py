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


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("into", [1, 3, 5, 8, 17])
def test_a_pointwise_convolution_has_the_gradients_of_the_definition(into: int, stride: int) -> None:
    # On channels-last images of few channels those of nn.Conv2d are wrong or crash: the reference is a sum over pixels.
    generator = torch.Generator().manual_seed(into)
    layer = convolution(into, 4, 1, stride=stride)
    x = torch.randn(6, into, 7, 7, generator=generator).contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = layer.weight.detach().clone().requires_grad_()
    taken = x[:, :, ::stride, ::stride]
    expected = torch.einsum("nihw,oi->nohw", taken, weight[:, :, 0, 0])
    made = layer(x)
    assert torch.allclose(made, expected, atol=1e-5)
    towards = torch.randn(made.shape, generator=generator)
    ours = torch.autograd.grad(made, [x, layer.weight], towards)
    theirs = torch.autograd.grad(expected, [x, weight], towards)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(ours, theirs, strict=True))
