"""B1: a safetensors file that lies is refused from its header, with the reason, quickly and in little memory."""

import json
import random
import resource
import struct
import time
from typing import Any

import pytest

from jobs.leases import claim
from jobs.slots import SlotIdentity

INSPECTOR = SlotIdentity("slot-9", ("inspect",), "landlock")


def _file(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def _entry(begin: int, end: int) -> dict[str, Any]:
    return {"dtype": "U8", "shape": [end - begin], "data_offsets": [begin, end]}


def _tensors(**entries: Any) -> bytes:
    return json.dumps(entries).encode()


def _many(count: int) -> bytes:
    entry = b'"t%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    return b"{" + b",".join(entry % number for number in range(count)) + b"}"


FILES = {
    "empty": (b"", "a file of 0 bytes"),
    "cut in the length": (b"\x01\x02\x03", "a file of 3 bytes"),
    "cut in the header": (_file(_tensors(a=_entry(0, 4)), b"1234")[:20], "expected a header of at most 12 bytes"),
    "cut in the data": (_file(_tensors(a=_entry(0, 4)), b"12"), "expected the tensors to fill the 2 bytes"),
    "random": (random.Random(0).randbytes(4096), "expected a header of at most 4088 bytes"),
    "header of 2^63": (_file(b"{}", length=1 << 63), "got 9223372036854775808"),
    "header of 1 GiB": (_file(b"{}", length=1 << 30), "got 1073741824"),
    "overlapping": (_file(_tensors(a=_entry(0, 4), b=_entry(2, 6)), b"123456"), "right after the tensor before it"),
    "with a hole": (_file(_tensors(a=_entry(0, 2), b=_entry(4, 6)), b"123456"), "right after the tensor before it"),
    "with a tail": (_file(_tensors(a=_entry(0, 2)), b"12345"), "to fill the 5 bytes"),
    "one name twice": (_file(b'{"a":' + json.dumps(_entry(0, 1)).encode() + b',"a":{}}', b"1"), "'a' is given twice"),
    "400,000 tensors": (
        _file(_many(400_000)),
        "expected a header of at most 16777216 bytes",
    ),
    "120,000 tensors": (
        _file(_many(120_000)),
        "expected at most 100000 tensors, got about 120000",
    ),
    "nested deeply": (_file(b'{"a":' + b"[" * 1_000_000), "not JSON of distinct keys"),
    "a name that climbs": (_file(_tensors(**{"../../etc/passwd": _entry(0, 1)}), b"1"), "expected tensor names of"),
    "a size that overflows": (
        _file(_tensors(a={"dtype": "F64", "shape": [2**52, 2**52], "data_offsets": [0, 8]}), b"12345678"),
        "a: expected",
    ),
    "a pickle": (b"\x80\x04\x95" + b"cposix\nsystem\n" * 40, "got a pickle or a zip, as torch.save writes"),
    "a zip": (b"PK\x03\x04" + bytes(60), "got a pickle or a zip, as torch.save writes"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_lies_is_refused_with_the_reason_before_anything_is_queued(service: Any, name: str) -> None:
    data, reason = FILES[name]
    sha256 = service.blob(data)
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
    answer = service.post("/v1/models", {"architecture": "mlp", "sha256": sha256})
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before.ru_maxrss
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_model")
    assert answer.json()["errors"][0]["pointer"] == "/sha256"
    assert reason in answer.json()["errors"][0]["detail"]
    assert time.process_time() - began < 1
    assert grown < 200_000  # kB
    assert claim(service.database, slot=INSPECTOR, ttl_seconds=60) is None
