"""Faults of max pooling: a right one that asks tap after tap, taken apart into rules, with one of them replaced."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from manualconv import definitions
from manualconv.geometry import Window
from manualconv.testing.cases.tensors import behind
from manualconv.testing.faults.exam import Exam
from manualconv.testing.laws.law import Implementation
from manualconv.testing.laws.max_pooling import GOOD, LAWS, Layer

Size = tuple[int, ...]


def read(x: Tensor, window: Window, size: Size, outside: float) -> Tensor:
    """What every tap reads at so many placements, ``(N, C, ΠK, *P)``, on an input that is `outside` all around."""
    reach = [s * (p - 1) + e for s, p, e in zip(window.stride, size, window.extent)]
    frame = [(a, max(r - i - a, 0)) for r, i, (a, _) in zip(reach, window.input_size, window.padding)]
    framed = F.pad(x, [side for pair in reversed(frame) for side in pair], value=outside)
    taps = []
    for k in definitions.indices(window.kernel_size):
        starts = [d * j for d, j in zip(window.dilation, k)]
        steps = zip(starts, window.stride, size)
        taps.append(framed[behind(*(slice(a, a + s * (p - 1) + 1, s) for a, s, p in steps))])
    return torch.stack(taps, 2)


def later_wins(value: Tensor, best: Tensor) -> Tensor:
    """Whether a later tap replaces the best so far."""
    return (value > best) | value.isnan()


class Select(Function):
    """``x[index]`` with another derivative."""

    @staticmethod
    def forward(x: Tensor, index: Tensor, back: Callable[..., Tensor], taps: Tensor) -> Tensor:
        """The entries of flat images."""
        return x.flatten(2).gather(2, index.flatten(2)).reshape(index.shape)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """All there is."""
        ctx.x, ctx.index, ctx.back, ctx.taps = inputs

    @staticmethod
    def backward(ctx: Any, y: Tensor) -> tuple[Any, ...]:
        """By the rule."""
        return ctx.back(y, ctx.x.detach(), ctx.index, ctx.taps), None, None, None


def added(y: Tensor, x: Tensor, index: Tensor, taps: Tensor) -> Tensor:
    """Every cotangent to its place."""
    return torch.zeros_like(x.flatten(2)).scatter_add(2, index.flatten(2), y.flatten(2)).reshape(x.shape)


RULES: dict[str, Any] = {
    "window": lambda window: window,
    "size": definitions.output_size,
    "outside": -torch.inf,
    "wins": later_wins,
    "first": lambda value: torch.ones_like(value, dtype=torch.bool),
    "named": lambda index, window: index,
    "back": added,
}


def by_rules(**other: Any) -> Layer:
    """A max pooling with some rules replaced."""
    rule = SimpleNamespace(**{**RULES, **other})

    def pool(x: Tensor, kernel: Size, stride: Size, padding: Size, dilation: Size, ceil: bool) -> tuple[Tensor, Tensor]:
        window = Window(tuple(x.shape[2:]), kernel, stride, dilation, tuple((a, a) for a in padding))
        size, window = rule.size(window, ceil), rule.window(window)
        places = torch.arange(x.shape[2:].numel()).reshape(1, 1, *x.shape[2:])
        taps = read(places, window, size, -1)
        values = read(x.detach(), window, size, rule.outside)
        best = torch.full_like(values[:, :, 0], -torch.inf)
        index = torch.full(best.shape, -1)
        for k in range(values.shape[2]):
            value, place = values[:, :, k], taps[:, :, k]
            inside = (place >= 0) | (rule.outside != -torch.inf)
            wins = inside & (((index < 0) & rule.first(value)) | rule.wins(value, best))
            best, index = torch.where(wins, value, best), torch.where(wins, place, index)
        y = Select.apply(x, index.clamp(min=0), rule.back, taps)
        y = torch.where(index < 0, best, y)
        return y, rule.named(index, window)

    return pool


def _in_the_frame(index: Tensor, window: Window) -> Tensor:
    """Positions counted on the padded image."""
    places = torch.unravel_index(index, window.input_size)
    flat = torch.zeros_like(index)
    for at, size, (a, b) in zip(places, window.input_size, window.padding):
        flat = flat * (size + a + b) + at + a
    return flat


def _overwritten(y: Tensor, x: Tensor, index: Tensor, taps: Tensor) -> Tensor:
    return torch.zeros_like(x.flatten(2)).scatter(2, index.flatten(2), y.flatten(2)).reshape(x.shape)


def _to_every_tie(y: Tensor, x: Tensor, index: Tensor, taps: Tensor) -> Tensor:
    flat, largest = x.flatten(2), x.flatten(2).gather(2, index.flatten(2)).reshape(index.shape)
    total = torch.zeros_like(flat)
    for place in taps.unbind(2):
        at = place.clamp(min=0).expand(index.shape)
        tied = (place >= 0) & (flat.gather(2, at.flatten(2)).reshape(index.shape) == largest)
        total = total.scatter_add(2, at.flatten(2), torch.where(tied, y, 0).flatten(2))
    return total.reshape(x.shape)


def _nan_in_the_last_channel(value: Tensor, best: Tensor) -> Tensor:
    last = torch.arange(value.shape[1]).reshape(-1, *(1,) * (value.dim() - 2)) == value.shape[1] - 1
    return (value > best) | (value.isnan() & last)


def _one_more(window: Window, ceil: bool) -> Size:
    """Without the rule that the last window starts on the input."""
    sizes = zip(window.input_size, window.extent, window.stride, window.padding)
    return tuple((-((e - i - 2 * a) // s) if ceil else (i + 2 * a - e) // s) + 1 for i, e, s, (a, _) in sizes)


def _changed(**numbers: Any) -> Callable[[Window], Window]:
    def changed(window: Window) -> Window:
        found = {name: value(getattr(window, name)) for name, value in numbers.items()}
        old = {name: getattr(window, name) for name in ("kernel_size", "stride", "dilation", "padding")}
        return Window(window.input_size, **{**old, **found})

    return changed


def handing_back(x: Tensor, kernel: Size, stride: Size, padding: Size, *numbers: Any) -> tuple[Tensor, Tensor]:
    """Right, but with nothing to do it gives a view of its input, which what edits the output would edit."""
    y, index = by_rules()(x, kernel, stride, padding, *numbers)
    return (x.view_as(x) if {*kernel, *stride} == {1} and not any(padding) else y), index


EXAM = Exam(
    "max pooling",
    LAWS,
    {**GOOD, "a fault with nothing replaced": Implementation(by_rules())},
    first="P22",  # the loops notice most
)
for _name, _rules, _origin in (
    ("padded by zeros", {"outside": 0.0}, "#33384, #41294"),
    ("every tie gets the whole gradient", {"back": _to_every_tie}, "Theano#5404, CrypTen#90"),
    ("the last of equals wins", {"wins": lambda value, best: (value >= best) | value.isnan()}, ""),
    ("NaN ignored", {"wins": lambda value, best: value > best}, "#7645"),
    ("NaN in the last channel only", {"wins": _nan_in_the_last_channel}, "tensorflow#125965"),
    ("index −1 where all is −∞", {"first": lambda value: torch.zeros_like(value, dtype=torch.bool)}, "PR#1465"),
    ("overlapping gradients overwritten", {"back": _overwritten}, ""),
    ("positions on the padded image", {"named": _in_the_frame}, ""),
    ("ceil_mode: a window on nothing", {"size": _one_more}, ""),
    ("ceil_mode: a window missing", {"size": lambda window, ceil: definitions.output_size(window, False)}, "onnx#4958"),
    ("dilation ignored", {"window": _changed(dilation=lambda d: (1,) * len(d))}, ""),
    ("strides exchanged between axes", {"window": _changed(stride=lambda s: s[::-1])}, "tinygrad#17805"),
    ("kernel exchanged between axes", {"window": _changed(kernel_size=lambda k: k[::-1])}, ""),
    ("gradient a mean", {"back": lambda y, x, index, taps: added(y, x, index, taps) / taps.shape[2]}, ""),
):
    EXAM.plant(_name, "", by_rules(**_rules), _origin)
EXAM.plant("a view of the input where there is nothing to do", "", handing_back)
