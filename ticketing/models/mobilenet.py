"""The modules of `mobilenet-v2`; its layers are listed in `ticketing.architectures.mobilenet`."""

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn

from ticketing.architectures import Inventory
from ticketing.architectures.mobilenet import FIRST, LAST, Residual, first_stride, residuals
from ticketing.models.images import Mean, convolution


class InvertedResidual(nn.Module):
    """Wide between two narrow ends, the last one linear (Sandler et al. 2018, figure 3b)."""

    def __init__(self, into: int, residual: Residual) -> None:
        """Take the channels in; the input is carried around where the image keeps its shape."""
        super().__init__()
        wide = residual.expansion * into
        self.carries = residual.stride == 1 and into == residual.out
        widen = [_active(into, wide, 1)] if residual.expansion > 1 else []
        self.conv = nn.Sequential(
            *widen,
            _active(wide, wide, stride=residual.stride, groups=wide),
            convolution(wide, residual.out, 1),
            nn.BatchNorm2d(residual.out),
        )

    def forward(self, x: Float[Tensor, "batch into height width"]) -> Float[Tensor, "batch out smaller_h smaller_w"]:
        """Give the narrow end, or its sum with the input."""
        y: Tensor = self.conv(x)
        return y.add_(x) if self.carries else y


def build_mobilenet(inventory: Inventory) -> nn.Sequential:
    """Build `mobilenet-v2`; without the dropout of torchvision's classifier, whose place stays empty."""
    stem, channels = inventory.arguments["stem"], FIRST
    features: list[nn.Module] = [_active(inventory.input_shape[0], FIRST, stride=first_stride(stem))]
    for residual in residuals(stem):
        features.append(InvertedResidual(channels, residual))
        channels = residual.out
    features.append(_active(channels, LAST, 1))
    classifier = nn.Sequential(nn.Identity(), nn.Linear(LAST, inventory.classes))
    return nn.Sequential(OrderedDict(features=nn.Sequential(*features), avgpool=Mean(), classifier=classifier))


def _active(into: int, out: int, kernel: int = 3, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        convolution(into, out, kernel, stride=stride, groups=groups), nn.BatchNorm2d(out), nn.ReLU6(inplace=True)
    )
