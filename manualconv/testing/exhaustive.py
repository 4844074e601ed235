"""A complete proof for one small configuration: every basis vector against every other.

A layer that is linear in each of its tensors is a table of numbers.  With e_i, e_j and e_p the basis vectors of x, w
and y, and T the trilinear form of a convolution,

    y(e_i, e_j)[p]  =  dX(w = e_j, ȳ = e_p)[i]  =  dW(x = e_i, ȳ = e_p)[j]  =  T[i, j, p]

*Theorem.*  Two bilinear maps that agree on all pairs of basis vectors agree everywhere: by linearity in each argument,
f(Σ a_i e_i, Σ b_j e_j) = Σ a_i b_j f(e_i, e_j).  The value is bilinear in (x, w), dX in (w, ȳ), dW in (x, ȳ), so three
rounds over pairs prove all three; a linear layer needs two rounds over single vectors, a bias one more.  That the
implementation *is* linear in each tensor is the theorem's condition, and a matter of the laws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manualconv import definitions
from manualconv.geometry import Window, per_axis, sides, window_of_output
from manualconv.testing.adapters import adapted, bound

Shape = tuple[int, ...]
Array = definitions.Array


def _convolution(x: Array, w: Array, b: Array | None, of: dict[str, Any]) -> Array:
    stride, dilation = (per_axis(of[name], w.ndim - 2) for name in ("stride", "dilation"))
    padding = sides(of["padding"], w.shape[2:], dilation)
    window = Window(x.shape[2:], w.shape[2:], stride, dilation, padding, of["groups"])
    return definitions.conv(x, w, b, window)


def _transposed(x: Array, w: Array, b: Array | None, of: dict[str, Any]) -> Array:
    stride, dilation, more = (per_axis(of[name], w.ndim - 2) for name in ("stride", "dilation", "output_padding"))
    padding = sides(of["padding"], w.shape[2:], dilation)
    window = window_of_output(x.shape[2:], w.shape[2:], stride, dilation, padding, of["groups"], more)
    return definitions.conv_transpose(x, w, b, window)


def _linear(x: Array, w: Array, b: Array | None, of: dict[str, Any]) -> Array:
    return definitions.linear(x, w, np.zeros(len(w)) if b is None else b)


def _mean(x: Array, w: Array | None, b: Array | None, of: dict[str, Any]) -> Array:
    axes = x.ndim - 2
    kernel = per_axis(of["kernel_size"], axes)
    stride = kernel if of["stride"] is None else per_axis(of["stride"], axes)
    window = Window(x.shape[2:], kernel, stride, (1,) * axes, sides(of["padding"], kernel, (1,) * axes))
    more = of["ceil_mode"], of["count_include_pad"], of.get("divisor_override")
    return definitions.avg_pool(x, window, definitions.divisors(window, *more))


def _adaptive(x: Array, w: Array | None, b: Array | None, of: dict[str, Any]) -> Array:
    size = per_axis(of["output_size"], x.ndim - 2)
    return definitions.adaptive_avg_pool(x, tuple(i if o is None else o for i, o in zip(x.shape[2:], size)))


#: Of each operation its definition, and how many axes its tensors have: x, w and b, or x alone.
DEFINITIONS: dict[str, tuple[Callable[..., Array], tuple[int, ...]]] = {
    "linear": (_linear, (2, 2, 1)),
    **{f"conv{n}d": (_convolution, (n + 2, n + 2, 1)) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": (_transposed, (n + 2, n + 2, 1)) for n in (1, 2, 3)},
    **{f"avg_pool{n}d": (_mean, (n + 2,)) for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": (_adaptive, (n + 2,)) for n in (1, 2, 3)},
}
NAMES = ("X", "W", "b")


def exhaustive_basis(
    implementation: Any, operation: str, *shapes: Shape, dtype: torch.dtype = torch.float64, **options: Any
) -> int:
    """Prove the value and all first gradients of a (bi)linear layer in one configuration.

    Args:
        implementation: what ``manualconv check`` takes: a function, a `torch.autograd.Function`, a `torch.nn.Module`
            class, a `manualconv.testing.Pair`.
        operation: ``conv1d/2d/3d``, ``conv_transpose1d/2d/3d``, ``linear``, ``avg_pool1d/2d/3d`` or
            ``adaptive_avg_pool1d/2d/3d``.
        shapes: of x ``(N, C, *I)``, w and, if it is wanted, b; of a pooling x alone.  Small: a convolution is called
            ``|x|·|w| + max(|x|, |w|)`` times, and differentiated ``max(|x|, |w|)·|y|`` times.
        dtype: of the tensors.
        options: torch's, as ``stride=2``.

    Returns:
        How many numbers were compared.

    Raises:
        AssertionError: the first number that is wrong, with the basis vectors that show it.
        ValueError: an operation without such a proof, shapes that do not fit, an implementation of no known kind.

    Example:
        >>> from torch.nn.functional import conv1d
        >>> exhaustive_basis(conv1d, "conv1d", (1, 1, 5), (1, 1, 2), (1,), stride=2)
        102
    """
    if operation not in DEFINITIONS:
        raise ValueError(f"{operation!r} has no proof by basis vectors; there are: {', '.join(DEFINITIONS)}")
    definition, axes = DEFINITIONS[operation]
    least = min(len(axes), 2)
    if not least <= len(shapes) <= len(axes) or any(len(s) != n for s, n in zip(shapes, axes)):
        needed = ", ".join(f"{name} with {n} axes" for name, n in zip(NAMES, axes))
        raise ValueError(f"the shapes {shapes} came; {operation} takes {needed}{' or without b' * (least > 1)}")
    zeros = [torch.zeros(shape, dtype=dtype) for shape in shapes]
    form, shift = _table(definition, bound(operation, tuple(zeros), options), shapes)
    proof = _Proof(adapted(implementation, operation), shapes, dtype, options, form, shift)
    return proof.values() + proof.gradients()


def _table(definition: Any, of: dict[str, Any], shapes: Sequence[Shape]) -> tuple[Array, Array]:
    """The definition's numbers: of all basis vectors of x and w, ``(|x|, |w|, *y)``, and of b, ``(|b|, *y)``."""
    x, w, b = (np.zeros(s) if s else None for s in [*shapes, (), ()][:3])
    units = [_units(shape) for shape in shapes]
    of_w = units[1] if len(units) > 1 else [w]
    form = np.stack([np.stack([definition(e, f, b, of) for f in of_w]) for e in units[0]])
    return form, np.stack([definition(x, w, e, of) for e in units[2]] if len(units) > 2 else [0 * form[0, 0]])


def _units(shape: Shape) -> Array:
    return np.eye(prod(shape)).reshape(-1, *shape)


class _Proof:
    """An implementation beside the definition's numbers."""

    def __init__(
        self, apply: Any, shapes: Sequence[Shape], dtype: torch.dtype, options: Any, form: Array, shift: Array
    ) -> None:
        self.units = [torch.from_numpy(_units(shape)).to(dtype) for shape in shapes]
        self.zeros = [torch.zeros(shape, dtype=dtype) for shape in shapes]
        self.form, self.shift = (torch.from_numpy(t) for t in (form, shift))
        self.call: Callable[..., Tensor] = lambda *tensors: apply(*tensors, **options)

    def values(self) -> int:
        """Of all pairs, and of every basis vector of b beside zeros."""
        compared = 0
        for i, e in enumerate(self.units[0]):
            for j in range(self.form.shape[1]):
                tensors = [e, *(t[j] for t in self.units[1:2]), *self.zeros[2:]]
                compared += self.same("y", self.call(*tensors), self.form[i, j], tensors)
        for k, e in enumerate(self.units[2] if len(self.units) > 2 else ()):
            tensors = [*self.zeros[:2], e]
            compared += self.same("y", self.call(*tensors), self.shift[k], tensors)
        return compared

    def gradients(self) -> int:
        """By every pair of a tensor and a cotangent, two tensors at once."""
        compared, (n, m) = 0, self.form.shape[:2]
        for k in range(max(n, m)):
            i, j = k % n, k % m
            leaves = [t.clone().requires_grad_() for t in (*self.at(i, j), *self.zeros[2:])]
            y = self.call(*leaves)
            for p, at in enumerate(np.ndindex(*y.shape)):
                cotangent = torch.zeros_like(y).index_put([torch.tensor(q) for q in at], torch.ones((), dtype=y.dtype))
                found = torch.autograd.grad(y, leaves, cotangent, retain_graph=True)
                for name, g, expected in zip(NAMES, found, self.expected(i, j, p)):
                    compared += self.same(f"d{name}", g, expected.reshape(g.shape), [*leaves, cotangent])
        return compared

    def at(self, i: int, j: int) -> Iterator[Tensor]:
        """Two basis vectors, or one."""
        return (units[n] for units, n in zip(self.units[:2], (i, j)))

    def expected(self, i: int, j: int, p: int) -> list[Tensor]:
        """What the gradients are."""
        form, shift = self.form.flatten(2), self.shift.flatten(1)
        return [form[:, j, p], form[i, :, p], shift[:, p]][: len(self.units)]

    def same(self, slot: str, got: Tensor, expected: Tensor, tensors: Sequence[Tensor]) -> int:
        """How many numbers are compared: whole ones exactly, shares within two roundings."""
        if got.shape != expected.shape:
            raise AssertionError(f"{slot} has the shape {tuple(got.shape)}, should have {tuple(expected.shape)}")
        room = 2 * torch.finfo(got.dtype).eps * expected.abs() * (expected != expected.round())
        wrong = ~((got.detach().double() - expected).abs() <= room)
        if wrong.any():
            place = tuple(wrong.nonzero()[0].tolist())
            names = [*NAMES[: len(self.units)], "the cotangent"]
            ones = ", ".join(f"{name}{t.nonzero()[0].tolist()}" for name, t in zip(names, tensors) if t.any())
            numbers = f"is {float(got[place]):g}, should be {float(expected[place]):g}"
            raise AssertionError(f"{slot} is wrong where only {ones} is 1: {slot}{list(place)} {numbers}")
        return got.numel()
