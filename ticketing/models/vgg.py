"""The modules of the VGG networks; their layers are listed in `ticketing.architectures.vgg`."""

from collections import OrderedDict

from torch import nn

from ticketing.architectures import Inventory
from ticketing.architectures.vgg import COUNTS, HIDDEN, POOLED, WIDTHS
from ticketing.models.images import AdaptiveMean, Mean, convolution


def build_vgg(inventory: Inventory) -> nn.Sequential:
    """Build `vgg-11/13/16/19-bn`; without the dropout of torchvision's classifier, whose places stay empty."""
    features = list[nn.Module]()
    channels = inventory.input_shape[0]
    for width, count in zip(WIDTHS, COUNTS[inventory.architecture], strict=True):
        for _ in range(count):
            features += [convolution(channels, width, bias=True), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            channels = width
        features.append(nn.MaxPool2d(2))
    if inventory.arguments["classifier"] == "single":
        parts = {"avgpool": Mean(), "classifier": nn.Linear(channels, inventory.classes)}
        return nn.Sequential(OrderedDict(features=nn.Sequential(*features[:-1]), **parts))
    classifier = nn.Sequential(
        *(nn.Linear(channels * POOLED * POOLED, HIDDEN), nn.ReLU(inplace=True), nn.Identity()),
        *(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(inplace=True), nn.Identity()),
        nn.Linear(HIDDEN, inventory.classes),
    )
    parts = {"avgpool": AdaptiveMean(POOLED), "flatten": nn.Flatten(), "classifier": classifier}
    return nn.Sequential(OrderedDict(features=nn.Sequential(*features), **parts))
