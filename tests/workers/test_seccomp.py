"""workers.seccomp: what the filter answers for every call, by running its instructions as the kernel would."""

import os
import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers import seccomp
from workers.seccomp import AUDIT_ARCH, Instruction, program

ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
OWN_PID = 4242
NEWEST = 7
ARCHITECTURES = ("x86_64", "aarch64")
HARMLESS = {
    "x86_64": {"read": 0, "write": 1, "mmap": 9, "futex": 202},
    "aarch64": {"read": 63, "write": 64, "mmap": 222},
}
CLONE, CLONE3, OPENAT, TRUNCATE = (56, 220), (435, 435), (257, 56), (76, 45)


def answer(
    instructions: Sequence[Instruction], *, architecture: int, number: int, arguments: Sequence[int] = ()
) -> int:
    """Run classic BPF over one call: the slow, obvious reference for what the kernel does with the filter."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, architecture, 0, *padded)
    accumulator, at = 0, 0
    while True:
        code, if_true, if_false, constant = instructions[at]
        at += 1
        match code:
            case 0x20:
                accumulator = struct.unpack_from("<I", data, constant)[0]
            case 0x54:
                accumulator &= constant
            case 0x06:
                return constant
            case 0x15:
                at += if_true if accumulator == constant else if_false
            case 0x35:
                at += if_true if accumulator >= constant else if_false
            case 0x45:
                at += if_true if accumulator & constant else if_false
            case _:
                raise AssertionError(f"no such instruction: {code:#x}")


def asked(name: str, numbers: tuple[int, int], *arguments: int, abi: int = NEWEST) -> int:
    made = program(name, own_pid=OWN_PID, landlock_abi=abi)
    return answer(made, architecture=AUDIT_ARCH[name], number=numbers[ARCHITECTURES.index(name)], arguments=arguments)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("call", sorted(seccomp.REFUSED))
def test_every_listed_call_is_refused(call: str, name: str) -> None:
    number = seccomp.REFUSED[call][ARCHITECTURES.index(name)]
    if number is not None:
        assert asked(name, (number, number)) == EPERM


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_ordinary_calls_are_let_through(name: str) -> None:
    assert {call: asked(name, (n, n)) for call, n in HARMLESS[name].items()} == dict.fromkeys(HARMLESS[name], ALLOW)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_thread_may_be_started_and_a_process_may_not(name: str) -> None:
    thread_flags, process_flags = 0x3D0F00, 0x01200011
    assert asked(name, CLONE, thread_flags) == ALLOW
    assert asked(name, CLONE, process_flags) == EPERM
    assert asked(name, CLONE3, thread_flags) == ENOSYS


@pytest.mark.parametrize("name", ARCHITECTURES)
@given(other=st.integers(1, 2**22).filter(lambda pid: pid != OWN_PID))
def test_a_process_may_change_and_signal_itself_alone(name: str, other: int) -> None:
    for call, (x86, arm) in seccomp.ON_ITSELF_ALONE.items():
        assert x86 is not None
        assert arm is not None
        assert asked(name, (x86, arm), OWN_PID) == ALLOW, call
        assert asked(name, (x86, arm), other) == EPERM, call


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_call_of_another_table_kills(name: str) -> None:
    made = program(name, own_pid=OWN_PID, landlock_abi=NEWEST)
    i386 = 0x40000003
    assert answer(made, architecture=i386, number=0) == KILL


def test_the_x32_names_of_calls_are_refused() -> None:
    assert asked("x86_64", (0x40000000 + 41, 0)) == EPERM


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_emptying_files_is_refused_where_landlock_does_not_cover_it(name: str) -> None:
    reading = os.O_RDONLY | os.O_TRUNC
    assert [asked(name, TRUNCATE, abi=abi) for abi in (0, 2, 3)] == [EPERM, EPERM, ALLOW]
    assert [asked(name, OPENAT, 0, 0, reading, abi=abi) for abi in (2, 3)] == [EPERM, ALLOW]
    assert asked(name, OPENAT, 0, 0, os.O_WRONLY | os.O_TRUNC, abi=2) == ALLOW


@pytest.mark.parametrize("name", ARCHITECTURES)
@given(number=st.integers(0, 2**32 - 1), first=st.integers(0, 2**64 - 1), abi=st.integers(0, 7))
def test_the_filter_answers_every_call(name: str, number: int, first: int, abi: int) -> None:
    assert asked(name, (number, number), first, abi=abi) in (ALLOW, EPERM, ENOSYS)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_filter_is_short_enough_for_the_kernel(name: str) -> None:
    longest, furthest_jump = 4096, 255
    made = program(name, own_pid=OWN_PID, landlock_abi=0)
    assert len(made) < longest
    assert max(max(if_true, if_false) for _, if_true, if_false, _ in made) <= furthest_jump
