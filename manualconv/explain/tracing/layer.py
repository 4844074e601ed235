"""A layer to be shown: its kind, its window and its channels, read from sizes as PyTorch's modules take them.

Every layer here is one index relation, i = s·p + d·k − a, between the slots x, w and y of

    T(x, w, y) = Σ x[n, (g c), i] · w[(g o), c, k] · y[n, (g o), p]

A convolution has its input in slot x and its output in slot y; a transposed convolution the other way round.  A pooling
layer is a convolution of each channel alone, whose weights are not learned: 1/D at every tap, or 1 at the maximum.

Shapes: x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from manualconv.explain.arithmetic.sizing import Sizing, sizes_of, sizing_of, whole
from manualconv.geometry import Axes, Window

KINDS = ("conv", "conv_transpose", "max_pool", "avg_pool")
X, W, Y = range(3)
Index = tuple[int, ...]
Place = tuple[Index, Index, Index]


@dataclass(frozen=True)
class Layer:
    """A layer's numbers, without its tensors; `make` reads and checks them.

    Attributes:
        kind: one of `KINDS`.
        window: where the taps fall; `groups` too, which is the number of channels where the layer pools.
        channels, filters: ``C`` and ``O``, of slots x and y.
        flip: whether w is turned round, ``w[K − 1 − k]`` for ``w[k]``: the convolution of the mathematicians.

    Example:
        >>> from manualconv.explain import make
        >>> make("conv", (6, 7), 3, channels=2, filters=4).sizes()
        ((1, 2, 6, 7), (4, 2, 3, 3), (1, 4, 4, 5))
    """

    kind: str
    window: Window
    channels: int
    filters: int
    flip: bool = False

    @property
    def is_pool(self) -> bool:
        """Whether its weights are not learned."""
        return self.kind.endswith("pool")

    @property
    def source(self) -> int:
        """The slot of its input."""
        return Y if self.kind == "conv_transpose" else X

    @property
    def target(self) -> int:
        """The slot of its output."""
        return X if self.kind == "conv_transpose" else Y

    def sizes(self, samples: int = 1) -> tuple[Index, Index, Index]:
        """The shapes of slots x, w and y."""
        w = self.window
        return (
            (samples, self.channels, *w.input_size),
            (self.filters, self.channels // w.groups, *w.kernel_size),
            (samples, self.filters, *w.output_size),
        )

    def places(self, samples: int = 1) -> list[Place]:
        """The cells of x, w and y whose numbers are multiplied, term after term; x's may lie in the padding."""
        w = self.window
        per_group, outputs = self.channels // w.groups, self.filters // w.groups
        spatial = [
            (p, k, tuple(s * q + d * j - a for q, j, s, d, (a, _) in zip(p, k, w.stride, w.dilation, w.padding)))
            for p, k in product(indices(w.output_size), indices(w.kernel_size))
        ]
        if self.flip:
            spatial = [(p, tuple(n - 1 - j for n, j in zip(w.kernel_size, k)), i) for p, k, i in spatial]
        return [
            ((n, g * per_group + c, *i), (g * outputs + o, c, *k), (n, g * outputs + o, *p))
            for n, g, o, c in indices((samples, w.groups, outputs, per_group))
            for p, k, i in spatial
        ]


def indices(size: Index) -> list[Index]:
    """Every index below `size`, row-major."""
    return list(product(*map(range, size)))


def make(
    kind: str,
    input_size: int | Axes,
    kernel_size: int | Axes,
    stride: int | Axes | None = None,
    padding: Any = 0,
    dilation: int | Axes = 1,
    channels: int = 1,
    filters: int | None = None,
    groups: int = 1,
    flip: bool = False,
) -> Layer:
    """A layer of these sizes, checked.

    Args:
        kind: ``'conv'``, ``'conv_transpose'``, ``'max_pool'`` or ``'avg_pool'``.
        input_size: of the layer's input, one number per axis; they say how many axes there are.
        kernel_size, stride, dilation: one number, or one per axis; a pooling layer's stride is its kernel if None.
        padding: one number, one or a ``(before, after)`` pair per axis, ``'valid'``, ``'same'`` or ``'full'``.
        channels, filters: of the layer's input and output; a pooling layer has as many outputs as inputs.
        groups: channel blocks that do not see each other.
        flip: of a convolution alone: turn the kernel round.

    Returns:
        The `Layer`, which `animate` and `trace` take.

    Raises:
        ValueError: numbers that make no such layer; it says which rule they break.
        TypeError: no whole numbers.

    Example:
        >>> from manualconv.explain import make
        >>> make("conv", (6, 7), (3, 2), stride=(2, 1), padding=((1, 0), (2, 2))).window.output_size
        (3, 10)
    """
    if kind not in KINDS:
        raise ValueError(f"a layer is one of {', '.join(KINDS)}, not {kind!r}")
    size = sizes_of(input_size)
    pooled = kind.endswith("pool")
    steps = (kernel_size if pooled else 1) if stride is None else stride
    found = sizing_of(size, kernel_size, steps, padding, dilation, kind == "conv_transpose", ndim=len(size))
    outputs = channels if pooled or filters is None else filters
    channels, outputs, groups = whole("channels", channels), whole("filters", outputs), whole("groups", groups)
    _check(kind, found, channels, outputs if filters is None else filters, groups, flip)
    window = replace(found.window(), groups=channels if pooled else groups)
    if kind == "conv_transpose":
        return Layer(kind, window, outputs, channels)
    return Layer(kind, window, channels, outputs, flip)


def _check(kind: str, sizing: Sizing, channels: int, filters: int, groups: int, flip: bool) -> None:
    """Refuse what this kind of layer has not."""
    for name, count in (("channels", channels), ("filters", filters), ("groups", groups)):
        if count < 1:
            raise ValueError(f"{name} must be at least 1, not {count}")
    if flip and kind != "conv":
        raise ValueError(f"{kind} has no flipped kernel: only a convolution turns its kernel round")
    if channels % groups or filters % groups:
        raise ValueError(f"{groups} groups must divide {channels} channels and {filters} filters: both without a rest")
    if not kind.endswith("pool"):
        return
    if groups != 1 or filters != channels:
        raise ValueError(f"{kind} takes each of its {channels} channels on its own: give neither filters nor groups")
    if kind == "avg_pool" and max(sizing.dilation) > 1:
        raise ValueError(f"avg_pool has no dilation in PyTorch: give 1 instead of {sizing.dilation}")
    for k, pair in zip(sizing.kernel, sizing.padding):
        if max(pair) > k // 2:
            raise ValueError(f"padding {max(pair)} is more than half of the kernel {k}: {kind} takes at most {k // 2}")
