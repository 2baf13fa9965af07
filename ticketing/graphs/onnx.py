"""The graph as ONNX: runs wherever an ONNX runtime does; batch norms are folded into the layers before them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from ticketing.graphs.tracing import quiet

if TYPE_CHECKING:
    from onnx import ModelProto

BATCH, INPUT, LOGITS = "batch", "input", "logits"
"""Names in the graph: of the first axis, of what goes in, of what comes out."""


def as_onnx(program: ExportedProgram) -> bytes:
    """Write a traced network as an ONNX model with its weights inside; opset and folding are the exporter's own."""
    with quiet():
        exported = torch.onnx.export(
            program, dynamo=True, optimize=True, verbose=False, input_names=[INPUT], output_names=[LOGITS]
        )
    assert exported is not None  # as it is without a file to write
    model = exported.model_proto
    _strip(model)
    return bytes(model.SerializeToString())


def _strip(model: "ModelProto") -> None:
    """Take out names of modules and of places in source files, and inner shapes; call the first axis by its name."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    graph.ClearField("value_info")
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH


def onnx_runner(model: bytes, *, threads: int) -> Callable[[Tensor], Tensor]:
    """Open a model in ONNX Runtime on the CPU, and give what runs it on a batch.

    Args:
        model: As `as_onnx` writes it.
        threads: That one run may use.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3  # errors alone
    session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(x: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {INPUT: x.numpy()})[0])

    return run
