"""ticketing.controls.n_of_m: controls that draw a mask keep as many inputs of every block as their ticket."""

from itertools import pairwise
from typing import Any

import pytest
import torch

from ticketing.blocks import in_blocks, uneven
from ticketing.controls import CONTROLS, control
from ticketing.controls.n_of_m import controls_in_blocks
from ticketing.errors import InvariantError
from ticketing.mask import Mask
from ticketing.pruning.n_of_m import keep_in_blocks
from ticketing.sparse import same_bits

Subject = Any
DRAWN = tuple(controls_in_blocks(4))


@pytest.fixture(scope="module")
def subject(make_subject: Any) -> Subject:
    return make_subject("mlp", in_features=8, hidden=[4, 6], classes=3)


def two_of_four(subject: Subject, seed: int = 0) -> Mask:
    """Draw a mask of 2:4 in the first two layers; the last, of 6 inputs, is whole."""
    generator, full = torch.Generator().manual_seed(seed), Mask.full(subject.shapes)
    scores = {name: torch.rand(shape, generator=generator) for name, shape in subject.shapes.items()}
    counts = {name: kept // (2 if name != "fc3.weight" else 1) for name, kept in full.counts().items()}
    return keep_in_blocks(scores, counts, 4, within=full)


def drawn(word: str, subject: Subject, mask: Mask, **place: int) -> Any:
    where = {"seed": 0, "replicate": 0, "level": 1} | place
    return control(word, block=4)(subject, mask, subject.initial_state, **where)


@pytest.mark.parametrize("word", DRAWN)
def test_every_block_keeps_its_count_and_every_divided_parameter_changes(word: str, subject: Subject) -> None:
    for seed in range(20):
        mask = two_of_four(subject, seed)
        found = drawn(word, subject, mask, seed=seed)
        assert uneven(found.mask, 4) == []
        assert (found.mask.counts(), found.equal) == (mask.counts(), "layers")
        assert all(not torch.equal(found.mask[name], mask[name]) for name in ("fc1.weight", "fc2.weight"))
        assert bool(found.mask["fc3.weight"].all())


@pytest.mark.parametrize("word", DRAWN)
@pytest.mark.parametrize("place", [{"seed": 1}, {"replicate": 1}, {"level": 2}])
def test_every_seed_replicate_and_level_has_its_own_draw(word: str, place: dict[str, int], subject: Subject) -> None:
    mask = two_of_four(subject)
    one, other = drawn(word, subject, mask), drawn(word, subject, mask, **place)
    assert one.mask != other.mask
    assert one.mask == drawn(word, subject, mask).mask


def test_the_three_draws_differ_and_start_as_they_do_with_single_entries(subject: Subject) -> None:
    mask, point = two_of_four(subject), subject.initial_state
    found = {word: drawn(word, subject, mask) for word in DRAWN}
    masks = [made.mask for made in found.values()]
    assert all(one != other for one, other in [*pairwise(masks), (masks[0], masks[-1])])
    starts = {word: (same_bits(made.start, point), made.full_schedule) for word, made in found.items()}
    assert starts == {"shuffle": (True, False), "reinit_shuffle": (False, True), "random": (True, False)}


def test_an_input_of_a_block_is_drawn_as_often_as_any_other(make_subject: Any) -> None:
    wide = make_subject("mlp", in_features=4, hidden=[500], classes=4)
    mask = Mask(
        {"fc1.weight": (torch.arange(4) < 2).repeat(500, 1), "fc2.weight": torch.ones(4, 500, dtype=torch.bool)}
    )
    kept = drawn("shuffle", wide, mask).mask["fc1.weight"]
    # 250 of each column are expected; five standard deviations of a hypergeometric draw are 56.
    assert all(194 < number < 306 for number in in_blocks(kept, 4).sum(0).tolist())


def test_a_whole_mask_has_nothing_to_permute(subject: Subject) -> None:
    for word in DRAWN:
        with pytest.raises(InvariantError, match="drawn otherwise"):
            drawn(word, subject, Mask.full(subject.shapes))


def test_controls_that_draw_no_mask_are_those_of_single_entries() -> None:
    assert {word for word in CONTROLS if control(word, block=4) is CONTROLS[word]} == {"reinit", "small_dense"}
    assert all(control(word) is draw for word, draw in CONTROLS.items())
