"""Which algorithm computes a map: the cheapest by an explicit model of cost, or the one that was asked for.

Every map of every layer is decided alone, from sizes, dtype and the accuracy admitted: the cheapest of `ALGORITHMS`
that takes the window and keeps the accuracy.  ``'exact'`` keeps sums over each output's own window only, whatever the
sizes.  Fewer multiplications, by minimal filtering or by Fourier, mix what a window saw with what it did not, and so
wait for ``'fast'``.

All but the matrix products (`direct`) are considered for ordinary eager tensors on the CPU only: traced sizes may be
symbolic, and a branch on one would pin the graph to it.

`candidates` gives the reasons along; `manualconv.choice` prints them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.correlation import (
    clipping,
    depthwise,
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
from manualconv.kernels.correlation.algorithm import Algorithm, NoAnswer
from manualconv.kernels.correlation.cost import MAPS, Sizes
from manualconv.torch_internals import is_plain

#: Every algorithm, by the name it is asked for with; `register` adds to it.
ALGORITHMS: dict[str, Algorithm] = {
    "lowering": lowering,
    "lowering_batch_last": lowering_batch_last,
    "lowering_rows": lowering_rows,
    "shifting": shifting,
    "matrix": matrix,
    "fourier": fourier,
    "overlap_save": overlap_save,
    "winograd": winograd,
    "winograd_dilated": winograd_dilated,
    "clipping": clipping,
    "depthwise": depthwise,
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


def _candidate(name: str, algorithm: Algorithm, map: str, sizes: Sizes, is_small: bool) -> Candidate:
    """An algorithm and its cost.  Whether it refuses is asked last: some import a compiler to know.

    One that gives no answer is not considered: a layer that did not ask for it is computed without it.
    """
    cost, reason = float("inf"), None
    if name not in direct.PRODUCTS and is_small:
        reason = f"the layer is small: matrix products take less than {WORTH_CHOOSING / 1e6:g} ms"
    elif algorithm.accuracy == "fast" and sizes.window.accuracy == "exact":
        reason = "not local: manualconv.accuracy('fast') admits it"
    else:
        try:
            reason = algorithm.refusal(sizes)
            cost = algorithm.cost(map, sizes) if reason is None else cost
        except NoAnswer as error:
            reason = str(error)
    if reason is None and cost == float("inf"):
        reason = "by name only: for such sizes it states no cost"
    return Candidate(name, cost, reason or algorithm.accuracy)


def candidates(map: str, sizes: Sizes) -> list[Candidate]:
    """Every algorithm, cheapest first."""
    is_small = direct.estimate(sizes) < WORTH_CHOOSING
    known = list(ALGORITHMS.items())  # another thread may register one
    return sorted((_candidate(*one, map, sizes, is_small) for one in known), key=lambda found: found.cost)


def chosen(map: str, t: Tensor, other: Tensor, channels: int, outputs: int, window: Window) -> Algorithm:
    """The algorithm for a map that reads t and other.

    Raises:
        RuntimeError: `window.algorithm` was asked for and does not take the window, or is there no more.
    """
    if window.ndim == 0 or not is_plain(t, other):
        # Compiled, mapped and dense layers have one form each; asking for another is no error of theirs.
        return ALGORITHMS[direct.only(window)]
    sizes = Sizes(t.shape[0], channels, outputs, t.dtype, window)
    if window.algorithm is not None:
        return _asked_for(window.algorithm, sizes)
    return ALGORITHMS[cheapest(map, sizes) if t.device.type == "cpu" else direct.preferred(map, sizes)]


@lru_cache(maxsize=1024)
def cheapest(map: str, sizes: Sizes) -> str:
    """The best of all on the CPU, remembered since a layer asks at every step."""
    return candidates(map, sizes)[0].name


def _asked_for(name: str, sizes: Sizes) -> Algorithm:
    """The algorithm of that name, whatever it costs."""
    window, algorithm = sizes.window, ALGORITHMS.get(name)
    if algorithm is None:
        raise RuntimeError(f"algorithm({name!r}) is not registered any more, and this layer's forward asked for it")
    reason = algorithm.refusal(sizes)
    if reason is not None:
        raise RuntimeError(
            f"algorithm({name!r}) does not compute this layer: {reason} [kernel {window.kernel_size}, stride "
            f"{window.stride}, dilation {window.dilation}, groups {window.groups}; without the block one is chosen]"
        )
    return algorithm


@dataclass(frozen=True)
class Choice:
    """The candidates of every map, cheapest first: the first is chosen.  Printed, it is a table."""

    candidates: dict[str, list[Candidate]]

    @classmethod
    def of(cls, sizes: Sizes) -> Choice:
        """What would be chosen for a layer of these sizes."""
        return cls({map: candidates(map, sizes) for map in MAPS})

    def __getitem__(self, map: str) -> str:
        """The name of the algorithm chosen for ``'output'``, ``'input'`` or ``'weight'``."""
        return self.candidates[map][0].name

    def __str__(self) -> str:
        lines = []
        for map, found in self.candidates.items():
            lines.append(f"to_{map}: {found[0].name}")
            for c in found:
                estimate = "not considered" if c.cost == float("inf") else f"{c.cost / 1e6:.3g} ms"
                lines.append(f"    {c.name:20} {estimate:>16}   {c.reason}")
        return "\n".join(lines)
