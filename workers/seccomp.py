"""A system-call filter for one computing process: no sockets, no other processes, no one else's files.

Standard library alone, because the launcher imports it. Landlock says which files may be opened; this says which
kernel services may be asked at all, among them those that Landlock does not cover. See seccomp(2), seccomp_data.
"""

import ctypes
import os
import platform
import struct
from collections.abc import Iterable

X86_64, AARCH64 = "x86_64", "aarch64"
AUDIT_ARCH = {X86_64: 0xC000003E, AARCH64: 0xC00000B7}

# name: (number on x86_64, number on aarch64); None where the architecture has no such call.
_Numbers = tuple[int | None, int | None]
NETWORK: dict[str, _Numbers] = {"socket": (41, 198), "socketpair": (53, 199)}
AROUND_THE_FILTER: dict[str, _Numbers] = {
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "bpf": (321, 280), "userfaultfd": (323, 282), "perf_event_open": (298, 241), "open_by_handle_at": (304, 265),
    "unshare": (272, 97), "setns": (308, 268), "chroot": (161, 51), "pivot_root": (155, 41), "mount": (165, 40),
    "umount2": (166, 39), "fsopen": (430, 430), "open_tree": (428, 428), "move_mount": (429, 429),
    "mount_setattr": (442, 442), "personality": (135, 92),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
}  # fmt: skip
OTHER_PROCESSES: dict[str, _Numbers] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "migrate_pages": (256, 238),
    "move_pages": (279, 239), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118), "sched_setattr": (314, 274),
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190), "semctl": (66, 191),
    "semop": (65, 193), "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187),
    "mq_open": (240, 180), "mq_unlink": (241, 181), "fork": (57, None), "vfork": (58, None),
}  # fmt: skip
OWNERSHIP: dict[str, _Numbers] = {
    # Landlock does not cover the attributes of a file: a job could lock its own worker out of the database.
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "lchown": (94, None), "fchown": (93, 55), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466),
    "file_setattr": (469, 469), "utime": (132, None), "utimes": (235, None), "futimesat": (261, None),
    "utimensat": (280, 88),
}  # fmt: skip
REFUSED = NETWORK | AROUND_THE_FILTER | OTHER_PROCESSES | OWNERSHIP

_CLONE, _CLONE3, _OPENAT2 = (56, 220), (435, 435), (437, 437)
_CLONE_THREAD = 0x00010000
ON_ITSELF_ALONE: dict[str, _Numbers] = {
    "kill": (62, 129), "tgkill": (234, 131), "prlimit64": (302, 261), "sched_setaffinity": (203, 122),
}  # fmt: skip
"""Their first argument is a process: the caller's own number (or 0 where that means itself) is let through."""
_ZERO_IS_ITSELF = ("prlimit64", "sched_setaffinity")
_TRUNCATE, _OPENAT, _OPEN = (76, 45), (257, 56), (2, None)
_O_ACCMODE_OR_TRUNC = 0o3 | os.O_TRUNC

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = _ERRNO | 1, _ERRNO | 38
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16

Instruction = tuple[int, int, int, int]


def program(architecture: str, *, own_pid: int, landlock_abi: int) -> list[Instruction]:
    """Write the filter as classic BPF instructions `(code, jump if true, jump if false, constant)`.

    A call of another architecture's table kills the process. Refused calls fail with EPERM; `clone3`, whose flags a
    filter cannot see, with ENOSYS, so that the C library starts its threads with `clone`; a `clone` that is no thread
    is refused. With a Landlock before ABI 3, which does not cover truncation, truncating by path is refused here.

    Args:
        architecture: `x86_64` or `aarch64`.
        own_pid: The only process this one may signal or change.
        landlock_abi: What Landlock already covers; 0 for nothing.
    """
    column = (X86_64, AARCH64).index(architecture)
    out: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH_AT),
        (_JUMP_EQUAL, 1, 0, AUDIT_ARCH[architecture]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    if architecture == X86_64:  # the x32 table: the same calls under other numbers
        out += [(_JUMP_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _EPERM)]
    out += _refuse(REFUSED.values(), column)
    out += _refuse([_CLONE3], column, answer=_ENOSYS)
    out += _when(_CLONE[column], [_argument(0), (_JUMP_ANY_BIT, 0, 1, _CLONE_THREAD), _allow(), _deny()])
    for name, numbers in ON_ITSELF_ALONE.items():
        own = [_argument(0), (_JUMP_EQUAL, 0, 1, own_pid), _allow()]
        zero = [(_JUMP_EQUAL, 0, 1, 0), _allow()] if name in _ZERO_IS_ITSELF else []
        out += _when(numbers[column], [*own, *zero, _deny()])
    if landlock_abi < 3:
        out += _refuse([_TRUNCATE], column)
        out += _refuse([_OPENAT2], column, answer=_ENOSYS)
        for numbers, flags in ((_OPENAT, 2), (_OPEN, 1)):
            # Reading is what Landlock allows of the libraries, and O_RDONLY | O_TRUNC empties a file.
            masked = [_argument(flags), (_AND, 0, 0, _O_ACCMODE_OR_TRUNC), (_JUMP_EQUAL, 0, 1, os.O_TRUNC), _deny()]
            out += _when(numbers[column], [*masked, _allow()])
    return [*out, _allow()]


def _allow() -> Instruction:
    return (_RETURN, 0, 0, _ALLOW)


def _deny() -> Instruction:
    return (_RETURN, 0, 0, _EPERM)


def _argument(index: int) -> Instruction:
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * index)  # the low half: both architectures are little-endian


def _refuse(calls: Iterable[_Numbers], column: int, *, answer: int = _EPERM) -> list[Instruction]:
    numbers = (call[column] for call in calls)
    return [i for n in numbers if n is not None for i in ((_JUMP_EQUAL, 0, 1, n), (_RETURN, 0, 0, answer))]


def _when(number: int | None, block: list[Instruction]) -> list[Instruction]:
    """Run a block, which must end in a return, for one call alone; others skip it with their number still loaded."""
    return [] if number is None else [(_JUMP_EQUAL, 0, len(block), number), *block]


def install(*, own_pid: int, landlock_abi: int) -> None:
    """Put the filter on this process, for good; needs `no_new_privs`.

    Raises:
        OSError: The architecture is not known here, or the kernel refused.
    """
    machine = platform.machine()
    if machine not in AUDIT_ARCH:
        raise OSError(f"expected an {' or '.join(AUDIT_ARCH)} machine to filter system calls on, got {machine!r}")
    instructions = program(machine, own_pid=own_pid, landlock_abi=landlock_abi)
    packed = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *i) for i in instructions))
    header = struct.pack("@HP", len(instructions), ctypes.addressof(packed))
    libc = ctypes.CDLL(None, use_errno=True)
    set_seccomp, mode_filter = 22, 2
    if libc.prctl(set_seccomp, ctypes.c_ulong(mode_filter), header, ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"seccomp: {os.strerror(error)}")
