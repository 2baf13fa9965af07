"""workers.landlock: what is asked of the kernel, by version. That it holds is shown in tests/faults/test_attacks.py."""

import struct

import pytest

from workers import landlock


@pytest.mark.parametrize(("version", "words"), [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (7, 3), (99, 3)])
def test_an_older_kernel_is_told_no_more_than_it_knows(version: int, words: int) -> None:
    assert len(landlock.ruleset_attributes(version)) == 8 * words


@pytest.mark.parametrize(("version", "rights"), [(1, 13), (2, 14), (3, 15), (4, 15), (5, 16), (7, 16)])
def test_every_right_a_kernel_knows_is_handled(version: int, rights: int) -> None:
    assert landlock.handled_files(version) == 2**rights - 1


def test_network_and_signals_are_given_up_where_they_can_be() -> None:
    _files, network, scopes = struct.unpack("=3Q", landlock.ruleset_attributes(6))
    assert (network, scopes) == (0b11, 0b11)


def test_a_folder_of_ones_own_gives_no_links_pipes_sockets_or_devices() -> None:
    make_char, make_sock, make_fifo, make_block, make_sym, refer = (1 << bit for bit in (6, 9, 10, 11, 12, 13))
    assert landlock.WRITE & (make_char | make_sock | make_fifo | make_block | make_sym | refer) == 0


def test_reading_does_not_include_executing() -> None:
    assert landlock.READ & landlock.EXECUTE == 0
    assert landlock.WRITE & landlock.EXECUTE == 0
