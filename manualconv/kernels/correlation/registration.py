"""An algorithm of a user's: asked about a few layers when it is registered, its results looked at when it has run."""

from __future__ import annotations

from inspect import signature
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.kernels.correlation.algorithm import ACCURACIES, Algorithm, NoAnswer
from manualconv.kernels.correlation.chooser import ALGORITHMS, cheapest
from manualconv.kernels.correlation.cost import MAPS, Sizes

#: What is called of an algorithm, and with what.
CALLED = {
    "to_output": ("x", "w", "b", "window"),
    "to_input": ("w", "y", "window"),
    "to_weight": ("x", "y", "window"),
    "refusal": ("sizes",),
    "cost": ("map", "sizes"),
}
#: What an algorithm is asked about when it is registered: a layer of one, two and three axes.
PROBES = tuple(
    Sizes(2, 4, 6, torch.float32, Window((8,) * n, (3,) * n, (1,) * n, (1,) * n, ((1, 1),) * n)) for n in (1, 2, 3)
)


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
    compiled and dense layers have one form each and keep it.  `unregister` takes it back.

    Its ``refusal`` and ``cost`` are asked about a few layers at once.  Where one of them fails later, or tells nothing,
    a layer that did not ask for the algorithm is computed by another: `manualconv.choice` says why.

    Args:
        name: to ask for it with.
        algorithm: an instance of a class that inherits from `manualconv.Algorithm`, or has the same six names.

    Raises:
        ValueError: a name that is taken, an accuracy that there is not.
        TypeError: a name that is no text, a class, an algorithm that lacks a name or takes other arguments.  From a
            layer: a result that is no tensor.
        RuntimeError: a refusal that is no text, a cost that is no number from 0 on, an error of either.  From a layer
            that asks for the name: such a refusal, a result of another shape, dtype or device, or an operand that was
            written to.
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
    added = _Registered(name, algorithm)
    for sizes in PROBES:
        if added.refusal(sizes) is None:
            for map in MAPS:
                added.cost(map, sizes)
    ALGORITHMS[name] = added
    cheapest.cache_clear()


def unregister(name: str) -> None:
    """Take back what `register` added: the name is free, and layers are computed without it.

    A backward pass whose forward asked for the name, by ``with manualconv.algorithm(name):``, runs what is registered
    under it by then; nothing is an error.

    Raises:
        ValueError: nothing was registered under that name; what the package has itself stays.
    """
    if not isinstance(ALGORITHMS.get(name), _Registered):
        there = ", ".join(known for known, algorithm in ALGORITHMS.items() if isinstance(algorithm, _Registered))
        raise ValueError(f"unregister(): nothing was registered as {name!r}; there are: {there or 'none'}")
    del ALGORITHMS[name]
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
        reason = self._answer("refusal", sizes)
        if reason is None or isinstance(reason, str):
            return reason
        needed = "must return a text, or None if it takes the layer"
        raise NoAnswer(f"algorithm({self._name!r}): refusal {needed}, but returned {reason!r}")

    def cost(self, map: str, sizes: Sizes) -> float:
        cost = self._answer("cost", map, sizes)
        if isinstance(cost, Real) and float(cost) >= 0:
            return float(cost)
        needed = "must return nanoseconds, a number from 0 on, or inf"
        raise NoAnswer(f"algorithm({self._name!r}): cost {needed}, but returned {cost!r}")

    def _answer(self, asked: str, *about: Any) -> Any:
        """What it says of a layer."""
        try:
            return getattr(self._algorithm, asked)(*about)
        except Exception as error:
            words = f"raised {type(error).__name__}: {error}"
            raise NoAnswer(f"algorithm({self._name!r}): {asked} {words} [window {about[-1].window}]") from error

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
