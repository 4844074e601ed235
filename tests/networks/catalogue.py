"""The networks: torchvision's names, images as small as each takes, and what the constructors need besides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torchvision.models import get_model

#: Ten classes: the last layer is then no larger than it needs to be.
CLASSES = 10

_BATCH_NORM = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)


@dataclass(frozen=True)
class Network:
    """A model of torchvision's, and the images it is given."""

    name: str
    side: int = 64
    batch: int = 2
    arguments: dict[str, Any] = field(default_factory=dict)
    #: A classifier with one output is trained by cross-entropy besides, with a random cotangent like all.
    cross_entropy: bool = False

    def build(self) -> torch.nn.Module:
        """The model as torchvision makes it, always the same, in float64."""
        torch.manual_seed(len(self.name))
        return get_model(self.name, weights=None, num_classes=CLASSES, **self.arguments).double()

    def prepared(self) -> torch.nn.Module:
        """The model with nothing at its neutral value, by which a wrong use of it could not be told.

        Constant parameters (scales of 1, shifts and last layers of 0) get noise, and batch normalisation the statistics
        that the images have in evaluation: with those of a new model signals die out on the way through a deep one, and
        with those of training, where blocks are left out at random, they grow until rounding is all that is compared.
        """
        model = self.build().eval()
        with torch.no_grad():
            for p in model.parameters():
                if p.min() == p.max():
                    p.add_(torch.randn_like(p), alpha=0.1)
            momenta = {m: m.momentum for m in model.modules() if isinstance(m, _BATCH_NORM)}
            for m in momenta:
                m.train().momentum = None
            model(self.images())
            for m, momentum in momenta.items():
                m.momentum = momentum
        return model

    def images(self) -> torch.Tensor:
        """Normal noise, always the same."""
        generator = torch.Generator().manual_seed(self.side)
        return torch.randn(self.batch, 3, self.side, self.side, generator=generator, dtype=torch.float64)


_SEGMENTATION: dict[str, Any] = {"weights_backbone": None, "aux_loss": True}
#: Both auxiliary classifiers; their initialisation is asked for, else torchvision warns.
_AUXILIARY: dict[str, Any] = {"aux_logits": True, "init_weights": True}

NETWORKS: dict[str, Network] = {
    network.name: network
    for network in (
        Network("alexnet"),
        Network("vgg11"),
        Network("vgg11_bn"),
        Network("vgg13"),
        Network("vgg13_bn"),
        Network("vgg16"),
        Network("vgg16_bn"),
        Network("resnet18", cross_entropy=True),
        Network("resnet34"),
        Network("resnet50"),
        Network("resnet101"),
        Network("resnext50_32x4d"),
        Network("wide_resnet50_2"),
        Network("densenet121"),
        Network("densenet169"),
        Network("googlenet", arguments=_AUXILIARY),
        # The auxiliary classifier wants 17 x 17 positions, which 299 rows give and 298 do not.
        Network("inception_v3", side=299, arguments=_AUXILIARY),
        Network("squeezenet1_0"),
        Network("squeezenet1_1"),
        Network("mobilenet_v2"),
        Network("mobilenet_v3_small"),
        Network("mobilenet_v3_large"),
        Network("shufflenet_v2_x0_5"),
        Network("shufflenet_v2_x1_0"),
        Network("mnasnet0_5"),
        Network("mnasnet1_0"),
        Network("efficientnet_b0"),
        Network("efficientnet_b1"),
        Network("efficientnet_v2_s"),
        Network("regnet_x_400mf"),
        Network("regnet_y_400mf"),
        Network("convnext_tiny"),
        Network("vit_b_16", arguments={"image_size": 64}),
        Network("swin_t"),
        # Its windows of 7 x 7 must fit in at every level.
        Network("maxvit_t", side=224, batch=1),
        Network("fcn_resnet50", arguments=_SEGMENTATION),
        Network("deeplabv3_resnet50", arguments=_SEGMENTATION),
    )
}
