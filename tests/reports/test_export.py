"""CASES 12: torch.export with dynamic sizes runs at other sizes, strict and not."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.export import Dim, export

from manualconv import nn as ours
from tests.layers import spread_out

pytestmark = pytest.mark.usefixtures("forgotten")

#: Of the layers that torch.nn exports with all sizes dynamic.
LAYERS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "MaxPool2d": (lambda: ours.MaxPool2d(2), 2),
    "MaxPool3d": (lambda: ours.MaxPool3d(2), 3),
    "AvgPool1d": (lambda: ours.AvgPool1d(2), 1),
    "AvgPool2d": (lambda: ours.AvgPool2d(3, 2, 1), 2),
    "AdaptiveAvgPool1d": (lambda: ours.AdaptiveAvgPool1d(3), 1),
    "AdaptiveAvgPool2d": (lambda: ours.AdaptiveAvgPool2d(6), 2),
    "AdaptiveAvgPool2d of one axis": (lambda: ours.AdaptiveAvgPool2d((4, None)), 2),
    "AdaptiveAvgPool2d to one": (lambda: ours.AdaptiveAvgPool2d(1), 2),
    "AdaptiveMaxPool2d": (lambda: ours.AdaptiveMaxPool2d(3, return_indices=True), 2),
    "Conv1d": (lambda: nn.Sequential(ours.Conv1d(2, 3, 3), ours.ReLU()), 1),
    "Conv1d, padded": (lambda: nn.Sequential(ours.Conv1d(2, 3, 3, padding=1), ours.ReLU()), 1),
    "Conv2d": (lambda: ours.Conv2d(2, 4, (3, 2), (2, 1), (1, 2), (1, 2), 2), 2),
    "ConvTranspose2d": (lambda: ours.ConvTranspose2d(2, 4, 3, 2, 1, 1), 2),
    "ReflectionPad2d": (lambda: ours.ReflectionPad2d((1, 2, 2, 1)), 2),
    "BatchNorm2d": (lambda: ours.BatchNorm2d(2), 2),
    "Unfold": (lambda: ours.Unfold(3, 1, 1, 2), 2),
    "LocalResponseNorm": (lambda: ours.LocalResponseNorm(3), 2),
}
STRICT = ("Conv1d", "MaxPool2d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "AvgPool2d")
SIZES = {1: ((9,), (8,), (15,)), 2: ((9, 12), (8, 8), (13, 21)), 3: ((6, 7, 8), (5, 5, 5), (9, 7, 10))}


@pytest.mark.parametrize(("name", "strict"), [*((name, False) for name in LAYERS), *((name, True) for name in STRICT)])
def test_a_layer_exported_with_every_size_dynamic_runs_at_other_sizes(name: str, strict: bool) -> None:
    make, ndim = LAYERS[name]
    torch.manual_seed(0)
    layer = make().double().eval()
    first, *others = SIZES[ndim]
    least = {"Conv2d": 6}.get(name, 4)
    sizes = {0: Dim("batch", min=2), **{2 + n: Dim(f"s{n}", min=least, max=512) for n in range(ndim)}}
    image = spread_out((3, 2, *first))
    program = export(layer, (image,), dynamic_shapes=(sizes,), strict=strict).module()
    for batch, size in ((3, first), *((5, size) for size in others)):
        image = spread_out((batch, 2, *size))
        torch.testing.assert_close(program(image), layer(image), rtol=0, atol=1e-12)
