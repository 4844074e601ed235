"""A convolution on paper: every product of the forward, of both gradients, and of the bias.

    Z = W ∗ A + b        dA = ∂E/∂A        dW = ∂E/∂W        db = ∂E/∂b        given dZ = ∂E/∂Z

Shapes: A ``(C, *I)``, W ``(O, C/g, *K)``, b ``(O,)``, dZ ``(O, *P)``.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, figures 8, 10 and 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product as pairs

import torch
from torch import Tensor, unravel_index

from manualconv.autograd.correlation import Convolution, TransposedConvolution, WeightCorrelation
from manualconv.autograd.summation import SumToBias
from manualconv.explain import printed
from manualconv.explain.figure import Figure
from manualconv.explain.worked.ran import equation, listing, run, stated
from manualconv.functional import conv1d, conv2d, conv3d
from manualconv.functional.convolution import Padding
from manualconv.functional.refusals.convolution import toeplitz_window
from manualconv.geometry import Axes, Numbers, Window
from manualconv.kernels.correlation import rotation
from manualconv.kernels.matrix.toeplitz import entries

CONVOLUTIONS = {1: conv1d, 2: conv2d, 3: conv3d}
A, W, b = torch.arange(1.0, 10).reshape(1, 3, 3), torch.tensor([[[[1.0, 2], [0, -1]]]]), torch.tensor([10.0])
DZ = torch.tensor([[[1.0, 0], [0, 3]]])

WORDS = """\
  letters    article  code   what it is
             A        x      input, (C, *I): channels, then positions
             W        w      weight, (O, C/groups, *K): output channels, channels of a group, taps
             b        b      bias, (O,)
             Z        y      output, (O, *P)
             dZ       ȳ      the cotangent of Z: ∂E/∂Z of a loss E, in the shape of Z; the layer above sends it back
             dA       x̄      what this layer sends back: x̄ is dA, the cotangent of A
             dW       w̄      the cotangent of W, by which the weight is updated
             db       b̄      the cotangent of b
  positions  i = s*p + d*k - a     output position p reads input position i through tap k; s stride, d dilation,
             a padding on the left; all count from 0, one number an axis; a tap outside of the input reads 0
  slots      T(A, W, Z) = sum A[i] * W[k] * Z[p] over all that meet: one form with three slots, a tensor in each.
             Put the cotangent dZ into the slot of Z.  Then empty the slot of A: that is dA.  Empty that of W: dW"""


def convolution(
    A: Tensor = A,
    W: Tensor = W,
    b: Tensor = b,
    dZ: Tensor = DZ,
    stride: Numbers = 1,
    padding: Padding = 0,
    dilation: Numbers = 1,
    groups: int = 1,
) -> Figure:
    """Every number of a small convolution, forward and backward.

    Args:
        A: input ``(C, *I)``, of one to three positions' axes.
        W: weight ``(O, C/groups, *K)``.
        b: bias ``(O,)``.
        dZ: the cotangent of Z, ``(O, *P)``.
        stride, padding, dilation, groups: as of `manualconv.functional.conv2d`.

    Returns:
        A `Figure` of words alone: `manualconv.functional`'s numbers, each with the sum that it is.

    Raises:
        RuntimeError: sizes that do not fit, as the convolution says it.
    """
    window = toeplitz_window(W, tuple(A.shape[1:]), stride, padding, dilation, groups)
    conv = CONVOLUTIONS[window.ndim]
    done = run(lambda x, w, b: conv(x, w, b, stride, padding, dilation, groups), (A, W, b), dZ)
    numbers = [t.double() for t in (A, W, b, done.output, dZ, *done.gradients)]
    source = [*map(equation, (Convolution, TransposedConvolution, WeightCorrelation, SumToBias))]
    source.append(stated(rotation, "w̃[(g c), o, k′] · ỹ"))
    lines = [*_described(numbers, window), *_channels(), *listing(source, done)]
    return Figure("a convolution, forward and backward", "\n".join(lines))


def _described(numbers: list[Tensor], window: Window) -> Iterator[str]:
    A, W, b, Z, dZ, dA, dW, _ = numbers
    yield f"convolution, forward and backward: Z = W * A + b, {_settings(window)}"
    yield WORDS
    yield from printed.beside(("A", A), ("W", W), ("b", b), ("dZ", dZ))
    yield from _sums(numbers, window)
    yield "  slots      all three are T with the cotangent in the slot of Z, so one number comes out three times"
    without = Z - b.reshape(-1, *(1,) * window.ndim)
    for name, one, other in (("<Z - b, dZ>", without, dZ), ("<A, dA>", A, dA), ("<W, dW>", W, dW)):
        yield printed.equal(name, printed.number((one * other).sum()))
    if all(s == 1 for s in window.stride):
        yield "  rotated    at stride 1 dA is also the full convolution of dZ with W turned by 180 degrees"
        turned = rotation.rotated(W, window.groups)
        yield from printed.beside(("W turned", turned), ("dA", rotation.to_input(W, dZ[None], window)[0]))


def _settings(window: Window) -> str:
    pads = ", ".join(f"{a}+{b}" for a, b in window.padding)
    stride, dilation = ("x".join(map(str, axes)) for axes in (window.stride, window.dilation))
    return f"stride {stride}, padding {pads}, dilation {dilation}, groups {window.groups}"


def _sums(numbers: list[Tensor], window: Window) -> Iterator[str]:
    """Which products each number adds: one entry of the convolution's matrix is one product, three times."""
    A, W, b, Z, dZ, dA, dW, db = numbers
    rows, columns, weights = entries(len(W), W.shape[1], window, W.device)
    triples = list(zip(rows.tolist(), columns.tolist(), weights.tolist()))
    z, a, w, dz = Z.flatten(), A.flatten(), W.flatten(), dZ.flatten()
    yield "  forward    Z[p] = b + sum_k W[k] * A[i]"
    for n in range(len(z)):
        at = _at(n, Z.shape)
        terms = [printed.number(b[at[0]]), *(printed.product(w[k], a[i]) for p, i, k in triples if p == n)]
        yield printed.line("Z", _short(at, Z.shape), terms, z[n])
    yield "  backward   dA[i] = sum W[k] * dZ[p]      every product that A[i] was part of, with dZ[p] in its place"
    for n, value in enumerate(dA.flatten()):
        terms = [printed.product(w[k], dz[p]) for p, i, k in triples if i == n]
        yield printed.line("dA", _short(_at(n, dA.shape), dA.shape), terms, value)
    yield "             dW[k] = sum A[i] * dZ[p]      one weight meets every output"
    for n, value in enumerate(dW.flatten()):
        terms = [printed.product(a[i], dz[p]) for p, i, k in triples if k == n]
        yield printed.line("dW", _short(_at(n, dW.shape), dW.shape, 2), terms, value)
    yield "             db = sum_p dZ[p]              a sum, never a mean: the mean lives in the loss"
    for o, value in enumerate(db):
        yield printed.line("db", (o,), map(printed.number, dZ[o].flatten()), value)


def _at(n: int, shape: Axes) -> tuple[int, ...]:
    return tuple(int(axis) for axis in unravel_index(torch.tensor(n), shape))


def _short(at: tuple[int, ...], shape: Axes, lead: int = 1) -> tuple[int, ...]:
    """Without those of the `lead` axes in front of the positions that have one entry only."""
    return tuple(i for axis, (i, size) in enumerate(zip(at, shape)) if axis >= lead or size > 1)


def _channels(groups: int = 2, inputs: int = 2, outputs: int = 1) -> Iterator[str]:
    """Who sees whom: read off a 1x1 convolution of that many groups."""
    yield "  channels   (g c) is channel c of group g, number g*C/groups + c of all; so is (g o) among the outputs"
    yield f"    {groups} groups, {groups * inputs} input and {groups * outputs} output channels:"
    window = Window((1,), (1,), stride=(1,), dilation=(1,), padding=((0, 0),), groups=groups)
    rows, columns, _ = entries(groups * outputs, inputs, window, torch.device("cpu"))
    for g, o in pairs(range(groups), range(outputs)):
        row = g * outputs + o
        seen = [int(column) for column in columns[rows == row]]
        names = ", ".join(f"({n // inputs} {n % inputs})" for n in seen)
        yield f"    (g o) ({g} {o}), number {row}, reads (g c) {names}, numbers {', '.join(map(str, seen))}"
