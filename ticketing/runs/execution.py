"""How this process computes: threads, determinism, device; set once by an entry point, known by no search."""

import os

import torch

from ticketing.folder import Execution


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
