"""An algorithm of a user's: looked at once when it is registered, and its results whenever it has run."""

from __future__ import annotations

from inspect import signature
from typing import Any

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.correlation.algorithm import ACCURACIES, Algorithm
from manualconv.kernels.correlation.chooser import ALGORITHMS, cheapest
from manualconv.kernels.correlation.cost import Sizes

#: What is called of an algorithm, and with what.
CALLED = {
    "to_output": ("x", "w", "b", "window"),
    "to_input": ("w", "y", "window"),
    "to_weight": ("x", "y", "window"),
    "refusal": ("sizes",),
    "cost": ("map", "sizes"),
}


def register(name: str, algorithm: Algorithm) -> None:
    """Add an algorithm of one's own: ``with manualconv.algorithm(name):`` runs it, `manualconv.choice` lists it.

    Every derivative of a convolution, of any order, is made of the same three maps, so that an algorithm that computes
    them is differentiated as ours are::

        class TapByTap(manualconv.Algorithm):
            def refusal(self, sizes):
                return None if sizes.window.groups == 1 else "one group only"

            def to_output(self, x, w, b, window):
                x, taps = F.pad(x, window.frame), np.ndindex(*window.kernel_size)
                y = sum(torch.einsum("nc...,oc->no...", x[window.tap(k, 2)], w[(..., *k)]) for k in taps)
                return y if b is None else y + b.view(-1, *[1] * window.ndim)

            def to_input(self, w, y, window):
                x = y.new_zeros(y.shape[0], w.shape[1], *window.padded_size)
                for k in np.ndindex(*window.kernel_size):
                    x[window.tap(k, 2)] += torch.einsum("no...,oc->nc...", y, w[(..., *k)])
                return x[window.inner(2)]

            def to_weight(self, x, y, window):
                x, taps = F.pad(x, window.frame), np.ndindex(*window.kernel_size)
                w = [torch.einsum("nc...,no...->oc", x[window.tap(k, 2)], y) for k in taps]
                return torch.stack(w, -1).reshape(*w[0].shape, *window.kernel_size)

        manualconv.register("tap by tap", TapByTap())

    It gets plain tensors, without a graph, half precision widened to float32, and may return a view.  Where it states a
    cost below all others' it is chosen without being asked for.  As all algorithms it computes eager convolutions:
    compiled and dense layers have one form each and keep it.

    Args:
        name: to ask for it with; for good, so that a backward pass finds what its forward ran.
        algorithm: an instance of a class that inherits from `manualconv.Algorithm`, or has the same six names.

    Raises:
        ValueError: a name that is taken, an accuracy that there is not.
        TypeError: a name that is no text, a class, an algorithm that lacks a name or takes other arguments.  From a
            layer: a result that is no tensor, a refusal that is no text, a cost that is no number.
        RuntimeError: from a layer, a result of another shape, dtype or device, or an operand that was written to.
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"register(): name must be a text, as 'tap by tap', but got {name!r}")
    if isinstance(algorithm, type):
        raise TypeError(f"register(): {algorithm.__name__} is a class: register({name!r}, {algorithm.__name__}())")
    for called, arguments in CALLED.items():
        _check_takes(algorithm, called, arguments)
    accuracy = getattr(algorithm, "accuracy", None)
    if accuracy not in ACCURACIES:
        raise ValueError(f"register(): accuracy of an algorithm must be 'exact' or 'fast', but got {accuracy!r}")
    if name in ALGORITHMS:
        raise ValueError(f"register(): there is an algorithm called {name!r}; give yours another name")
    ALGORITHMS[name] = _Registered(name, algorithm)
    cheapest.cache_clear()


def _check_takes(algorithm: object, called: str, arguments: tuple[str, ...]) -> None:
    """Refuse an algorithm that cannot be called so; a callable whose signature cannot be read may be."""
    needed = f"register(): an algorithm needs {called}({', '.join(arguments)})"
    of = type(algorithm).__name__
    rule = getattr(algorithm, called, None)
    if not callable(rule):
        hint = "manualconv.Algorithm, to inherit from, has it" if called in ("refusal", "cost") else "write it"
        raise TypeError(f"{needed}, but {of} has {'none' if rule is None else f'{rule!r}'}; {hint}")
    try:
        taken = signature(rule)
    except (TypeError, ValueError):
        return
    try:
        taken.bind(*arguments)
    except TypeError:
        raise TypeError(f"{needed}, but that of {of} takes {taken}") from None


class _Registered(Algorithm):
    """An algorithm of a user's, asked as ours are."""

    def __init__(self, name: str, algorithm: Algorithm) -> None:
        self._name, self._algorithm, self.accuracy = name, algorithm, algorithm.accuracy

    def refusal(self, sizes: Sizes) -> str | None:
        reason: Any = self._algorithm.refusal(sizes)
        if reason is None or isinstance(reason, str):
            return reason
        raise TypeError(
            f"algorithm({self._name!r}): refusal must return a text, or None if it takes the layer, "
            f"but returned {reason!r}"
        )

    def cost(self, map: str, sizes: Sizes) -> float:
        cost: Any = self._algorithm.cost(map, sizes)
        if isinstance(cost, int | float) and cost == cost:
            return cost
        raise TypeError(f"algorithm({self._name!r}): cost must return nanoseconds, a number, but returned {cost!r}")

    def to_output(self, x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
        return self._run("to_output", (x, w, b), (x.shape[0], w.shape[0], *window.output_size), window)

    def to_input(self, w: Tensor, y: Tensor, window: Window) -> Tensor:
        return self._run("to_input", (w, y), (y.shape[0], w.shape[1] * window.groups, *window.input_size), window)

    def to_weight(self, x: Tensor, y: Tensor, window: Window) -> Tensor:
        size = (y.shape[1], x.shape[1] // window.groups, *window.kernel_size)
        return self._run("to_weight", (x, y), size, window)

    def _run(self, map: str, operands: tuple[Tensor | None, ...], size: tuple[int, ...], window: Window) -> Tensor:
        """The map of operands without a graph, a fresh tensor of that size."""
        plain = [None if t is None else t.detach().resolve_conj().resolve_neg() for t in operands]
        given = [t for t in plain if t is not None]
        versions = [t._version for t in given]
        found: Any = getattr(self._algorithm, map)(*plain, window)
        where = f"algorithm({self._name!r}): {map}"
        if not isinstance(found, Tensor):
            raise TypeError(f"{where} must return a tensor, but returned {type(found).__name__}")
        needed = (size, given[0].dtype, given[0].device, torch.strided)
        got = (tuple(found.shape), found.dtype, found.device, found.layout)
        if got != needed:
            shape, *kinds = (f"{a}" if a == b else f"{a} where {b} is needed" for a, b in zip(got, needed))
            raise RuntimeError(f"{where} returned {shape}, {', '.join(kinds)} [window {window}]")
        if [t._version for t in given] != versions:
            raise RuntimeError(f"{where} wrote to an operand, which other layers read; let it write to a clone")
        memory = {t.untyped_storage().data_ptr() for t in given}
        shared = found._is_view() or found.untyped_storage().data_ptr() in memory
        return found.detach().clone() if shared or found.requires_grad else found
