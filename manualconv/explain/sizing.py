"""The numbers that decide a size, some of which may be asked for: read, checked and turned into a `Window`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from manualconv.explain.text import by_axis, size
from manualconv.geometry import Axes, Pair, Window, ceil_padding, per_axis, sides, window_of_output


@dataclass(frozen=True)
class Sizing:
    """What is given of a layer, one entry per axis; None for what is asked.

    Attributes:
        transposed: whether it is read backwards.
        ceil: whether a last window that is not full counts.
        more: the output padding of a transposed one.
    """

    input_size: Axes | None
    kernel: Axes
    stride: Axes
    dilation: Axes
    padding: tuple[Pair, ...]
    transposed: bool = False
    ceil: bool = False
    more: Axes = ()

    @property
    def extent(self) -> Axes:
        """Positions from the first tap to the last, ``d·(k − 1) + 1``."""
        return tuple(d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel))

    def window(self) -> Window:
        """As geometry has it: a transposed layer's window has its input as output."""
        assert self.input_size is not None
        numbers = (self.kernel, self.stride, self.dilation, self.padding)
        if self.transposed:
            return window_of_output(self.input_size, *numbers, 1, self.more)
        made = Window(self.input_size, *numbers)
        return ceil_padding(made) if self.ceil else made

    def check(self) -> None:
        """Refuse what no layer can be.

        Raises:
            ValueError: a sentence with the numbers.
        """
        for name, values in (("kernel", self.kernel), ("stride", self.stride), ("dilation", self.dilation)):
            if min(values) < 1:
                raise ValueError(f"the {name} is {by_axis(values)}; it is at least 1 on each axis")
        if min(self.input_size or (1,)) < 1:
            raise ValueError(f"the input is {size(self.input_size or ())}; it has at least 1 position on each axis")
        if min(side for pair in self.padding for side in pair) < 0:
            raise ValueError(f"the padding is {by_axis(self.padding)}; it is at least 0 on each side")
        if self.transposed and self.input_size is not None and min(self.window().input_size) < 1:
            raise ValueError(
                f"the output would be {size(self.window().input_size)}: the padding cuts off all that there is"
            )
        if self.transposed:
            for m, s, d in zip(self.more, self.stride, self.dilation):
                if not 0 <= m < max(s, d):
                    raise ValueError(
                        f"the output padding is {m}; it is at least 0 and less than stride {s} or dilation {d}"
                    )
        elif self.input_size is not None:
            for i, e, d, k, (a, b) in zip(self.input_size, self.extent, self.dilation, self.kernel, self.padding):
                if e > i + a + b:
                    raise ValueError(
                        f"the window spans {d}·({k} − 1) + 1 = {e} positions and the padded input has only "
                        f"{i} + {a} + {b} = {i + a + b}: it fits nowhere"
                    )


def sizing_of(
    input_size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, transposed: bool, ceil: bool, more: Any
) -> Sizing:
    """A layer from numbers of any spelling: one for every axis, or one per axis.

    Raises:
        ValueError: numbers for unequal numbers of axes, or that no layer can have.
    """
    given = {"input": input_size, "kernel": kernel, "stride": stride, "dilation": dilation, "output padding": more}
    counts = {name: len(value) for name, value in given.items() if isinstance(value, tuple) and len(value) > 1}
    if isinstance(padding, tuple) and len(padding) > 1:
        counts["padding"] = len(padding)
    ndim = max(counts.values(), default=1)
    if set(counts.values()) - {ndim}:
        raise ValueError(f"numbers for unequal axes: {', '.join(f'{name} {n}' for name, n in counts.items())}")
    if transposed and ceil:
        raise ValueError("a transposed layer has no ceil mode: its sizes always divide")
    kernel, stride, dilation, more = (per_axis(value, ndim) for value in (kernel, stride, dilation, more))
    if isinstance(padding, tuple):
        padding = padding * ndim if len(padding) == 1 else padding
    pads = sides(padding, kernel, dilation)
    sizes = None if input_size is None else per_axis(input_size, ndim)
    found = Sizing(sizes, kernel, stride, dilation, pads, transposed, ceil, more)
    found.check()
    return found
