"""Layers on paper: every number of a small case, forward and backward, and the lines of code that are its equations.

Each topic is a function that takes the small tensors, or has some, runs the layer of `manualconv.functional` on them
by `ran.run`, writes each number as the sum that it is, and returns a `Figure` of words; `ran.listing` says which code
computed them.
"""

from __future__ import annotations

from collections.abc import Callable
from pkgutil import resolve_name

from manualconv.explain.figure import Figure
from manualconv.explain.names import known

#: By topic, the module of this room and its function.
TOPICS = {
    "conv": "convolution:convolution",
    "pool": "pooling:pooling",
    "linear": "dense:linear",
    "activation": "dense:activation",
    "softmax": "probabilities:softmax",
    "cross-entropy": "probabilities:cross_entropy",
    "squared-error": "probabilities:squared_error",
    "batchnorm": "normalization:batch_norm",
    "dropout": "normalization:dropout",
    "subsample": "subsampling:subsampling",
    "shift-add": "signal:shift_add",
    "toeplitz": "matrix:toeplitz_matrix",
    "errata": "errata:errata",
}


def topic(name: str) -> Callable[..., Figure]:
    """The function of a topic.

    Raises:
        ValueError: there is no such topic; the nearest ones are named.
    """
    found: Callable[..., Figure] = resolve_name(f"{__name__}.{TOPICS[known(name, TOPICS, 'topic')]}")
    return found


def worked_example(name: str) -> Figure:
    """A layer with every number of a small case, forward and backward, in the article's letters.

    Args:
        name: one of ``conv``, ``pool``, ``linear``, ``activation``, ``softmax``, ``cross-entropy``, ``squared-error``,
            ``batchnorm``, ``dropout``, ``subsample``, ``shift-add``, ``toeplitz`` and ``errata``.

    Returns:
        A `Figure` whose text ends with the lines of code that are the equations, and with the kernels that ran.

    Raises:
        ValueError: there is no such topic; the nearest ones are named.

    Example:
        >>> "dA[1,1] = -1*1 + 0*0 + 2*0 + 1*3 = 2" in str(worked_example("conv"))
        True
    """
    return topic(name)()
