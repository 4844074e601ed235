"""What the kernels would choose for a layer, and why; and the settings that a block of code can make.

``print(manualconv.choice((4, 64, 56, 56), (64, 64, 3, 3), padding=1))`` shows a line for each of the three maps.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import torch

from manualconv.functional.refusals import convolution as validation
from manualconv.functional.refusals.arguments import LARGEST, read
from manualconv.geometry import Axes, Numbers, Window, within_reach
from manualconv.kernels.correlation.chooser import MAPS, Candidate, candidates
from manualconv.kernels.correlation.cost import Sizes
from manualconv.kernels.correlation.settings import accuracy as accuracy
from manualconv.kernels.correlation.settings import algorithm as algorithm
from manualconv.kernels.correlation.settings import set_accuracy as set_accuracy
from manualconv.kernels.correlation.settings import under_settings


@dataclass(frozen=True)
class Choice:
    """The candidates of every map, cheapest first: the first is chosen.  Printed, it is a table."""

    candidates: dict[str, list[Candidate]]

    def __getitem__(self, map: str) -> str:
        """The name of the algorithm chosen for ``'output'``, ``'input'`` or ``'weight'``."""
        return self.candidates[map][0].name

    def __str__(self) -> str:
        lines = []
        for map, found in self.candidates.items():
            lines.append(f"to_{map}: {found[0].name}")
            for c in found:
                estimate = "not considered" if c.cost == float("inf") else f"{c.cost / 1e6:.3g} ms"
                lines.append(f"    {c.name:12} {estimate:>16}   {c.reason}")
        return "\n".join(lines)


def choice(
    input_size: tuple[int, ...],
    weight_size: tuple[int, ...],
    stride: Numbers = 1,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    groups: int = 1,
    *,
    dtype: torch.dtype = torch.float32,
) -> Choice:
    """Which algorithm a convolution's three maps would be computed by, under the settings of the code that asks.

    Args:
        input_size: of x, ``(N, C, *I)``.
        weight_size: of w, ``(O, C/groups, *K)``.
        stride, padding, dilation, groups: as of `manualconv.functional.conv2d`; padding in numbers.
        dtype: of the tensors.

    Returns:
        A `Choice` with estimated times on one core, an estimate of the model and not a measurement.

    Raises:
        ValueError: sizes, strides, padding, dilation or groups that `manualconv.functional.conv2d` refuses too.
    """
    window = _window(input_size, weight_size, stride, padding, dilation, groups)
    sizes = Sizes(input_size[0], input_size[1], weight_size[0], dtype.itemsize, under_settings(window))
    return Choice({map: candidates(map, sizes, dtype) for map in MAPS})


def _window(input_size: Any, weight_size: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Window:
    """The window, checked by what checks a convolution's own arguments."""
    size, weight = _size("input", input_size), _size("weight", weight_size)
    ndim = len(size) - 2
    x, w = (torch.empty((), device="meta").expand(shape) for shape in (size, weight))  # shapes without numbers
    try:
        s, p, d, g = validation.read_arguments("choice", ndim, (x, w, None), stride, padding, dilation, groups)
        if ndim < 1 or len(weight) != ndim + 2 or size[1] != weight[1] * g:
            raise ValueError(
                f"choice() takes the sizes of x (N, C, *I) and w (O, C/groups, *K), but got {input_size} and "
                f"{weight_size} with groups={groups} [C = {size[1:2]} must be weight_size[1]·groups]"
            )
        s, d = validation.convolution_numbers(ndim, s, d, g)
        validation.check_convolution_shapes("choice", x, w, None, ndim, g)
        window = Window(size[2:], weight[2:], s, d, validation.convolution_padding(p, weight[2:], s, d), g)
        validation.check_window(window)
        validation.check_positions(x, size[2:])
    except (RuntimeError, TypeError) as error:
        raise ValueError(str(error)) from None
    _check_storage("output", (size[0], weight[0], *window.output_size))
    return within_reach(window)


def _size(name: str, size: Any) -> Axes:
    """A tensor's size."""
    numbers = read(size)
    if not isinstance(numbers, tuple) or any(n < 0 for n in numbers):
        raise ValueError(f"{name}_size must be whole numbers of at least 0, as (4, 64, 56, 56), but got {size!r}")
    _check_storage(name, numbers)
    return numbers


def _check_storage(name: str, size: Axes) -> None:
    if prod(max(n, 1) for n in size) > LARGEST:
        raise ValueError(f"the {name} would be of size {size}: no tensor has more than {LARGEST} numbers")
