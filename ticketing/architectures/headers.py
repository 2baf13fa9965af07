"""The header of a safetensors file, read with bounded effort and believed in nothing; knows no torch and no numpy."""

import json
import re
import struct
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from io import BufferedIOBase
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn

from ticketing.architectures import Inventory
from ticketing.errors import Fault, ModelError

MAX_HEADER_BYTES = 16 << 20
MAX_TENSORS = 100_000
MAX_FAULTS = 50
MAX_NAME_LENGTH = 512
NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
ITEM_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8,
}  # fmt: skip
# A zip, or a pickle of protocol 2 to 5; looked for only where the length is no header's.
SAVED_BY_TORCH = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


class TensorEntry(NamedTuple):
    """One tensor of a file: `begin` and `end` are byte offsets after the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """What a safetensors file says of itself, in the file's own order."""

    tensors: dict[str, TensorEntry]
    metadata: dict[str, str]


def read_header(source: Path | BinaryIO | BufferedIOBase) -> Header:
    """Read and check the header of a safetensors file, or of an open one, without reading its tensors.

    Guarantees that names are dotted words, each given once, and that the tensors' bytes lie side by side
    and fill the file exactly: no holes, no overlaps, nothing behind them.

    Raises:
        ModelError: The file is anything else, or its header is over 16 MiB or 100,000 tensors.
    """
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        raw, data_bytes = _raw_header(file)
    # Counted in the bytes first: reading the JSON of a header that is full of tensors takes seconds.
    if (entries := raw.count(b'"data_offsets"')) > MAX_TENSORS + 1:
        raise _bad(f"expected at most {MAX_TENSORS} tensors, got about {entries}")
    try:
        written = json.loads(raw, object_pairs_hook=_each_key_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _bad(f"its header is not JSON of distinct keys: {str(error)[:200]}") from None
    if not isinstance(written, dict):
        raise _bad(f"expected its header to be a JSON object, got {type(written).__name__}")
    metadata = written.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _bad("expected its __metadata__ to map strings to strings")
    if len(written) > MAX_TENSORS:
        raise _bad(f"expected at most {MAX_TENSORS} tensors, got {len(written)}")
    tensors = {_checked_name(name): _entry(name, value) for name, value in written.items()}
    _check_offsets(tensors, data_bytes)
    return Header(tensors, metadata)


def compare(header: Header, inventory: Inventory) -> None:
    """Check that a file holds exactly the state dict of an architecture: names, shapes and dtypes.

    Raises:
        ModelError: With one fault per tensor that is missing, unexpected, or of another shape or dtype
            (at most 50, the last of which says how many more there are).
    """
    expected, came = inventory.state, header.tensors
    details = [f"{name}: expected {_shape(*expected[name])}, got nothing" for name in expected if name not in came]
    details += [
        f"{name[:120]}: not expected, got {_shape(e.shape, e.dtype)}"
        for name, e in came.items()
        if name not in expected
    ]
    details += [
        f"{name}: expected {_shape(*expected[name])}, got {_shape(e.shape, e.dtype)}"
        for name, e in came.items()
        if name in expected and (e.shape, e.dtype) != expected[name]
    ]
    if details:
        shown = details if len(details) <= MAX_FAULTS else details[: MAX_FAULTS - 1]
        if len(shown) < len(details):
            shown = [*shown, f"and {len(details) - len(shown)} tensors more"]
        summary = f"the file is no {inventory.architecture}: {'; '.join(shown[:3])}" + "; ..." * (len(shown) > 3)
        raise ModelError(summary, [Fault("/sha256", "state_mismatch", detail) for detail in shown])


def _raw_header(file: BinaryIO | BufferedIOBase) -> tuple[bytes, int]:
    """Give the header's bytes and the number of bytes behind it."""
    size = file.seek(0, 2)
    file.seek(0)
    if size < 8:
        raise _bad(f"expected 8 bytes of header length, got a file of {size} bytes")
    start = file.read(8)
    (length,) = struct.unpack("<Q", start)
    if length > MAX_HEADER_BYTES or length > size - 8:
        if start.startswith(SAVED_BY_TORCH):
            raise _bad("expected a header, got a pickle or a zip, as torch.save writes: convert it to safetensors")
        raise _bad(f"expected a header of at most {min(MAX_HEADER_BYTES, size - 8)} bytes, got {length}")
    raw = file.read(length)
    if not raw.startswith(b"{"):
        raise _bad(f"expected its header to begin with '{{', got {raw[:8]!r}")
    return raw, size - 8 - length


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"{twice[:80]!r} is given twice")
    return made


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _checked_name(name: str) -> str:
    if len(name) > MAX_NAME_LENGTH or not NAME.fullmatch(name):
        raise _bad(f"expected tensor names of letters, digits, '_' and '-' with single dots, got {name[:80]!r}")
    return name


def _entry(name: str, value: Any) -> TensorEntry:
    if not isinstance(value, Mapping) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise _bad(f"{name}: expected dtype, shape and data_offsets, got {str(value)[:80]}")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        raise _bad(f"{name}: expected a dtype of {', '.join(ITEM_BYTES)}, got {str(dtype)[:40]!r}")
    if not _naturals(shape) or len(shape) > 8:
        raise _bad(f"{name}: expected a shape of at most 8 whole numbers, got {str(shape)[:80]}")
    if not _naturals(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise _bad(f"{name}: expected data_offsets [begin, end], got {str(offsets)[:80]}")
    entry = TensorEntry(dtype, tuple(shape), *offsets)
    if prod(entry.shape) * ITEM_BYTES[dtype] != entry.end - entry.begin:
        raise _bad(f"{name}: expected {prod(entry.shape) * ITEM_BYTES[dtype]} bytes, got {entry.end - entry.begin}")
    return entry


def _naturals(value: Any) -> bool:
    # bool is an int to Python, and 2**53 is beyond any file.
    return isinstance(value, list) and all(type(v) is int and 0 <= v < 2**53 for v in value)


def _check_offsets(tensors: Mapping[str, TensorEntry], data_bytes: int) -> None:
    at = 0
    for name, entry in sorted(tensors.items(), key=lambda item: item[1][2:]):
        if entry.begin != at:
            raise _bad(
                f"{name}: expected its bytes to begin at {at}, right after the tensor before it, got {entry.begin}"
            )
        at = entry.end
    if at != data_bytes:
        raise _bad(f"expected the tensors to fill the {data_bytes} bytes behind the header, got {at}")


def _shape(shape: tuple[int, ...], dtype: str) -> str:
    return f"{dtype} {list(islice(shape, 8))}"


def _bad(detail: str) -> ModelError:
    detail = f"not a safetensors file we read: {detail}"
    return ModelError(detail, [Fault("/sha256", "bad_safetensors", detail)])
