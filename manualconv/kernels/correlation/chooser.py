"""Which algorithm computes a map: the cheapest by an explicit model of cost, or the one that was asked for.

Every map of every layer is decided alone, from sizes, dtype and the accuracy admitted: the cheapest of the matrix
products (`direct`) and of those in `SPECIAL` that take the window and keep the accuracy.  ``'exact'`` keeps sums over
each output's own window only, whatever the sizes: `clipping` and `loops`.  Fewer multiplications, by minimal filtering
or by Fourier, mix what a window saw with what it did not, and so wait for ``'fast'``.

Special ones are considered for ordinary eager tensors on the CPU only: traced sizes may be symbolic, and a branch on
one would pin the graph to it.

`candidates` gives the reasons along; `manualconv.choice` prints them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import cast

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.correlation import (
    clipping,
    direct,
    fourier,
    loops,
    lowering,
    lowering_batch_last,
    lowering_rows,
    matrix,
    overlap_save,
    shifting,
    winograd,
    winograd_dilated,
)
from manualconv.kernels.correlation.algorithm import Algorithm, Special
from manualconv.kernels.correlation.cost import MAPS as MAPS
from manualconv.kernels.correlation.cost import Sizes
from manualconv.torch_internals import is_plain

#: The matrix products, by the name they are asked for with.
DIRECT: dict[str, ModuleType] = {
    "lowering": lowering,
    "lowering_batch_last": lowering_batch_last,
    "lowering_rows": lowering_rows,
    "shifting": shifting,
    "matrix": matrix,
}
#: The others.
SPECIAL: dict[str, ModuleType] = {
    "fourier": fourier,
    "overlap_save": overlap_save,
    "winograd": winograd,
    "winograd_dilated": winograd_dilated,
    "clipping": clipping,
    "loops": loops,
}


#: A map whose products cost less than this, in nanoseconds, is computed by them: so few calls and copies decide its
#: time that the model of cost cannot tell which algorithm is faster.
WORTH_CHOOSING = 2e5


@dataclass(frozen=True)
class Candidate:
    """An algorithm for one map: what it would cost in nanoseconds, or why it is not considered."""

    name: str
    cost: float
    reason: str


def candidates(map: str, sizes: Sizes, dtype: torch.dtype) -> list[Candidate]:
    """The matrix products as one and every special one, cheapest first."""
    found = [Candidate("direct", direct.cost(sizes), "exact: matrix products of windows")]
    small = found[0].cost < WORTH_CHOOSING
    for name, file in SPECIAL.items():
        algorithm = cast(Special, file)
        reason = algorithm.refusal(sizes) if dtype.is_floating_point else f"no {dtype}"
        if reason is None and small:
            reason = f"the layer is small: matrix products take less than {WORTH_CHOOSING / 1e6:g} ms"
        if reason is None and algorithm.accuracy(sizes) == "fast" and sizes.window.accuracy == "exact":
            reason = "not local: manualconv.accuracy('fast') admits it"
        cost = float("inf") if reason else algorithm.cost(map, sizes)
        found.append(Candidate(name, cost, reason or algorithm.accuracy(sizes)))
    return sorted(found, key=lambda candidate: candidate.cost)


def chosen(map: str, t: Tensor, other: Tensor, channels: int, outputs: int, window: Window) -> Algorithm:
    """The algorithm for a map that reads t and other.

    Raises:
        RuntimeError: `window.algorithm` was asked for and does not take the window.
    """
    if window.ndim == 0 or not (is_plain(t) and is_plain(other)):
        # Compiled, mapped and dense layers have one form each; asking for another is no error of theirs.
        return direct.only(window)
    sizes = Sizes(t.shape[0], channels, outputs, t.element_size(), window)
    if window.algorithm is not None:
        return _asked_for(window.algorithm, sizes, t.dtype)
    return _cheapest(map, sizes, t.dtype, t.device.type)


@lru_cache(maxsize=1024)
def _cheapest(map: str, sizes: Sizes, dtype: torch.dtype, device: str) -> Algorithm:
    """The best of all on the CPU, remembered since a layer asks at every step; a matrix product elsewhere."""
    if device == "cpu" and direct.cost(sizes) >= WORTH_CHOOSING:
        best = candidates(map, sizes, dtype)[0].name
        if best != "direct":
            return cast(Algorithm, SPECIAL[best])
    return direct.chosen(map, sizes)


def _asked_for(name: str, sizes: Sizes, dtype: torch.dtype) -> Algorithm:
    """The algorithm of that name, whatever it costs."""
    window = sizes.window
    if name in DIRECT:
        reason = _refused(name, window)
        file = DIRECT[name]
    else:
        file = SPECIAL[name]
        reason = cast(Special, file).refusal(sizes) if dtype.is_floating_point else f"no {dtype}"
    if reason is not None:
        raise RuntimeError(
            f"algorithm({name!r}) does not compute this layer: {reason} [kernel {window.kernel_size}, stride "
            f"{window.stride}, dilation {window.dilation}, groups {window.groups}; without the block one is chosen]"
        )
    return cast(Algorithm, file)


def _refused(name: str, window: Window) -> str | None:
    """Why a matrix product cannot compute a window."""
    if name == "lowering" and window.groups != 1:
        return "one group only"
    if name == "lowering_rows" and not lowering_rows.takes(window):
        return "two axes or more, one group, dilation 1 along the first axis"
    return "dense layers only" if name == "matrix" else None
