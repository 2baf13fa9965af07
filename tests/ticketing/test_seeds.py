"""ticketing.seeds: the same words give the same seed, other words another one."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from ticketing.seeds import Purpose, derive, order_of_level


@given(seed=st.integers(0, 2**63 - 1), replicate=st.integers(0, 30), purpose=st.sampled_from(get_args(Purpose)))
def test_a_seed_is_reproducible_and_fits_a_generator(seed: int, replicate: int, purpose: Purpose) -> None:
    derived = derive(seed, replicate, purpose)
    assert derived == derive(seed, replicate, purpose)
    assert 0 <= derived < 2**63


def test_seed_replicate_purpose_and_label_each_open_a_stream_of_their_own() -> None:
    streams = [
        derive(seed, replicate, purpose, *labels)
        for seed in (0, 1, 11)
        for replicate in (0, 1, 11)
        for purpose in get_args(Purpose)
        for labels in ((), ("certificate",), (1,), (1, 1), (11,))
    ]
    assert len(set(streams)) == len(streams)


def test_every_level_of_every_replicate_sees_an_order_of_its_own() -> None:
    orders = {order_of_level(7, replicate, level) for replicate in range(5) for level in range(20)}
    assert len(orders) == 100
    assert derive(7, 0, "order", "certificate") not in orders
