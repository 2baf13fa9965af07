"""`python -m ticketing run|inspect|verify FOLDER`: one folder, one process; its exit codes are in `ticketing.folder`.

Events go to file descriptor 3 where one is open for writing, else to stdout, so that a folder can be run by hand.
"""

import argparse
import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from typing import BinaryIO

from ticketing.errors import RequestError, WinnowError
from ticketing.folder import EVENT_FD, EXIT_FAILED, EXIT_FINISHED, EXIT_STOPPED, RunSpec, read_spec
from ticketing.observer import Observer, Stopped, StreamObserver

WITHOUT_MEMORY = ("can't allocate", "CUDA error: out of memory", "_STATUS_ALLOC_FAILED", "std::bad_alloc")
"""How torch's CPU allocator, the CUDA runtime, its libraries and C++ say so, as plain runtime errors."""
MAX_DETAIL = 4000
"""Characters of a message that a `failed` event carries."""


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says, and give the exit code."""
    asked = _parser().parse_args(arguments)
    stop = _stop_flag()
    observer = StreamObserver(_event_stream(), stop_requested=lambda: bool(stop), clock=time.monotonic)
    # No file of ours is a pickle; should a library try to open one after all, it may not run code from it.
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    try:
        _do(asked.verb, asked.folder.resolve(), observer)
    except Stopped:
        return EXIT_STOPPED
    except WinnowError as error:
        return _failed(observer, error.code, str(error))
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        return _failed(observer, "out_of_memory", str(error))
    return EXIT_FINISHED


def _do(verb: str, folder: Path, observer: Observer) -> None:
    spec = _spec(folder)
    # Imported late: torch takes a second or more, and a SIGTERM that comes meanwhile must already be heard.
    if verb == "run":
        from ticketing.runs.run import run

        run(folder, spec, observer=observer, clock=time.monotonic)
    elif verb == "inspect":
        from ticketing.runs.inspection import inspect

        inspect(folder, spec, observer=observer)
    else:
        from ticketing.runs.verification import verify

        observer.emit("verified", files=verify(folder, spec))
        print("verified", flush=True)


def _spec(folder: Path) -> RunSpec:
    try:
        return read_spec(folder)
    except OSError as error:
        raise RequestError(f"expected a run.json in {folder.name}, got: {error.strerror}") from None
    except ValueError as error:
        raise RequestError(f"expected run.json to hold a run: {error}") from None


def _failed(observer: Observer, code: str, detail: str) -> int:
    observer.emit("failed", code=code, detail=detail[:MAX_DETAIL])
    print(f"{code}: {detail}", file=sys.stderr)
    return EXIT_FAILED


def _is_out_of_memory(error: BaseException) -> bool:
    # Torch has a type for what its own allocator is refused on a GPU; the rest it only puts into words.
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or any(words in str(error) for words in WITHOUT_MEMORY)


def _stop_flag() -> list[int]:
    """Give a list that is no longer empty once this process was asked to stop."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: asked.append(number))
    return asked


def _event_stream() -> BinaryIO:
    try:
        mode = fcntl.fcntl(EVENT_FD, fcntl.F_GETFL) & os.O_ACCMODE
    except OSError:
        return sys.stdout.buffer
    return os.fdopen(EVENT_FD, "wb", closefd=False) if mode != os.O_RDONLY else sys.stdout.buffer


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ticketing", description=__doc__)
    parser.add_argument("verb", choices=("run", "inspect", "verify"))
    parser.add_argument("folder", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
