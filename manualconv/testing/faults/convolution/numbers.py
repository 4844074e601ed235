"""Faults of arithmetic: sums in fewer bits, swallowed or spread not-a-numbers, an order that changes."""

import random
from collections.abc import Callable

import torch
from torch import Tensor

from manualconv import definitions
from manualconv.geometry import Window
from manualconv.testing.cases.tensors import behind
from manualconv.testing.faults.convolution.apart import plant, to_input, to_weight
from manualconv.testing.laws.convolution.implementations import framed, layer, spread
from manualconv.testing.referee import convolution

Rounding = Callable[[Tensor], Tensor]


def rounded(to: Rounding) -> Callable[..., Tensor]:
    """A convolution of operands rounded first."""
    return lambda x, w, b, window: convolution(to(x), to(w), b, window)


def through(dtype: torch.dtype) -> Rounding:
    """Rounding to a dtype and back."""
    return lambda t: t.to(dtype).to(t.dtype)


def _ten_bits(t: Tensor) -> Tensor:
    """float32 cut to ten bits of mantissa, as tensor cores read it; float64 as it is."""
    if t.dtype != torch.float32:
        return t
    cut = (t.detach().contiguous().view(torch.int32) & ~0x1FFF).view(torch.float32)
    return t + (cut - t.detach())


def _accumulated(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """Every partial sum rounded to bfloat16."""
    x = framed(x, window)
    w_g = w.unflatten(0, (1, window.groups, -1))
    y = x.new_zeros((x.shape[0], window.groups, w_g.shape[2], *window.output_size))
    for k in definitions.indices(window.kernel_size):
        x_k = x[window.tap(k, lead=2)].unflatten(1, (window.groups, 1, -1))
        term = (x_k * w_g[behind(*k)].reshape(*w_g.shape[:4], *(1,) * window.ndim)).sum(3)
        y = through(torch.bfloat16)(y + term)
    y = y.flatten(1, 2)
    return y if b is None else y + spread(b, window)


def _in_single(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    y = convolution(x.float(), w.float(), None if b is None else b.float(), window)
    return y.to(x.dtype)


def _shuffled(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """The taps in another order in every call."""
    frame = framed(x, window)
    order = list(definitions.indices(window.kernel_size))
    random.shuffle(order)
    ones = (1,) * window.ndim
    tap = Window(window.output_size, ones, ones, ones, ((0, 0),) * window.ndim, window.groups)
    y = None
    for k in order:
        x_k, w_k = frame[window.tap(k, lead=2)], w[behind(*(slice(j, j + 1) for j in k))]
        term = convolution(x_k, w_k, None, tap)
        y = term if y is None else y + term
    assert y is not None
    return y if b is None else y + spread(b, window)


def _index_overflow(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """Outputs beyond what 12 bits count are those before again."""
    y = convolution(x, w, b, window)
    if y.numel() <= 2**12:
        return y
    return y.flatten()[torch.arange(y.numel()) % 2**12].reshape(y.shape)


plant(
    "numerics",
    ("partial sums in bfloat16", layer(_accumulated)),
    ("float64 in float32", layer(_in_single)),
    ("gradient in float32", {"to_input": lambda w, y, window: to_input(w.float(), y.float(), window).to(y.dtype)}),
    (
        "weight gradient in half precision",
        {"to_weight": lambda x, y, window: through(torch.bfloat16)(to_weight(x, y, window))},
    ),
    by="Z brim",
)
plant("numerics", ("operands cut to ten bits", layer(rounded(_ten_bits)), "mlx#4242"), by="T bound")
plant("numerics", ("positions counted in too few bits", layer(_index_overflow), "#9404"), by="D15")
plant(
    "numerics",
    ("a mask of zeros spreads nan", layer(lambda x, w, b, window: convolution(x, w, b, window) + 0 * x.sum())),
    ("nan swallowed", layer(lambda x, w, b, window: convolution(x.nan_to_num(), w, b, window))),
    ("nan of the cotangent swallowed", {"to_input": lambda w, y, window: to_input(w, y.nan_to_num(), window)}),
    by="C33",
)
plant(
    "numerics",
    ("a little is added for safety", layer(lambda x, w, b, window: convolution(x, w, b, window) + 1e-12)),
)
plant("numerics", ("another order in every run", layer(_shuffled)), by="B repeat")
