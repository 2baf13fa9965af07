"""How this process computes: threads, determinism, device; set once by an entry point, known by no search."""

import os

import torch

from ticketing.folder import Execution
from ticketing.recipe import Precision


def settle(execution: Execution, *, deterministic: bool) -> torch.device:
    """Set this process up to compute as `execution` says, and give the device to do it on.

    With `deterministic`, the same execution key gives the same bits on a GPU too (on a CPU it always does). Call it
    before anything runs on a GPU.

    Raises:
        RuntimeError: The device is not there.
    """
    torch.set_num_threads(execution.threads)
    # Moments of weights that no gradient reaches decay into denormals and stay there; each costs 100 cycles a step.
    torch.set_flush_denormal(True)
    device = torch.device(execution.device)
    if device.type == "cuda":
        # cuBLAS reads it when its first handle is made.
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
        torch.backends.cudnn.benchmark = not deterministic
        # Not torch.use_deterministic_algorithms(): that imports torch._inductor for a second or more.
        torch._C._set_deterministic_algorithms(deterministic)
        torch.empty(0, device=device)
    return device


def slow_precision(device: torch.device, precision: Precision) -> str | None:
    """Say that a device computes a precision by way of fp32, which takes longer than fp32; None where it does not."""
    if precision != "bf16" or _has_bf16(device):
        return None
    return "this device has no instructions for bf16: by way of fp32 it takes longer than fp32 itself"


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Without oneDNN there are neither its kernels nor the question.
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return supported is not None and bool(supported())
