"""ticketing.journal.where: a training has one name at all of its steps, and every training another."""

from hypothesis import given
from hypothesis import strategies as st

from ticketing.journal.where import Where

PLACES = st.builds(
    Where,
    replicate=st.integers(0, 29),
    stage=st.sampled_from(["search", "certificate"]),
    branch=st.sampled_from(["dense", "ticket", "reinit", "shuffle"]),
    level=st.integers(0, 60),
    step=st.integers(0, 10**6),
)


@given(PLACES, PLACES)
def test_two_places_share_a_name_only_if_they_differ_in_the_step_alone(one: Where, other: Where) -> None:
    assert (one.piece == other.piece) == (one == other.at(one.step))


@given(PLACES)
def test_a_place_is_told_as_its_five_parts(place: Where) -> None:
    assert Where(**place.as_json()) == place
