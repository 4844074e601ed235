"""How each kind of network is called: with pictures or films, with what is on them besides, with pairs of pictures.

Detectors choose: which anchors a box matches, which proposals are the best, which boxes hide others.  The choices are
not fixed here.  In float64 two right runs differ by some 1e-13, so that they choose alike unless two numbers are as
near to each other, and then the seeded draws among them (``torch.randperm``) are equal too.  That they chose alike is
what is compared: in evaluation the number of boxes, their order and labels are outputs; in training another choice
would change the losses by far more than is allowed.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.overrides import TorchFunctionMode


def pictures(model: Module, images: Tensor) -> Any:
    """A classifier's or segmenter's output, of pictures or films."""
    return model(images)


def targets(batch: int, side: int) -> list[dict[str, Tensor]]:
    """Three boxes a picture, of other sizes and classes, with masks and with three key points inside each."""
    corners = torch.tensor([[0.05, 0.1, 0.5, 0.6], [0.3, 0.4, 0.95, 0.9], [0.6, 0.05, 0.9, 0.35]]).double()
    found = []
    for n in range(batch):
        boxes = (corners + 0.03 * n) * side
        rows = torch.arange(side)
        inside = (boxes[:, :2, None] <= rows) & (rows < boxes[:, 2:, None])  # (3, xy, side)
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        points = torch.stack([boxes[:, :2], middle, 0.3 * boxes[:, :2] + 0.7 * middle], 1)  # (3, point, xy)
        found.append(
            {
                "boxes": boxes,
                "labels": torch.tensor([1, 4, 2 + n]),
                "masks": (inside[:, 1, :, None] & inside[:, 0, None, :]).byte(),
                # torchvision wants these in float32; the last number says that the point is visible.
                "keypoints": torch.cat([points, torch.ones(3, 3, 1).double()], 2).float(),
            }
        )
    return found


def boxed(model: Module, images: Tensor) -> Any:
    """A detector's losses in training; boxes, labels, scores, masks, key points in evaluation."""
    return model(list(images), targets(len(images), images.shape[-1]) if model.training else None)


class Double(TorchFunctionMode):
    """Single precision by name becomes double: RAFT makes the coordinates of its pixels by ``.float()``."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is Tensor.float:
            return args[0].double()
        if func is torch.linspace:
            kwargs = {**kwargs, "dtype": torch.float64}
        return func(*args, **kwargs)


def flow(model: Module, images: Tensor) -> Any:
    """The flows from one half of the pictures to the other that RAFT refines one from the other."""
    first, second = images.chunk(2)
    with Double():
        return model(first, second, num_flow_updates=2)
