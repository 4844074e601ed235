"""Collections of ready-made networks."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from tests.tools.snippet import Right, Unasked, snippet

READY = Unasked("a ready-made network is made of torch's layers: convert it, or run it in `by_hand`")
#: What timm makes of torch's classes, and `conversion_report` lists.
OWN = Right(
    "timm's own subclasses (`BatchNormAct2d`, `LayerNorm2d`) stay torch's, as `conversion_report` says; "
    "`by_hand` reaches them"
)


def timm_s(name: str) -> Callable[[Any], Module]:
    """A network of timm's, for images of four classes."""

    def network(nn: Any) -> Module:
        import timm

        return timm.create_model(name, pretrained=False, num_classes=4)

    return network


def monai_s(name: str, *arguments: Any, **options: Any) -> Callable[[Any], Module]:
    """A network of MONAI's."""

    def network(nn: Any) -> Module:
        from monai.networks import nets

        return getattr(nets, name)(*arguments, **options)

    return network


def segmenting(nn: Any) -> Module:
    """U-Net on a ResNet, of segmentation-models-pytorch."""
    import segmentation_models_pytorch

    return segmentation_models_pytorch.Unet("resnet18", encoder_weights=None, in_channels=1, classes=4)


UNET = {"channels": (4, 8, 16), "strides": (2, 2), "num_res_units": 1}
DENSE = {"init_features": 4, "growth_rate": 4, "block_config": (2, 2)}


@snippet("timm", "timm", nn=READY, network=timm_s("resnet10t"), size=(4, 3, 32, 32))
def timm_resnet(model: Module, x: Tensor, target: Tensor) -> Any:
    """`create_model("resnet10t")`: logits and gradients in training, logits after it."""
    y = model.train()(x)
    gradients = torch.autograd.grad(torch.nn.functional.cross_entropy(y, target), list(model.parameters()))
    return y, torch.cat([gradient.flatten() for gradient in gradients]), model.eval()(x)


@snippet("timm", "timm", nn=READY, convert=OWN, network=timm_s("mobilenetv3_small_050"), size=(4, 3, 64, 64))
def timm_mobilenet(model: Module, x: Tensor, target: Tensor) -> Any:
    """`create_model("mobilenetv3_small_050")`: the same."""
    y = model.train()(x)
    gradients = torch.autograd.grad(torch.nn.functional.cross_entropy(y, target), list(model.parameters()))
    return y, torch.cat([gradient.flatten() for gradient in gradients]), model.eval()(x)


@snippet("timm", "timm", nn=READY, convert=OWN, network=timm_s("convnext_atto"), size=(2, 3, 64, 64))
def timm_convnext(model: Module, x: Tensor, target: Tensor) -> Any:
    """`create_model("convnext_atto")`: the same."""
    y = model.train()(x)
    gradients = torch.autograd.grad(torch.nn.functional.cross_entropy(y, target), list(model.parameters()))
    return y, torch.cat([gradient.flatten() for gradient in gradients]), model.eval()(x)


@snippet("timm", "timm", nn=READY, convert=OWN, network=timm_s("test_efficientnet"), size=(4, 3, 64, 64))
def timm_features(model: Module, x: Tensor, target: Tensor) -> Any:
    """Features of every stage, with the weights' moving average."""
    from timm.utils import ModelEmaV3

    average = ModelEmaV3(model, decay=0.5)
    optimizer = torch.optim.SGD(model.train().parameters(), lr=0.1)
    torch.nn.functional.cross_entropy(model(x), target).backward()
    optimizer.step()
    average.update(model)
    return average.module.eval().forward_intermediates(x)


@snippet("MONAI", "monai", nn=READY, network=monai_s("UNet", 2, 1, 4, **UNET), size=(2, 1, 16, 16))
def monai_dice(model: Module, x: Tensor, target: Tensor) -> Any:
    """Dice loss of a U-Net, and its gradients."""
    from monai.losses import DiceLoss

    mask = x.mul(2).round().long().clamp(0, 3)
    loss = DiceLoss(to_onehot_y=True, softmax=True)(model(x), mask)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    return loss, torch.cat([gradient.flatten() for gradient in gradients])


@snippet("MONAI", "monai", nn=READY, network=monai_s("UNet", 3, 1, 4, **UNET), size=(1, 1, 24, 24, 24))
def monai_windows(model: Module, x: Tensor, target: Tensor) -> Any:
    """A volume segmented window by window."""
    from monai.inferers import SlidingWindowInferer

    with torch.no_grad():
        return SlidingWindowInferer(roi_size=16, sw_batch_size=2, overlap=0.5, mode="gaussian")(x, model)


@snippet("MONAI", "monai", nn=READY, network=monai_s("DenseNet", 3, 1, 4, **DENSE), size=(4, 1, 32, 32, 32))
def monai_densenet(model: Module, x: Tensor, target: Tensor) -> Any:
    """A DenseNet on volumes: logits and gradients in training, logits after it."""
    y = model.train()(x)
    gradients = torch.autograd.grad(torch.nn.functional.cross_entropy(y, target), list(model.parameters()))
    return y, torch.cat([gradient.flatten() for gradient in gradients]), model.eval()(x)


@snippet("MONAI", "monai", nn=READY, network=monai_s("DenseNet", 2, 1, 4, **DENSE), size=(1, 1, 64, 64))
def monai_heat_map(model: Module, x: Tensor, target: Tensor) -> Any:
    """A heat map by Grad-CAM."""
    from monai.visualize import GradCAM

    return GradCAM(nn_module=model, target_layers="class_layers.relu")(x)


@snippet(
    "segmentation-models-pytorch", "segmentation_models_pytorch", nn=READY, network=segmenting, size=(2, 1, 32, 32)
)
def segmented(model: Module, x: Tensor, target: Tensor) -> Any:
    """Dice loss of a U-Net on a ResNet in training, and its gradients."""
    from segmentation_models_pytorch.losses import DiceLoss

    y = model.train()(x)
    loss = DiceLoss("multiclass")(y, x[:, 0].mul(2).round().long().clamp(0, 3))
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    return y, torch.cat([gradient.flatten() for gradient in gradients]), model.eval()(x)
