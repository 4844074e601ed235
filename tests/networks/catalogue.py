"""The networks: torchvision's names, inputs as small as each takes, and what the constructors need besides.

Every family of torchvision is here in both modes: classifiers, segmenters, detectors, video, optical flow, and the
classifiers that are made to be quantised, before they are.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torchvision.models import get_model
from torchvision.models.video import mvit

from tests.networks.inputs import boxed, flow, pictures

#: Ten classes: the last layer is then no larger than it needs to be.
CLASSES = 10

_BATCH_NORM = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)


@dataclass(frozen=True)
class Network:
    """A model of torchvision's, the images it is given, and how it is called with them."""

    name: str
    side: int = 64
    batch: int = 2
    arguments: dict[str, Any] = field(default_factory=dict)
    #: A classifier with one output is trained by cross-entropy besides, with a random cotangent like all.
    cross_entropy: bool = False
    #: Of a video; None of images.
    frames: int | None = None
    #: The model and the images to its output; images are all that is differentiated by besides the parameters.
    call: Callable[[torch.nn.Module, Tensor], Any] = pictures
    make: Callable[..., torch.nn.Module] = get_model
    #: Attributes to set on the finished model, by their dotted names: sizes that its constructor does not ask for.
    resized: dict[str, Any] = field(default_factory=dict)
    #: Whether the constructor asks for a number of classes.
    classes: bool = True

    def build(self) -> torch.nn.Module:
        """The model as torchvision makes it, always the same, in float64."""
        torch.manual_seed(len(self.name))
        classes = {"num_classes": CLASSES} if self.classes else {}
        model = self.make(self.name, weights=None, **classes, **self.arguments)
        for name, value in self.resized.items():
            owner, _, attribute = name.rpartition(".")
            assert hasattr(model.get_submodule(owner), attribute)
            setattr(model.get_submodule(owner), attribute, value)
        return model.double()

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
            self.call(model, self.images())
            for m, momentum in momenta.items():
                m.momentum = momentum
        return model

    def images(self) -> torch.Tensor:
        """Normal noise, always the same: (batch, 3, side, side), of a video (batch, 3, frames, side, side)."""
        generator = torch.Generator().manual_seed(self.side)
        frames = () if self.frames is None else (self.frames,)
        return torch.randn(self.batch, 3, *frames, self.side, self.side, generator=generator, dtype=torch.float64)


_SEGMENTATION: dict[str, Any] = {"weights_backbone": None, "aux_loss": True}
#: Both auxiliary classifiers; their initialisation is asked for, else torchvision warns.
_AUXILIARY: dict[str, Any] = {"aux_logits": True, "init_weights": True}
#: Images are made larger by a third on the way in.
_RESIZED: dict[str, Any] = {"weights_backbone": None, "min_size": 64, "max_size": 64}
_TWO_STAGES: dict[str, Any] = {
    **_RESIZED,
    "rpn_post_nms_top_n_train": 24,
    "rpn_post_nms_top_n_test": 12,
    "box_batch_size_per_image": 8,
    "box_detections_per_img": 3,
}
#: Scores of a new model are near a hundredth.
_ONE_STAGE: dict[str, Any] = {**_RESIZED, "score_thresh": 1e-3, "topk_candidates": 30, "detections_per_img": 5}
_SINGLE_SHOT: dict[str, Any] = {"weights_backbone": None, "topk_candidates": 30, "detections_per_img": 5}
_FLOAT: dict[str, Any] = {"quantize": False}


def _small_mvit(name: str, **arguments: Any) -> torch.nn.Module:
    """An MViT of 4 frames of 64 rows: torchvision's two names allow 16 of 224 only, the class any."""
    whole = partial(mvit._mvit, spatial_size=(64, 64), temporal_size=4)

    def smaller(*args: Any, spatial_size: Any, temporal_size: Any, **kwargs: Any) -> torch.nn.Module:
        return whole(*args, **kwargs)

    with patch.object(mvit, "_mvit", smaller):
        model: torch.nn.Module = get_model(name, **arguments)
    return model


def _detector(name: str, arguments: dict[str, Any], side: int = 48, batch: int = 2) -> Network:
    return Network(name, side, batch, arguments, call=boxed)


#: Classifiers that are called with pictures of the usual size and need nothing besides.
CLASSIFIERS = """
    alexnet vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn resnet34 resnet50 resnet101 resnext50_32x4d
    wide_resnet50_2 densenet121 densenet169 squeezenet1_0 squeezenet1_1 mobilenet_v2 mobilenet_v3_small
    mobilenet_v3_large shufflenet_v2_x0_5 shufflenet_v2_x1_0 mnasnet0_5 mnasnet1_0 efficientnet_b0
    efficientnet_b1 efficientnet_v2_s regnet_x_400mf regnet_y_400mf convnext_tiny swin_t swin_v2_t
"""

NETWORKS: dict[str, Network] = {
    network.name: network
    for network in (
        *map(Network, CLASSIFIERS.split()),
        Network("resnet18", cross_entropy=True),
        Network("googlenet", arguments=_AUXILIARY),
        # The auxiliary classifier wants 17 x 17 positions, which 299 rows give and 298 do not.
        Network("inception_v3", side=299, arguments=_AUXILIARY),
        Network("vit_b_16", arguments={"image_size": 64}),
        # Its windows of 7 x 7 must fit in at every level.
        Network("maxvit_t", side=224, batch=1),
        Network("fcn_resnet50", arguments=_SEGMENTATION),
        Network("deeplabv3_resnet50", arguments=_SEGMENTATION),
        Network("deeplabv3_mobilenet_v3_large", arguments=_SEGMENTATION),
        Network("lraspp_mobilenet_v3_large", arguments={"weights_backbone": None}),
        _detector("fasterrcnn_resnet50_fpn", _TWO_STAGES),
        _detector("fasterrcnn_resnet50_fpn_v2", _TWO_STAGES),
        _detector("fasterrcnn_mobilenet_v3_large_fpn", _TWO_STAGES),
        _detector("maskrcnn_resnet50_fpn", _TWO_STAGES),
        _detector("maskrcnn_resnet50_fpn_v2", _TWO_STAGES),
        _detector("keypointrcnn_resnet50_fpn", {**_TWO_STAGES, "num_keypoints": 3}),
        _detector("retinanet_resnet50_fpn", _ONE_STAGE),
        _detector("retinanet_resnet50_fpn_v2", _ONE_STAGE),
        _detector("fcos_resnet50_fpn", _ONE_STAGE),
        # These two make 300 and 320 rows of any image.
        _detector("ssd300_vgg16", _SINGLE_SHOT, batch=1),
        _detector("ssdlite320_mobilenet_v3_large", _SINGLE_SHOT),
        Network("r3d_18", side=32, frames=4),
        Network("mc3_18", side=32, frames=4),
        Network("r2plus1d_18", side=32, frames=4),
        # Its last window is 2 frames of 7 x 7 positions, which only 16 frames of 224 rows give.
        Network("s3d", frames=8, resized={"avgpool.kernel_size": (1, 2, 2)}),
        Network("mvit_v1_b", frames=4, make=_small_mvit),
        Network("mvit_v2_s", frames=4, make=_small_mvit),
        Network("swin3d_t", frames=4),
        Network("raft_small", side=128, call=flow, classes=False),
        Network("raft_large", side=128, call=flow, classes=False),
        Network("quantized_googlenet", arguments={**_FLOAT, **_AUXILIARY}),
        Network("quantized_inception_v3", side=299, arguments={**_FLOAT, **_AUXILIARY}),
        Network("quantized_mobilenet_v2", arguments=_FLOAT),
        Network("quantized_mobilenet_v3_large", arguments=_FLOAT),
        Network("quantized_resnet18", arguments=_FLOAT),
        Network("quantized_resnext101_32x8d", arguments=_FLOAT),
        Network("quantized_shufflenet_v2_x0_5", arguments=_FLOAT),
    )
}
