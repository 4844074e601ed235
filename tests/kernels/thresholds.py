"""Every threshold of the kernels, and layers just below and just above it.

A kernel promises the same on both sides of a number that decides between two ways to compute.  `CROSSINGS` names each
such number, what is compared with it, and two layers whose quantities lie on its two sides; sizes are searched for, so
that they move with the number.  `OTHERS` names the numbers that decide nothing about a sum, each with the reason: a
constant that stands in neither table is one that somebody added and no law looks at.
"""

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from math import prod
from pkgutil import walk_packages

import torch

import manualconv.kernels
from manualconv.geometry import Window
from manualconv.kernels.compiling import is_installed
from manualconv.kernels.correlation import direct, loops
from manualconv.kernels.correlation.chooser import candidates, cheapest
from manualconv.kernels.correlation.cost import MAPS, Sizes


@dataclass(frozen=True)
class Layer:
    """A convolution: N, C, O, the window of what is left, and the bytes of a number."""

    batch: int
    channels: int
    outputs: int
    window: Window
    item: int = 4

    @property
    def dtype(self) -> torch.dtype:
        """Of its tensors."""
        return {4: torch.float32, 8: torch.float64}[self.item]

    @property
    def sizes(self) -> Sizes:
        """What the chooser is asked with."""
        return Sizes(self.batch, self.channels, self.outputs, self.dtype, self.window)

    @property
    def algorithms(self) -> list[str]:
        """What computes its three maps."""
        if self.window.algorithm is not None:
            return [self.window.algorithm] * 3
        return [cheapest(map, self.sizes) for map in MAPS]

    @property
    def without_loops(self) -> list[str]:
        """What would compute them where there is no Numba."""
        return [next(c.name for c in candidates(map, self.sizes) if c.name != "loops") for map in MAPS]


Quantity = Callable[[Layer], float]


@dataclass(frozen=True)
class Crossing:
    """A threshold, a quantity that is compared with it, and a layer as a function of one size.

    `moves` says whether another algorithm computes the layer beyond it, or would without Numba; else the same one goes
    another way.
    """

    quantity: Quantity
    layer: Callable[[int], Layer]
    moves: bool = True


#: Every file of the kernels by its own name, whatever room it stands in; those for Numba where it is.
FILES = {
    module.name.rpartition(".")[2]: import_module(module.name)
    for module in walk_packages(manualconv.kernels.__path__, "manualconv.kernels.")
    if not module.ispkg and (is_installed() or not re.search(r"\.(compiled_\w+|code_cache)$", module.name))
}


def value(name: str) -> float:
    """The number behind ``module.NAME``, where more words may follow after a comma."""
    module, _, constant = name.partition(",")[0].rpartition(".")
    return float(getattr(FILES[module], constant))


#: Thresholds that still belong to the side below.
INCLUSIVE = {
    "direct.LARGEST_BLOCK",
    "direct.LARGE_WEIGHTS",
    "lowering.BLOCK_BYTES",
    "loops.FRAME",
    "loops.LARGEST_FRAME",
    "loops.RUN",
}


def sides(name: str) -> tuple[Layer, Layer]:
    """The last layer below a threshold and the first beyond it."""
    crossing, limit = CROSSINGS[name], value(name)

    def is_below(size: int) -> bool:
        found = crossing.quantity(crossing.layer(size))
        return found <= limit if name.partition(",")[0] in INCLUSIVE else found < limit

    low, high = 1, 2
    while is_below(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return crossing.layer(low), crossing.layer(high)


def _line(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1) -> Window:
    """A window on a signal."""
    return Window((size,), (kernel,), (stride,), (dilation,), ((padding, padding),), groups)


def _plane(size: tuple[int, int], kernel: int, stride: int = 1, padding: int = 0, groups: int = 1) -> Window:
    """A window on an image."""
    return Window(size, (kernel, kernel), (stride, stride), (1, 1), ((padding, padding),) * 2, groups)


def _image_bytes(layer: Layer) -> float:
    return layer.sizes.image_bytes


def _batch_bytes(layer: Layer) -> float:
    return layer.batch * _image_bytes(layer)


def _row_bytes(layer: Layer) -> float:
    return layer.sizes.row_bytes


def _row(layer: Layer) -> float:
    return layer.window.output_size[-1]


def _cost(layer: Layer) -> float:
    return direct.estimate(layer.sizes)


def _frame(layer: Layer) -> float:
    """Bytes that the whole padded input of a group would take."""
    return layer.channels / layer.window.groups * prod(layer.window.padded_size) * layer.item


#: The loops by name, where there are any; elsewhere what the chooser takes.
LOOPS = "loops" if is_installed() else None
by_loops = replace(_plane((15, 16), 3, 2, 1, 16), algorithm=LOOPS)
CROSSINGS: dict[str, Crossing] = {
    "direct.LARGEST_BLOCK": Crossing(
        _image_bytes, lambda n: Layer(1, 33, 2, Window((64, 2 * n), (9, 9), (2, 2), (1, 1), ((4, 4), (4, 4))), 8)
    ),
    "direct.LARGEST_BLOCK, in groups": Crossing(
        _batch_bytes, lambda n: Layer(n, 66, 4, _plane((24, 24), 5, 2, groups=2), 8)
    ),
    "direct.LARGEST_BLOCK, in rows": Crossing(
        _row_bytes, lambda n: Layer(n, 33, 2, Window((90, 20), (3, 7), (2, 2), (1, 1), ((1, 1), (3, 3))), 8)
    ),
    "direct.LARGEST_BLOCK, one image in groups": Crossing(
        _image_bytes, lambda n: Layer(1, 66, 4, Window((64, n), (9, 9), (2, 8), (1, 1), ((4, 4), (4, 4)), 2), 8)
    ),
    "direct.LARGE_WEIGHTS": Crossing(
        lambda layer: layer.channels * layer.outputs * layer.window.taps * layer.item,
        lambda n: Layer(8, 64, n, _plane((4, 4), 3, padding=1), 8),
    ),
    "direct.SHORT_ROW": Crossing(_row, lambda n: Layer(8, 9, 8, _plane((9, 2 * n + 1), 3, 2))),
    "direct.SHORT_ROW, one image in groups": Crossing(
        _row, lambda n: Layer(1, 18, 16, _plane((9, 2 * n + 1), 3, 2, groups=2)), moves=False
    ),
    "direct.MANY_IMAGES": Crossing(lambda layer: layer.batch, lambda n: Layer(n, 9, 8, _plane((9, 9), 3, 2))),
    "direct.MANY_IMAGES, twice": Crossing(
        lambda layer: layer.batch / 2, lambda n: Layer(n, 16, 4, Window((3, 20), (2, 2), (1, 1), (1, 1), ((0, 0),) * 2))
    ),
    "direct.SHORT_ROW, channels": Crossing(
        lambda layer: layer.channels, lambda n: Layer(16, n, 4, Window((3, 20), (2, 2), (1, 1), (1, 1), ((0, 0),) * 2))
    ),
    "direct.SHORT_ROW, four times": Crossing(
        lambda layer: _row(layer) / 4,
        lambda n: Layer(16, 16, 1, Window((2, n + 1), (2, 2), (1, 1), (1, 1), ((0, 0), (0, 0)))),
    ),
    "lowering.BLOCK_BYTES": Crossing(_batch_bytes, lambda n: Layer(n, 9, 8, _plane((45, 45), 5, 2)), moves=False),
    "lowering.BLOCK_BYTES, of one image": Crossing(
        _image_bytes, lambda n: Layer(2, 9, 8, _plane((45, 2 * n + 5), 5, 2)), moves=False
    ),
    "lowering.LOOPED": Crossing(
        lambda layer: layer.sizes.image_bytes / layer.item,
        lambda n: Layer(1, n, 9, _plane((11, 12), 3, 2, 1)),
        moves=False,
    ),
    "chooser.WORTH_CHOOSING": Crossing(
        _cost, lambda n: Layer(1, 9, n, Window((9, 8), (3, 3), (1, 1), (9, 9), ((9, 9), (9, 9))))
    ),
    "chooser.WORTH_CHOOSING, depthwise": Crossing(
        _cost, lambda n: Layer(2, n, n, _plane((12, 13), 3, padding=1, groups=n)), moves=False
    ),
    "chooser.WORTH_CHOOSING, dense": Crossing(_cost, lambda n: Layer(1, n, 24, _plane((14, 14), 3, padding=1))),
    "chooser.WORTH_CHOOSING, a long kernel": Crossing(
        _cost, lambda n: Layer(1, 2, 2, _line(n, 64, padding=63), 8), moves=False
    ),
    "depthwise.STRIP": Crossing(
        lambda layer: layer.batch * layer.channels * layer.window.placements * layer.item,
        lambda n: Layer(n, 24, 24, replace(_plane((31, 30), 3, 2, 1, 24), algorithm="depthwise"), 8),
        moves=False,
    ),
    "loops.FRAME": Crossing(
        _frame, lambda n: Layer(2, 6, 7, replace(_plane((30, n + 2), 3), algorithm=LOOPS)), moves=False
    ),
    "loops.LARGEST_FRAME": Crossing(
        lambda layer: max(loops._bands(map, layer.sizes)[2] for map in MAPS),
        lambda n: Layer(1, n, 8, Window((33, 33), (2, 3), (1, 1), (16, 4), ((8, 8), (4, 4)))),
    ),
    "loops.SHARES": Crossing(
        lambda layer: layer.batch, lambda n: Layer(n, 3, 5, replace(_plane((24, 15), 3), algorithm=LOOPS)), moves=False
    ),
    "loops.RUN": Crossing(
        lambda layer: 2 * layer.window.padded_size[1],
        lambda n: Layer(2, 3, 5, replace(_plane((6, n + 3), 3), algorithm=LOOPS)),
        moves=False,
    ),
    "compiled_sums.VECTOR": Crossing(
        lambda layer: _row(layer) * layer.item,
        lambda n: Layer(2, 3, 7, replace(_plane((7, n + 2), 3), algorithm=LOOPS)),
        moves=False,
    ),
    "compiled_correlation.CHUNKS": Crossing(
        lambda layer: layer.batch / 2,
        lambda n: Layer(n, 3, 5, replace(_plane((9, 8), 3), algorithm=LOOPS)),
        moves=False,
    ),
    "compiling.SHARED": Crossing(
        lambda layer: loops._work("output", layer.sizes), lambda n: Layer(n, 16, 32, by_loops), moves=False
    ),
}
#: Layers well beyond all of them, for which a special algorithm is the cheapest, of the default or of the fast tier.
LARGE: dict[str, Layer] = {
    "depthwise": Layer(2, 64, 64, _plane((40, 41), 3, padding=1, groups=64)),
    "depthwise, stride 2": Layer(2, 64, 64, _plane((40, 41), 3, 2, 1, groups=64), 8),
    "depthwise, 31x31": Layer(1, 8, 8, _plane((40, 41), 31, padding=15, groups=8)),
    "depthwise, one-sided padding": Layer(
        3, 4, 8, Window((9, 12), (3, 2), (2, 1), (1, 2), ((1, 2), (0, 1)), 4, algorithm=LOOPS), 8
    ),
    "depthwise, of volumes": Layer(1, 24, 24, Window((6, 14, 15), (3,) * 3, (1,) * 3, (1,) * 3, ((1, 1),) * 3, 24)),
    "narrow groups": Layer(2, 64, 64, _plane((28, 28), 3, padding=1, groups=16)),
    "dilated": Layer(1, 32, 32, Window((33, 33), (3, 3), (1, 1), (12, 12), ((12, 12), (12, 12)))),
    "dilated by 2": Layer(1, 96, 96, Window((48, 48), (3, 3), (1, 1), (2, 2), ((2, 2), (2, 2)))),
    "3x3 of many channels": Layer(2, 64, 64, _plane((28, 28), 3, padding=1)),
    "3x3 of many images": Layer(8, 48, 48, _plane((14, 14), 3, padding=1), 8),
    "5x5": Layer(1, 48, 64, _plane((24, 24), 5)),
    "of volumes": Layer(1, 32, 32, Window((6, 14, 14), (3,) * 3, (1,) * 3, (1,) * 3, ((1, 1),) * 3)),
    "a kernel as long as the signal": Layer(1, 16, 16, _line(512, 512, padding=511, groups=16)),
    "a long kernel between channels": Layer(1, 8, 9, _line(1024, 256)),
    "a long kernel on a longer signal": Layer(1, 1, 1, _line(4096, 256), 8),
}

#: Thresholds of other kernels than convolution's, which have laws of their own: see `test_locality`.
POOLING = (
    *("doubling.BLOCK", "doubling.COLUMNS", "doubling.MOVING", "frames.PAIRS"),
    *(
        "compiled_strided.MOST",
        "compiled_vectors.LANES",
        "maximum.LARGE",
        "selection.LARGE",
        "summation.LARGE",
        "summation.SMALL",
        "summation.THREADS",
    ),
)
POINTWISE = ("pointwise.SMALL", "pointwise.LARGE")

OTHERS = {
    **dict.fromkeys(("cost.RATE", "cost.COPY", "cost.CALL", "cost.WIDE", "cost.COLUMNS"), "rates of the model of cost"),
    **dict.fromkeys(("depthwise.TAP", "depthwise.ROW"), "rates, too"),
    **dict.fromkeys(("loops.TAP", "loops.LONE_TAP", "loops.SUMMING"), "rates, too"),
    **dict.fromkeys(
        ("loops.BLOCK", "loops.BLOCKS", "compiled_loops.BEYOND", "compiled_sums.SUMS"), "sizes of what is in registers"
    ),
    **dict.fromkeys(
        ("maximum.ENTRY", "selection.ENTRY", "summation.ENTRY", "pointwise.ENTRY", "compiling.COMPILING"), "rates, too"
    ),
    **dict.fromkeys(("lowering.ADDING",), "a rate, too"),
    **dict.fromkeys(("maximum.TAP", "maximum.ADDED", "maximum.CLEARED"), "rates, too"),
    **dict.fromkeys(("frames.BLOCK", "maximum.BLOCK"), "planes at a time: the tests in `pooling` make them small"),
    **dict.fromkeys(
        ("fourier.TRANSFORM", "fourier.SPECTRUM", "fourier.PLAN", "fourier.SHARE", "overlap_save.PERIODS"), "fast tier"
    ),
    **dict.fromkeys(("overlap_save.SEGMENT", "spectra.BLOCK_BYTES", "spectra.LEAST_BYTES"), "fast tier"),
    **dict.fromkeys(("winograd.SMALL_TILE", "winograd.FAST_TILE", "winograd.BLOCK_BYTES", "winograd.A"), "fast tier"),
    **dict.fromkeys(("winograd.PASSES", "winograd.B", "winograd.G"), "fast tier"),
    **dict.fromkeys(
        [f"compiled_{room}.{name}" for room in ("maximum", "summation") for name in ("ROWS", "FRAME")], "rows of memory"
    ),
    "beforehand.KERNELS": "layers that are compiled for",
    "compiling.OLDEST": "a version",
    "taps.REMEMBERED": "the same numbers, remembered or not",
    "residuals.LOWEST": "a number of the definition",
    "residuals.LEAST": "a number of the definition",
}

if not is_installed():  # no layer crosses a threshold of the loops
    LOOPS_ALONE = ("loops.FRAME", "loops.LARGEST_FRAME", "loops.SHARES", "loops.RUN", "compiling.SHARED")
    OTHERS |= dict.fromkeys(LOOPS_ALONE, "no Numba here")
    CROSSINGS = {name: c for name, c in CROSSINGS.items() if name not in OTHERS and not name.startswith("compiled_")}
    OTHERS = {name: why for name, why in OTHERS.items() if not name.startswith("compiled_")}
    POOLING = tuple(name for name in POOLING if not name.startswith("compiled_"))


def constants() -> set[str]:
    """``module.NAME`` of every number, and table of numbers, that a file of the kernels gives a name to."""
    found = set()
    for stem, module in FILES.items():
        for statement in ast.parse(inspect.getsource(module)).body:
            targets = getattr(statement, "targets", [getattr(statement, "target", None)])
            names = [n.id for target in targets if target for n in ast.walk(target) if isinstance(n, ast.Name)]
            found |= {f"{stem}.{name}" for name in names if _is_number(getattr(module, name, None))}
    return found


def _is_number(v: object) -> bool:
    if isinstance(v, dict | tuple):
        return bool(v) and all(map(_is_number, v.values() if isinstance(v, dict) else v))
    return isinstance(v, int | float)
