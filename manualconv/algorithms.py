"""What the kernels would choose for a layer, and why; and the settings that a block of code can make.

``print(manualconv.choice((4, 64, 56, 56), (64, 64, 3, 3), padding=1))`` shows a line for each of the three maps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from manualconv.geometry import Numbers, Window, per_axis
from manualconv.kernels.chooser import MAPS, Candidate, candidates
from manualconv.kernels.cost import Sizes
from manualconv.kernels.settings import accuracy as accuracy
from manualconv.kernels.settings import algorithm as algorithm
from manualconv.kernels.settings import set_accuracy as set_accuracy
from manualconv.kernels.settings import under_settings


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
        ValueError: the sizes are not those of a convolution.
    """
    ndim = len(input_size) - 2
    if ndim < 1 or len(weight_size) != ndim + 2 or input_size[1] != weight_size[1] * groups:
        raise ValueError(
            f"choice() takes the sizes of x (N, C, *I) and w (O, C/groups, *K), but got {input_size} and {weight_size} "
            f"with groups={groups} [C = {input_size[1:2]} must be weight_size[1]·groups]"
        )
    s, p, d = (per_axis(value, ndim) for value in (stride, padding, dilation))
    window = Window(tuple(input_size[2:]), tuple(weight_size[2:]), s, d, tuple((a, a) for a in p), groups)
    sizes = Sizes(input_size[0], input_size[1], weight_size[0], dtype.itemsize, under_settings(window))
    return Choice({map: candidates(map, sizes, dtype) for map in MAPS})
