"""What a block of code asks of the kernels: an algorithm by name, and the accuracy admitted.

Both belong to a thread and are read where a layer's forward runs; its window carries them from there, so that a
backward pass after the block is computed as its forward was.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from dataclasses import replace

from manualconv.geometry import Window
from manualconv.kernels.correlation.algorithm import ACCURACIES
from manualconv.kernels.correlation.chooser import ALGORITHMS

_Setting = tuple[str | None, str]


class _Settings(threading.local):
    """The settings that this thread is inside of, outermost first."""

    def __init__(self) -> None:
        # Not a default of the class: Dynamo would not notice a block entered after it has compiled the first layer.
        self.stack: tuple[_Setting, ...] = ((None, _default[0]),)


_default = ["exact"]
_settings = _Settings()


class _Block(AbstractContextManager[None]):
    """A ``with`` block under a setting."""

    def __init__(self, algorithm: str | None = None, accuracy: str | None = None) -> None:
        self._algorithm, self._accuracy = algorithm, accuracy

    def __enter__(self) -> None:
        algorithm, accuracy = _settings.stack[-1]
        _settings.stack = (*_settings.stack, (self._algorithm or algorithm, self._accuracy or accuracy))

    def __exit__(self, *_: object) -> None:
        _settings.stack = _settings.stack[:-1]


def algorithm(name: str) -> AbstractContextManager[None]:
    """Compute the convolutions of a block by one algorithm: ``with manualconv.algorithm("fourier"):``.

    Forward, backward and further derivatives of what runs in the block use it, also after the block.  Compiled layers
    have one form and keep it; a mapped one (``vmap``) is folded into one layer, which must be taken.  The name decides,
    whatever `accuracy` admits: ``'fourier'``, ``'overlap_save'``, ``'winograd'`` and ``'winograd_dilated'`` are not
    local, all others are.

    Args:
        name: of a file in `manualconv.kernels.correlation`, or `manualconv.register`'s.  ``'lowering_batch_last'`` and
            ``'shifting'`` take every window, ``'lowering'`` one group or one image, ``'lowering_rows'`` one group on
            two axes or more without dilation along the first; ``'clipping'``, ``'fourier'`` and ``'overlap_save'``
            stride 1; ``'winograd'`` and, with dilation, ``'winograd_dilated'`` short kernels of one group at stride 1;
            ``'depthwise'`` one channel and one output a group; ``'loops'`` what fits in caches, with Numba;
            ``'matrix'`` no convolution, but dense layers, which have no other.

    Raises:
        ValueError: no algorithm of that name; RuntimeError, from the layer: it does not compute such a window.
    """
    if name not in ALGORITHMS:
        raise ValueError(f"no algorithm is called {name!r}: there are {', '.join(ALGORITHMS)}")
    return _Block(algorithm=name)


def _checked(tier: str) -> str:
    if tier not in ACCURACIES:
        raise ValueError(f"accuracy must be 'exact' or 'fast', but got {tier!r}")
    return tier


def accuracy(tier: str) -> AbstractContextManager[None]:
    """Say in a block how exact convolutions are: ``with manualconv.accuracy("fast"):``.

    ``'exact'``, the default, is direct: each output is a sum over its own window, in some order.  Small integers give
    exact results.  NaN, infinity and rounding stay in the windows that saw them, forward and in every derivative: an
    empty window gives zeros, and no gradient flows back from a causal layer's future.  The relative L2 error of every
    result is within twice that of torch's own kernels.

    ``'fast'`` also admits minimal filtering (Winograd) and Fourier transforms, which multiply less.  They are not
    local: one NaN may reach the whole output, and zeros may become small numbers.  The relative L2 error of each output
    tensor is within 20 times torch's own in float32, and within 1e-12 in float64.

    Raises:
        ValueError: another tier.
    """
    return _Block(accuracy=_checked(tier))


def set_accuracy(tier: str) -> None:
    """Set `accuracy` from now on, in this thread and in threads that start later.

    Raises:
        ValueError: another tier.
    """
    _default[0] = _checked(tier)
    _settings.stack = tuple((name, tier) for name, _ in _settings.stack)


def under_settings(window: Window) -> Window:
    """The window with the settings of the code that runs now."""
    asked, tier = _settings.stack[-1]
    return window if asked is None and tier == "exact" else replace(window, algorithm=asked, accuracy=tier)
