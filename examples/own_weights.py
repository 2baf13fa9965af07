"""Your own weights and your own data: uploaded, pruned, put back into your own module, and looked at there.

    winnow-server up &
    python examples/own_weights.py [URL]

Needs torch and scikit-learn beside the client.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import nn

from winnow import Client
from winnow.client import DEFAULT_URL
from winnow.torch import load_sparse


class Mine(nn.Module):
    """Any module whose keys and shapes are those of an architecture; here `mlp` with one hidden layer."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(64, 100), nn.Linear(100, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


def main() -> int:
    url = sys.argv[1] if len(sys.argv) > 1 else DEFAULT_URL
    torch.manual_seed(0)
    module = Mine()
    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 8, 8).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(x))
    test, train = order[:360], order[360:]
    with tempfile.TemporaryDirectory() as name, Client(url) as client:
        folder = Path(name)
        save_file(module.state_dict(), folder / "model.safetensors")
        np.savez(folder / "data.npz", x_train=x[train], y_train=y[train], x_test=x[test], y_test=y[test])

        model = client.model(
            folder / "model.safetensors", architecture="mlp", arguments={"hidden": [100], "input_size": [8, 8]}
        )
        dataset = client.dataset(folder / "data.npz", wait_seconds=120)
        job = client.submit(
            {
                "model": model["id"],
                "dataset": dataset["id"],
                "recipe": {"search": "iterative", "target": {"sparsity": 0.8}, "seed": 0},
            }
        )
        job = client.wait(job["id"])
        if job["state"] != "succeeded":
            print(job["error"])
            return 1
        client.download(job["id"], folder / "ticket", names=["sparse.safetensors"])
        mask = load_sparse(module, folder / "ticket" / "sparse.safetensors")

    # A network sees its dataset normalised; the numbers are the dataset's.
    mean, deviation = dataset["summary"]["mean"][0], dataset["summary"]["std"][0]
    inputs = (torch.from_numpy(x[test]).float() - mean) / deviation
    right = (module(inputs).argmax(1) == torch.from_numpy(y[test])).sum().item()
    kept = sum(int(bits.sum()) for bits in mask.values())
    total = sum(bits.numel() for bits in mask.values())
    print(f"{kept:,} of {total:,} weights kept; {right} of {len(test)} test images right in my own module")
    return 0


if __name__ == "__main__":
    sys.exit(main())
