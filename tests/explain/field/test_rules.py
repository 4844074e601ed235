"""What each kind of function does to a field, beside the gradient; what is said of those that have no rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from manualconv.explain.field.axis import hull
from manualconv.explain.field.follow import followed
from manualconv.explain.networks.receptive import receptive_fields
from tests.explain.field.gradients import box, positive, seen_by_gradient

SIZES = (6, 8)


class Between(nn.Module):
    """A convolution, a function, and a convolution where the result still is an image."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.function = nn.Conv2d(1, 4, 3, padding=1), function

    def forward(self, x: Tensor) -> Tensor:
        """One after the other."""
        return self.function(self.first(x))


def windowed(x: Tensor) -> Tensor:
    """Channels last, a matrix, and back, as ConvNeXt does."""
    return F.linear(x.permute(0, 2, 3, 1), torch.ones(3, 4, dtype=x.dtype, device=x.device)).movedim(-1, 1)


def shuffled(x: Tensor) -> Tensor:
    """Channels in another order, as ShuffleNet does."""
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


def squeezed(x: Tensor) -> Tensor:
    """Squeeze and excite by plain functions."""
    return x * torch.sigmoid(x.mean((2, 3), keepdim=True))


def padded_same(x: Tensor) -> Tensor:
    """A padding that is computed from the size, as TensorFlow does, under a condition on shapes."""
    more = (-x.shape[-1]) % 3
    return F.avg_pool2d(F.pad(x, (more // 2, more - more // 2)) if more > 0 else x, 3, 3)


def written(x: Tensor) -> Tensor:
    y = torch.zeros_like(x)
    y[:] = x
    y += F.avg_pool2d(x, 3, 1, 1)
    return y


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "matrix over channels": windowed,
    "channels shuffled": shuffled,
    "squeeze and excite": squeezed,
    "padding by the size": padded_same,
    "written into zeros": written,
    "even columns": lambda x: x[..., ::2],
    "rows from the end": lambda x: x[:, :, -3:-1],
    "halves of the columns": lambda x: sum(x.chunk(2, -1), x[..., :4]),
    "one row": lambda x: x[:, :, 2],
    "row by select": lambda x: x.select(2, -2).unsqueeze(1),
    "narrowed": lambda x: x.narrow(3, 2, 3),
    "unbound rows": lambda x: x.unbind(2)[3],
    "split channels": lambda x: torch.cat([F.avg_pool2d(x[:, :2], 3, 1, 1), x.split([2, 2], 1)[1]], 1),
    "stacked": lambda x: torch.stack([x, F.avg_pool2d(x, 3, 1, 1)], 2).sum(2),
    "columns joined": lambda x: torch.cat([x, x], 3),
    "pixel shuffle": lambda x: F.pixel_shuffle(x, 2),
    "pixel unshuffle": lambda x: F.pixel_unshuffle(x, 2),
    "mean of columns": lambda x: x.mean(3),
    "sum of all": lambda x: x.sum(),
    "adaptive, to parts": lambda x: F.adaptive_avg_pool2d(x, (4, 3)),
    "adaptive, rows only": lambda x: F.adaptive_avg_pool2d(x, (1, None)),
    "flattened": lambda x: x.flatten(1),
    "columns flattened with channels": lambda x: x.transpose(2, 3).flatten(1, 2),
    "squared difference of places": lambda x: x + x.transpose(2, 3).mean(2, keepdim=True).transpose(2, 3),
    "outer product": lambda x: x.mean(3)[..., None] * x.mean(3)[:, :, None],
    "softmax of a row": lambda x: x.log_softmax(3),
    "normalised by group": lambda x: F.group_norm(x, 2),
    "normalised by layer": lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (4,)),
    "dynamic weight": lambda x: F.conv2d(
        torch.ones_like(x[:, :1]), x.mean((2, 3))[..., None, None].mean(1, True)[:, :1]
    ),
    "reflected": lambda x: F.pad(x, (2, 1, 0, 3), "reflect"),
    "cut off": lambda x: F.pad(x, (-1, -2, 1, 0)),
    "bicubic": lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"),
    "rolled": lambda x: torch.roll(x, (1, -3), (2, 3)),
    "rolled flat": lambda x: torch.roll(x, 5),
    "expanded": lambda x: x.mean(3, keepdim=True).expand(-1, -1, -1, 5),
    "attention": lambda x: F.scaled_dot_product_attention(*[x.flatten(2).mT] * 3),
    "unknown to us": lambda x: torch.fft.fft2(x).abs(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_sees_what_its_gradient_says(name: str) -> None:
    """Of each position on each axis that is followed, and of the whole result, on drawn weights."""
    model = positive(Between(FUNCTIONS[name]))
    path, x = seen_by_gradient(model, SIZES, 1, [""])
    y, field = path.kept[""], path.modules[""][0]
    for number, span in enumerate(field.spans):
        dims = [dim for dim, axis in enumerate(field.axes) if axis is not None and axis.axis == number]
        assert len(dims) <= 1
        axis = field.of(number)
        for q in range(axis.size if axis else 1):
            found = hull([span, axis.seen[q] if axis else None])
            signs = torch.rand(y.shape, dtype=torch.float64).to(y.dtype)
            part = (y * signs).select(dims[0], q) if dims else y * signs
            assert found == _absolute(part, x)[number], (number, q)


def _absolute(y: Tensor, x: Tensor) -> Any:
    """The box of a gradient that may be negative, its roundings left out."""
    (slope,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
    found = (slope.abs() > 1e-12 * slope.abs().max()).nonzero()[:, 2:]
    return tuple((int(p.min()), int(p.max())) if len(p) else None for p in found.T)


def test_positive_boxes_are_those_of_magnitudes() -> None:
    """The two ways to read a box agree where gradients are positive."""
    path, x = seen_by_gradient(positive(Between(lambda x: x[..., ::2])), SIZES, 1, [""])
    assert box(path.kept[""], x) == _absolute(path.kept[""], x) == ((0, 5), (0, 7))


def test_a_function_without_a_rule_is_named() -> None:
    text = receptive_fields(Between(FUNCTIONS["unknown to us"]), SIZES).text
    assert "no rule for fft_fft2 in the model: taken to mix all positions" in text


def cut(x: Tensor) -> Tensor:
    """Into windows of 3×4 positions, which are mixed within."""
    n, c, h, w = x.shape
    windows = x.view(n, c, h // 3, 3, w // 4, 4).permute(0, 2, 4, 1, 3, 5)
    return windows.softmax(-1).permute(0, 3, 1, 4, 2, 5).reshape(n, c, h, w)


@pytest.mark.parametrize(
    "function",
    [
        cut,
        lambda x: x.flip(3),
        lambda x: F.unfold(x, 3),
        lambda x: F.interpolate(x, (3, 3), mode="bilinear", antialias=True),
        lambda x: torch.einsum("nchw,nchv->nhwv", x, x),
    ],
)
def test_what_may_see_less_is_said_to_see_all_at_most(function: Callable[[Tensor], Tensor]) -> None:
    """Until something that is certain sees all."""
    text = receptive_fields(Between(function), SIZES).text
    assert "≤ all: " in text and "global" not in text
    path = followed(Between(lambda x: function(x) + x.mean()), SIZES, 1)
    guesses = [row.field.guessed for row in path.rows if row.kind not in ("Conv2d", "mean")]
    assert guesses and all(guesses)
    assert not path.modules[""][0].guessed


def test_volumes_and_signals_are_followed() -> None:
    volumes = nn.Sequential(nn.Conv3d(1, 2, (1, 3, 5), (1, 2, 1), (0, 1, 2)), nn.MaxPool3d((2, 1, 1)))
    lines = receptive_fields(volumes, (4, 8, 8)).text.splitlines()
    assert lines[-1] == "last map: 1, receptive field 2×3×5, stride 2×2×1, effective padding 0×1×2"
    signal = nn.Sequential(
        nn.ZeroPad1d((2, 0)), nn.Conv1d(1, 1, 3), nn.ConstantPad1d((4, 0), 0), nn.Conv1d(1, 1, 3, dilation=2)
    )
    row = followed(signal, (16,), 1).rows[-1]
    axis = row.field.of(0)
    assert axis is not None and axis.ends == ((-6, 0),)  # a causal chain: unit q sees 7 samples up to its own
    assert axis.size == 16


def test_unpooling_puts_back_what_pooling_saw() -> None:
    class Back(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y, places = F.max_pool2d(x, 2, return_indices=True)
            return F.max_unpool2d(y, places, 2)

    axis = followed(Back(), (6, 8), 1).modules[""][0].of(1)
    assert axis is not None and axis.seen == tuple((q // 2 * 2, q // 2 * 2 + 1) for q in range(8))


class Ratio(nn.Module):
    """Branches of strides 1 and 8/7, as in a U-Net on an odd size."""

    def forward(self, x: Tensor) -> Tensor:
        """The second branch is resized by what is left of it."""
        return x + F.interpolate(F.max_pool2d(x, 2), size=x.shape[2:])


def test_branches_of_unequal_strides_are_said() -> None:
    assert "strides differ" in receptive_fields(Ratio(), (9, 9)).text
    assert "strides differ" not in receptive_fields(Ratio(), (8, 8)).text
