"""ticketing.models.vgg: what stands between the linear layers of the classifier for ImageNet, where torchvision has it.

The single layer of small images is held to its reference in `test_references.py`.
"""

from torch import nn

from ticketing.architectures import arguments_for
from ticketing.folder import ModelSpec
from ticketing.models import build


def test_the_classifier_has_a_relu_behind_each_linear_layer_but_the_last_and_no_dropout() -> None:
    arguments = arguments_for("vgg-11-bn", {"classifier": "imagenet", "input_size": [32, 32]})
    classifier = build(ModelSpec(architecture="vgg-11-bn", arguments=arguments)).get_submodule("classifier")
    hidden = [nn.Linear, nn.ReLU, nn.Identity]
    assert [type(module) for module in classifier.children()] == [*hidden, *hidden, nn.Linear]
