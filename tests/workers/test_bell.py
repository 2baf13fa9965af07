"""workers.bell: rung from anywhere, heard once."""

import select

from workers.bell import Bell


def heard(bell: Bell) -> bool:
    return bool(select.select([bell], [], [], 0)[0])


def test_it_is_heard_until_it_is_answered(bell: Bell) -> None:
    assert not heard(bell)
    bell.ring()
    bell.ring()
    assert heard(bell)
    assert heard(bell)
    bell.answer()
    assert not heard(bell)


def test_answering_a_silent_bell_is_no_error(bell: Bell) -> None:
    bell.answer()
    assert not heard(bell)
