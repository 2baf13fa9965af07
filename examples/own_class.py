"""Your own residual network, its weights drawn by yourself: uploaded, made slim, put back into your own class.

    winnow-server up &
    python examples/own_class.py [URL]

The channels that matter least are gone for good: what comes back is a small dense network, and `load_slim` makes your
module as narrow. Needs torch and scikit-learn beside the client.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import Tensor, nn

from winnow import Client
from winnow.client import DEFAULT_URL
from winnow.numpy import normalised
from winnow.torch import load_slim


class Block(nn.Module):
    """Norm, ReLU, convolution, twice, beside a shortcut: written as anyone would."""

    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(into), nn.Conv2d(into, out, 3, stride, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(out), nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.downsample = nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False)) if into != out else None

    def forward(self, x: Tensor) -> Tensor:
        active = self.bn1(x).relu()
        y: Tensor = self.conv2(self.bn2(self.conv1(active)).relu())
        return y + (x if self.downsample is None else self.downsample(active))


class Mine(nn.Module):
    """Any module whose keys and shapes are those of an architecture; here `wide-resnet` of depth 10 and width 1."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, 1, 1, bias=False)
        self.layer1 = nn.Sequential(Block(16, 16, 1))
        self.layer2 = nn.Sequential(Block(16, 32, 2))
        self.layer3 = nn.Sequential(Block(32, 64, 2))
        self.bn, self.fc = nn.BatchNorm2d(64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        logits: Tensor = self.fc(self.bn(x).relu().mean((2, 3)))
        return logits


def main() -> int:
    url = sys.argv[1] if len(sys.argv) > 1 else DEFAULT_URL
    torch.manual_seed(0)
    module = Mine()
    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 1, 8, 8).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(x))
    test, train = order[:360], order[360:]
    with tempfile.TemporaryDirectory() as name, Client(url) as client:
        folder = Path(name)
        save_file(module.state_dict(), folder / "model.safetensors")
        np.savez(folder / "data.npz", x_train=x[train], y_train=y[train], x_test=x[test], y_test=y[test])

        arguments = {"depth": 10, "width": 1, "in_channels": 1, "input_size": [8, 8], "classes": 10}
        model = client.model(folder / "model.safetensors", architecture="wide-resnet", arguments=arguments)
        dataset = client.dataset(folder / "data.npz", wait_seconds=120)
        training = {"length": "12ep", "batch_size": 64, "optimizer": {"name": "sgd", "learning_rate": 0.05}}
        recipe = {"search": "early_bird", "window": 3, "training": training, "evidence": "quick", "seed": 0}
        job = client.submit({"model": model["id"], "dataset": dataset["id"], "recipe": recipe})
        job = client.wait(job["id"])
        if job["state"] != "succeeded":
            print(job["error"])
            return 1
        client.download(job["id"], folder / "slim", names=["slim.safetensors", "slim.json"])
        reported = client.report(job["id"])["search"]["test_accuracy"]
        before = sum(weight.numel() for weight in module.parameters())
        load_slim(module, folder / "slim")
        inputs = torch.from_numpy(normalised(x[test], folder / "slim" / "slim.safetensors"))

    right = (module.eval()(inputs).argmax(1) == torch.from_numpy(y[test])).sum().item()
    kept = sum(weight.numel() for weight in module.parameters())
    print(f"{kept:,} of {before:,} parameters are left; {right} of {len(test)} test images right in my own class")
    print(f"accuracy {right / len(test)}; the report says {reported}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
