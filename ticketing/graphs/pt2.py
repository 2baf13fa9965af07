"""The graph as PyTorch's own archive, `.pt2`: runs with torch alone, without the network's class; loads none."""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from ticketing.graphs.tracing import quiet

WEIGHTS, CONFIG = "archive/data/weights/", "model_weights_config.json"
DTYPES = {5: torch.int64, 7: torch.float32}
"""By the number that an archive has for them."""


def as_pt2(program: ExportedProgram) -> bytes:
    """Write a traced network as an archive; no pickle and no example input is in it."""
    file = io.BytesIO()
    with quiet():
        torch.export.save(program, file)
    return file.getvalue()


def weights_of(archive: bytes) -> dict[str, Tensor]:
    """Read the weights and buffers of an archive that `as_pt2` wrote, under the names of the state dict.

    Its graph is left alone: what loads one can be made to run code, so nothing here does.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        listed = json.loads(members.read(WEIGHTS + CONFIG))["config"]
        return {
            name: _tensor(members.read(WEIGHTS + entry["path_name"]), entry["tensor_meta"])
            for name, entry in listed.items()
        }


def _tensor(content: bytes, meta: Mapping[str, Any]) -> Tensor:
    sizes, strides = ([length["as_int"] for length in meta[of]] for of in ("sizes", "strides"))
    return torch.frombuffer(bytearray(content), dtype=DTYPES[meta["dtype"]]).as_strided(sizes, strides)
