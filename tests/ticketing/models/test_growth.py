"""ticketing.models.growth: the narrow network is inside the wider one; what is new is small and depends on the seed."""

import torch

from ticketing.models.growth import grown

NARROW = {
    "fc1.weight": torch.arange(12.0).reshape(3, 4),
    "fc1.bias": torch.tensor([1.0, 2.0, 3.0]),
    "fc2.weight": torch.arange(6.0).reshape(2, 3),
    "fc2.bias": torch.tensor([0.5, -0.5]),
}


def test_the_narrow_network_is_inside_the_wider_one() -> None:
    wide = grown(NARROW, width=203, seed=0)
    assert wide["fc1.weight"].shape == (203, 4)
    assert wide["fc1.weight"][:3].equal(NARROW["fc1.weight"])
    assert wide["fc2.weight"][:, :3].equal(NARROW["fc2.weight"])
    assert wide["fc1.bias"].tolist() == [1.0, 2.0, 3.0] + [0.0] * 200
    assert wide["fc2.bias"].equal(NARROW["fc2.bias"])


def test_new_weights_have_variance_a_hundredth() -> None:
    wide = grown(NARROW, width=5003, seed=0)
    for new in (wide["fc1.weight"][3:], wide["fc2.weight"][:, 3:]):
        assert abs(new.std().item() - 0.1) < 0.005
        assert abs(new.mean().item()) < 0.005


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    first, again, other = (grown(NARROW, width=5, seed=seed) for seed in (1, 1, 2))
    assert all(first[name].equal(again[name]) for name in first)
    assert not first["fc1.weight"].equal(other["fc1.weight"])


def test_growing_by_nothing_changes_nothing() -> None:
    same = grown(NARROW, width=3, seed=0)
    assert all(same[name].equal(NARROW[name]) for name in NARROW)
