"""What the kernels would choose for a layer, and why.

``print(manualconv.choice((4, 64, 56, 56), (64, 64, 3, 3), padding=1))`` shows a line for each of the three maps.
"""

from __future__ import annotations

from math import prod
from typing import Any

import torch

from manualconv.functional.refusals.convolution import convolution_window, read_numbers
from manualconv.geometry import LARGEST, Axes, Numbers, Window, read
from manualconv.kernels.correlation.chooser import Choice
from manualconv.kernels.correlation.cost import Sizes
from manualconv.kernels.correlation.settings import under_settings
from manualconv.kernels.precision import WIDENED


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
    wide = WIDENED.get(dtype, dtype)  # half precision is computed in float32
    return Choice.of(Sizes(input_size[0], input_size[1], weight_size[0], wide, under_settings(window)))


def _window(input_size: Any, weight_size: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Window:
    """The window, checked by what checks a convolution's own arguments."""
    size, weight = _size("input", input_size), _size("weight", weight_size)
    try:
        if len(size) < 3:
            raise RuntimeError(f"{input_size} has no axis I")
        numbers = read_numbers(stride=stride, padding=padding, dilation=dilation, groups=groups)
        window = convolution_window(len(size) - 2, size, weight, None, *numbers)
    except RuntimeError as error:
        raise ValueError(
            f"choice() takes the sizes of x (N, C, *I) and w (O, C/groups, *K), but got {input_size} and "
            f"{weight_size} [{error.args[0]}]"
        ) from None
    _check_storage("output", (size[0], weight[0], *window.output_size))
    return window


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
