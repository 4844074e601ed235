"""The numbers that decide a size, some of which may be asked for: read, checked and turned into a `Window`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
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
            at_least(1, name, values)
        at_least(1, "input", self.input_size or (1,))
        if min(side for pair in self.padding for side in pair) < 0:
            raise ValueError(f"the padding is {by_axis(self.padding)}; it is at least 0 on each side")
        if self.transposed:
            self._check_transposed()
        elif self.input_size is not None:
            for i, e, d, k, (a, b) in zip(self.input_size, self.extent, self.dilation, self.kernel, self.padding):
                if e > i + a + b:
                    raise ValueError(
                        f"the kernel spans {d}·({k} − 1) + 1 = {e} positions and the padded input has only "
                        f"{i} + {a} + {b} = {i + a + b}: give a smaller kernel or dilation, or more padding"
                    )

    def _check_transposed(self) -> None:
        if self.input_size is not None and min(out := self.window().input_size) < 1:
            raise ValueError(f"the output would be {size(out)}: the padding cuts off all that there is, give less")
        for m, s, d in zip(self.more, self.stride, self.dilation):
            if not 0 <= m < max(s, d):
                raise ValueError(
                    f"the output padding is {m}; it is at least 0 and less than stride {s} or dilation {d}"
                )


def at_least(least: int, name: str, values: Sequence[int]) -> None:
    """Refuse a smaller number.

    Raises:
        ValueError: it names them all.
    """
    if min(values) < least:
        raise ValueError(f"the {name} is {by_axis(values)}; it is at least {least} on each axis")


def whole(name: str, value: Any) -> Any:
    """Whole numbers of any library as int: one, or a tuple; of the padding also pairs, and words as they are.

    Raises:
        TypeError: other numbers, or none.
    """
    pads = name == "padding"
    try:
        if isinstance(value, (tuple, list)):
            pairs = [pads and isinstance(part, (tuple, list)) and len(part) == 2 for part in value]
            return tuple(tuple(map(index, part)) if pair else index(part) for part, pair in zip(value, pairs))
        return value if pads and isinstance(value, str) else index(value)
    except TypeError:
        raise TypeError(f"the {name} is {value!r}; it is a whole number, or one per axis") from None


def sizes_of(input_size: int | Axes) -> Axes:
    """An input's sizes, which say how many axes there are: a number is one axis.

    Raises:
        ValueError: no axis, or more than three.
        TypeError: no whole numbers.
    """
    sizes = whole("input", input_size)
    found: Axes = sizes if isinstance(sizes, tuple) else (sizes,)
    if not 1 <= len(found) <= 3:
        raise ValueError(f"the input has {len(found)} axes, and PyTorch's layers have one to three")
    return found


def sizing_of(
    input_size: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool = False,
    ceil: bool = False,
    more: Any = 0,
    ndim: int | None = None,
) -> Sizing:
    """A layer from numbers of any spelling: one for every axis, or one per axis.

    Args:
        input_size: None where it is asked.
        kernel, stride, padding, dilation, transposed, ceil, more: as `Sizing` has them.
        ndim: the number of axes; where it is None, what is given per axis says it.

    Raises:
        ValueError: numbers for unequal numbers of axes, or that no layer can have.
        TypeError: no whole numbers.
    """
    given = {} if input_size is None else {"input": input_size}
    given |= {"kernel": kernel, "stride": stride, "dilation": dilation, "output padding": more, "padding": padding}
    given = {name: whole(name, value) for name, value in given.items()}
    counts = {name: len(value) for name, value in given.items() if isinstance(value, tuple) and len(value) != 1}
    ndim = ndim or max(counts.values(), default=1)
    if ndim < 1 or set(counts.values()) - {ndim}:
        said = ", ".join(f"{name} {n}" for name, n in counts.items())
        raise ValueError(f"numbers for unequal axes: {said}; each has one number, or {ndim}, one per axis")
    if transposed and ceil:
        raise ValueError("a transposed layer has no ceil mode: its sizes always divide")
    kernel, stride, dilation, more = (
        per_axis(given[name], ndim) for name in ("kernel", "stride", "dilation", "output padding")
    )
    pads = given["padding"]
    pads = sides(pads * ndim if isinstance(pads, tuple) and len(pads) == 1 else pads, kernel, dilation)
    sizes = None if input_size is None else per_axis(given["input"], ndim)
    found = Sizing(sizes, kernel, stride, dilation, pads, transposed, ceil, more)
    found.check()
    return found
