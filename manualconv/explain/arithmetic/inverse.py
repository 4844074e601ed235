"""The size calculator the other way round: which inputs, kernels, strides or paddings give an output.

input     s·(o − 1) + d·(k − 1) + 1 − a − b ≤ i < … + s
others    tried one after another, by the same arithmetic as forward
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

from manualconv.explain.arithmetic.sizing import at_least, sizing_of
from manualconv.explain.text import alike, ranges, size
from manualconv.geometry import per_axis

#: Rows that are shown of several numbers at once.
MOST = 12
#: Numbers that are tried, some 50 µs each.
TRIED = 60_000
USUAL = {"kernel": None, "stride": 1, "padding": 0}


@dataclass(frozen=True)
class Question:
    """A layer and its output size, with None for what is asked.

    Each is of one axis, or, as it came, one number for every axis or a tuple of one per axis.
    """

    output: Any
    input: Any
    kernel: Any
    stride: Any
    padding: Any
    dilation: Any
    more: Any
    transposed: bool
    ceil: bool

    def answer(self) -> str:
        """What gives the output size, a line for each axis, or one if they are alike.

        Raises:
            ValueError: nothing is asked, or nothing gives it.
        """
        counts = {len(value) for value in vars(self).values() if isinstance(value, tuple)} - {1}
        if len(counts) > 1:
            raise ValueError(f"numbers for {' and '.join(map(str, sorted(counts)))} axes: give one, or one per axis")
        ndim = max(counts, default=1)
        if min(wanted := per_axis(self.output, ndim)) < 1:
            raise ValueError(f"the output is {size(wanted)}; it has at least 1 position on each axis")
        return "\n".join(alike([self._along(axis)._answer() for axis in range(ndim)]))

    def _along(self, axis: int) -> Question:
        parts: dict[str, Any] = {}
        for name, value in vars(self).items():
            if isinstance(value, tuple):
                part = value[0] if len(value) == 1 else value[axis]
                parts[name] = (part,) if isinstance(part, tuple) else part  # a pair of paddings stays in a tuple
        return replace(self, **parts)

    def _answer(self) -> str:
        for name in ("input", "kernel", "stride", "dilation"):
            if (value := getattr(self, name)) is not None:
                at_least(1, name, (value,))
        if self.input is None:
            if self.kernel is None:
                raise ValueError(f"which input gives {self.output} depends on the kernel: give --kernel too")
            return f"input sizes that give {self.output}: {ranges(self._inputs()) or 'none'}"
        missing = [name for name in USUAL if getattr(self, name) is None]
        if not missing:
            raise ValueError("input, kernel, stride, padding and output are all given: leave out the one that is asked")
        if "kernel" in missing:  # the others then have their usual values
            missing = ["kernel"]
        tried = self._tried(missing)
        found = [n for n in product(*tried.values()) if self._size(**dict(zip(missing, n))) == self.output]
        if not found:
            names, last = " and ".join(missing), tried["padding"][-1] if len(missing) > 1 else None
            more = "" if last is None else f"; padding was tried up to {last}, which puts no window on padding alone"
            raise ValueError(f"no {names} gives {self.output} from {self.input} with what else is given{more}")
        return self._listed(tried, found)

    def _listed(self, tried: dict[str, range], found: list[tuple[int, ...]]) -> str:
        if len(tried) == 1:
            ((name, all_of_them),) = tried.items()
            numbers = ranges(n for (n,) in found)
            if found[-1][0] == all_of_them[-1]:  # one window, or one input: longer strides change nothing
                numbers = f"{numbers.rpartition(' to ')[0] or numbers} or more"
            return f"{name}s that give {self.output} from {self.input}: {numbers}"
        words = [", ".join(f"{name} {n}" for name, n in zip(tried, numbers)) for numbers in found[:MOST]]
        rest = f"; and {len(found) - MOST} more" if len(found) > MOST else ""
        return f"{' and '.join(tried)} that give {self.output} from {self.input}: {'; '.join(words)}{rest}"

    def _size(self, **numbers: int) -> int | None:
        """The forward question; None where no layer has these numbers."""
        changed: dict[str, Any] = {**numbers}
        now = replace(self, **changed)
        k, s, p = (usual if getattr(now, name) is None else getattr(now, name) for name, usual in USUAL.items())
        try:
            window = sizing_of(now.input, k, s, p, now.dilation, now.transposed, now.ceil, now.more).window()
        except ValueError:
            return None
        return (window.input_size if self.transposed else window.output_size)[0]

    def _inputs(self) -> list[int]:
        stride = 1 if self.stride is None else self.stride
        padding = 0 if self.padding is None else self.padding
        layer = sizing_of(None, self.kernel, stride, padding, self.dilation, self.transposed, self.ceil, self.more)
        (s,), (e,), ((a, b),) = layer.stride, layer.extent, layer.padding
        if self.transposed:
            tried = range(1, self.output + a + b + 2)
        else:  # a last window that is not full may count: then smaller inputs do too
            least = s * (self.output - 1) + e - a - b
            tried = range(max(1, least - s), least + s)
        return [i for i in tried if self._size(input=i) == self.output]

    def _tried(self, missing: list[str]) -> dict[str, range]:
        """The numbers that each missing one is sought among: all that there can be."""
        extent = self.dilation * ((self.kernel or 1) - 1) + 1
        given = self.padding[0] if isinstance(self.padding, tuple) else self.padding
        pair = given if isinstance(given, tuple) else (extent if isinstance(given, str) else given or 0,) * 2
        far = max(self.input, self.output) + sum(pair) + 1
        # Of several at once: padding that puts no window on padding alone.
        padded = range(extent) if len(missing) > 1 else range((self.stride or 1) * far + extent)
        everything = {"kernel": range(1, 2 * far), "stride": range(1, far + 1), "padding": padded}
        tried = {name: everything[name] for name in missing}
        if prod(numbers.stop - numbers.start for numbers in tried.values()) > TRIED:
            raise ValueError(f"too many to try from {self.input}: give all but one of kernel, stride and padding")
        return tried
