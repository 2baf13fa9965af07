"""ticketing.data.augmentation: every image changed on its own, by seed and step alone, in the layout it came in."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ticketing.data.augmentation import Augmentation, cropped, cut_out, flipped, hole_of, padding_of

KINDS = ("flip", "crop", "flip_crop", "cutout")
every_kind = pytest.mark.parametrize("kind", KINDS)


def images(n: int = 12, channels: int = 3, height: int = 6, width: int = 8) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, channels, height, width, generator=generator) + 10  # no pixel is 0


def windows(image: Tensor, padding: int) -> list[Tensor]:
    """List everything that a crop may make of one image, the slow and obvious way."""
    channels, height, width = image.shape
    padded = torch.zeros(channels, height + 2 * padding, width + 2 * padding, dtype=image.dtype)
    padded[:, padding : padding + height, padding : padding + width] = image
    places = range(2 * padding + 1)
    return [padded[:, top : top + height, left : left + width] for top in places for left in places]


def test_only_the_chosen_are_mirrored_and_twice_is_never() -> None:
    x, chosen = images(2), torch.tensor([True, False])
    mirrored = flipped(x, chosen)
    assert torch.equal(mirrored[0], x[0].flip(-1))
    assert torch.equal(mirrored[1], x[1])
    assert torch.equal(flipped(mirrored, chosen), x)


@settings(deadline=None)
@given(corners=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=5, max_size=5))
def test_a_crop_is_a_window_of_the_padded_image(corners: list[tuple[int, int]]) -> None:
    x = images(5)
    made = cropped(x, torch.tensor(corners), padding=2)
    for image, new, (top, left) in zip(x, made, corners, strict=True):
        assert torch.equal(new, windows(image, 2)[5 * top + left])


def test_the_middle_corner_leaves_an_image_where_it_was() -> None:
    x = images(4)
    assert torch.equal(cropped(x, torch.full((4, 2), 3), padding=3), x)


@settings(deadline=None)
@given(side=st.integers(1, 8), row=st.integers(0, 5), column=st.integers(0, 7))
def test_cutout_blanks_its_square_and_nothing_else(side: int, row: int, column: int) -> None:
    x = images(1)
    expected = x.clone()
    top, left = row - side // 2, column - side // 2
    expected[:, :, max(0, top) : top + side, max(0, left) : left + side] = 0
    assert torch.equal(cut_out(x, torch.tensor([[row, column]]), side=side), expected)


@pytest.mark.parametrize(("side", "padding", "hole"), [(32, 4, 16), (28, 4, 14), (64, 8, 32), (8, 1, 4), (1, 1, 1)])
def test_sizes_are_those_of_the_papers_at_32_pixels_and_in_proportion_elsewhere(
    side: int, padding: int, hole: int
) -> None:
    x = torch.zeros(1, 1, side, side + 5)
    assert (padding_of(x), hole_of(x)) == (padding, hole)


def test_each_word_does_what_it_says_and_no_more() -> None:
    x = images(200)
    for kind in KINDS:
        made = Augmentation(kind, 0, per_epoch=2)(x, 0)
        for image, new in zip(x, made, strict=True):
            mirrored = image.flip(-1)
            possible = {
                "flip": [image, mirrored],
                "crop": windows(image, 1),
                "flip_crop": windows(image, 1) + windows(mirrored, 1),
                "cutout": [torch.where(new == 0, 0.0, image)],
            }[kind]
            assert any(torch.equal(new, one) for one in possible), kind
            if kind == "cutout":
                assert 3 <= (new == 0).sum() <= 3 * 3 * 3


def test_half_of_the_images_are_mirrored_and_every_corner_is_used() -> None:
    x = images(1000)
    once = (Augmentation("flip", 0, per_epoch=1)(x, 0) != x).flatten(1).any(1).float().mean()
    assert 0.45 < once < 0.55
    made = Augmentation("crop", 0, per_epoch=1)(x, 0)
    used = {next(i for i, w in enumerate(windows(a, 1)) if torch.equal(b, w)) for a, b in zip(x, made, strict=True)}
    assert used == set(range(9))


@pytest.mark.parametrize(("height", "width"), [(6, 8), (8, 6)])
def test_every_pixel_may_be_cut_out(height: int, width: int) -> None:
    made = Augmentation("cutout", 0, per_epoch=1)(images(400, height=height, width=width), 0)
    assert (made == 0).any(0).all()


@every_kind
def test_a_step_is_augmented_alike_whatever_was_before_it(kind: Any) -> None:
    x = images()
    walked = Augmentation(kind, 7, per_epoch=3)
    made = [walked(x, step) for step in range(8)]
    for step in (0, 2, 3, 7):
        torch.manual_seed(step)  # the ambient generator has no say
        assert torch.equal(Augmentation(kind, 7, per_epoch=3)(x, step), made[step])
    assert len({tuple(one.flatten().tolist()) for one in made}) == 8
    assert not torch.equal(Augmentation(kind, 8, per_epoch=3)(x, 0), made[0])


@every_kind
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_dtype_and_memory_layout_are_kept_and_the_images_left_alone(
    kind: Any, dtype: torch.dtype, layout: torch.memory_format
) -> None:
    x = images().to(dtype).contiguous(memory_format=layout)
    before = x.clone()
    made = Augmentation(kind, 0, per_epoch=1)(x, 0)
    assert (made.dtype, made.stride()) == (dtype, x.stride())
    assert torch.equal(x, before)
    other = torch.contiguous_format if layout is torch.channels_last else torch.channels_last
    assert torch.equal(made, Augmentation(kind, 0, per_epoch=1)(x.contiguous(memory_format=other), 0))
