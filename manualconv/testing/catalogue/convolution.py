"""Convolution, transposed convolution, the matrix of a convolution, and the layer of zero spatial axes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv import definitions
from manualconv.geometry import Window, window_of_output
from manualconv.testing.cases import Convolution, TransposedConvolution, convolutions, transposed_convolutions
from manualconv.testing.cases.tensors import unshared
from manualconv.testing.catalogue.operation import Example, Layer, Operation, grown
from manualconv.testing.catalogue.places import Places, along_channels, collected, flat, window_of
from manualconv.testing.catalogue.question import FEW, Apply, Proof, Question, Shape, call
from manualconv.testing.laws.convolution.layer import changed
from manualconv.testing.referee import in_window, transposed_in_window

ANY = st.sampled_from((2, 1, 3)).flatmap(convolutions)
#: Fully connected.
LINEAR = convolutions(0, groups=(1,))

# ---------------------------------------------------------------------------------------------- in plain arithmetic


@cache
def _terms(batch: int, channels: int, outputs: int, window: Window, size: Shape) -> Places:
    """The terms of T(x, w, y) as flat places in x, w and y, whose last positions may be left out."""
    x_size = (batch, channels, *window.input_size)
    w_size = (outputs, channels // window.groups, *window.kernel_size)
    y_size = (batch, outputs, *size)
    terms = [
        (flat(at_x, x_size), flat(at_w, w_size), flat(at_y, y_size))
        for at_x, at_w, at_y in definitions.terms(batch, channels, outputs, window)
        if all(p < s for p, s in zip(at_y[2:], size))
    ]
    in_x, in_w, in_y = torch.tensor(terms, dtype=torch.int64).reshape(-1, 3).unbind(1)
    return in_x, in_w, in_y


def _convolution(stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Apply:
    """x, w, b → y."""

    def apply(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        window = replace(window_of(tuple(x.shape[2:]), tuple(w.shape[2:]), stride, padding, dilation), groups=groups)
        size = definitions.output_size(window)
        in_x, in_w, in_y = _terms(x.shape[0], x.shape[1], w.shape[0], window, size)
        terms = x.reshape(-1)[in_x] * w.reshape(-1)[in_w]
        return collected(terms, in_y, (x.shape[0], w.shape[0], *size)) + along_channels(b, window.ndim)

    return apply


def _transposed(stride: Shape, padding: Shape, output_padding: Shape, groups: int, dilation: Shape) -> Apply:
    """y, w, b → x: the adjoint of the convolution whose weight is w ``(O, C/g, *K)``."""

    def apply(y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        # More room on the right is an output longer by as much.
        frame = tuple((p, p - more) for p, more in zip(padding, output_padding))
        window = window_of_output(tuple(y.shape[2:]), tuple(w.shape[2:]), stride, dilation, frame, groups)
        window = replace(window, padding=tuple((p, p) for p in padding))
        in_x, in_w, in_y = _terms(y.shape[0], w.shape[1] * groups, w.shape[0], window, tuple(y.shape[2:]))
        size = (y.shape[0], w.shape[1] * groups, *window.input_size)
        return collected(y.reshape(-1)[in_y] * w.reshape(-1)[in_w], in_x, size) + along_channels(b, window.ndim)

    return apply


def _linear(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return (x.unsqueeze(-2) * w).sum(-1) + b


# --------------------------------------------------------------------------------------------------- on drawn cases


def _asked(case: Convolution, of: Any, tensors: Any, forth: Any, back: Any, at: tuple[int, int, int]) -> Question:
    """A layer of x and w: of the arrays x, w, y those `at` its input, weight and cotangent."""
    inputs = [t for t in tensors[:3] if t is not None]

    def loops() -> list[Any]:
        arrays = [t.numpy() for t in case.batched()]
        x, w, y = (arrays[n] for n in at)
        b = inputs[2].numpy() if case.biased else None
        results = [forth(x, w, b, case.window), *back(x, w, y, case.window)][: 1 + len(inputs)]
        return [t[0] if n < 2 and case.batch is None else t for n, t in enumerate(results)]

    def apply(library: Any) -> Apply:
        return lambda x, w, b=None: of(library, x, w, b)

    return Question(apply, tuple(inputs), tensors[3], loops)


def convolved(case: Convolution) -> Question:
    """Values and the three gradients."""
    forth: Any = definitions.conv
    back: Any = definitions.conv_gradients
    if case.window.ndim == 0:
        forth = lambda x, w, b, _: definitions.linear(x, w, np.zeros(len(w)) if b is None else b)  # noqa: E731
        back = lambda x, w, y, _: definitions.linear_gradients(x, w, y)  # noqa: E731

    def of(library: Any, x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        return in_window(library, x, w, b, case.window)

    return _asked(case, of, case.tensors(), forth, back, (0, 1, 2))


def in_sequences(case: Convolution) -> Question:
    """A fully connected layer of two sequences of other numbers: x ``(2, N, C)``, y ``(2, N, O)``."""
    (x, w, y), (x_2, _, y_2), b = case.batched(), case.batched(seed=1), case.tensors()[2]
    x, y = torch.stack([x, x_2]), torch.stack([y, y_2])
    inputs = tuple(t for t in (x, w, b) if t is not None)

    def loops() -> list[Any]:
        rows, weight, cotangents = x.flatten(0, 1).numpy(), w.numpy(), y.flatten(0, 1).numpy()
        z = definitions.linear(rows, weight, np.zeros(len(weight)) if b is None else b.numpy())
        x_bar, *bars = definitions.linear_gradients(rows, weight, cotangents)
        return [z.reshape(y.shape), x_bar.reshape(x.shape), *bars[: len(inputs) - 1]]

    return Question(call("linear"), inputs, y, loops)


def transposed(case: TransposedConvolution) -> Question:
    """Values and the three gradients."""

    def of(library: Any, x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        return transposed_in_window(library, x, w, b, case)

    maps = definitions.conv_transpose, definitions.conv_transpose_gradients
    return _asked(case.of, of, case.tensors(), *maps, (2, 1, 0))


def as_matrix(case: Convolution) -> Question:
    """The product of the convolution's matrix with one sample."""
    case = replace(case, batch=None, biased=False)
    window, of_layer = case.window, convolved(case)
    numbers = (window.stride, window.padding, window.dilation, window.groups)

    def of(library: Any) -> Apply:
        matrix = call("toeplitz", window.input_size, *numbers, layout=torch.strided)(library)
        return lambda x, w: (matrix(w) @ x.reshape(-1)).reshape(of_layer.cotangent.shape)

    return replace(of_layer, of=of)


def smaller(case: Convolution) -> Convolution:
    """The same convolution with as few placements, samples and channels as make its tensors small."""
    window = case.window
    least = tuple(min(p, 2) for p in window.output_size)
    sizes = tuple(i - s * (p - q) for i, s, p, q in zip(window.input_size, window.stride, window.output_size, least))
    # A padding wider than what is left of the input needs its placements.
    sizes = tuple(i if j < 1 else j for i, j in zip(window.input_size, sizes))
    case = changed(case, input_size=sizes, layouts=unshared(case.layouts))
    for fewer in ({}, {"batch": 1}, {"outputs": 1}, {"channels": 1}, {"groups": 1}):
        case = changed(case, **({} if case.batch is None and "batch" in fewer else fewer))
        if case.batch != 0 and sum(torch.Size(shape).numel() for shape in case.shapes) <= FEW:
            break
    return case if case.batch != 0 else replace(case, batch=1)


# -------------------------------------------------------------------------------------------------- the operations


Arguments = tuple[Any, ...]


def _operation(n: int, x: Shape, w: Shape, arguments: Arguments, layer: Arguments, lazy: Arguments) -> Operation:
    """A convolution, or a transposed one, whose arguments are one more; of a module and its lazy form, too."""
    turned = len(arguments) > 4
    name, module = (f"conv_transpose{n}d", f"ConvTranspose{n}d") if turned else (f"conv{n}d", f"Conv{n}d")
    plain: Apply = (_transposed if turned else _convolution)(*arguments)
    example = Example(name, (x, w, (w[1] * arguments[3] if turned else w[0],)), arguments, plain=plain)
    proof = Proof(convolutions(n), smaller, convolved)
    if turned:
        proof = Proof(transposed_convolutions(n), lambda case: replace(case, of=smaller(case.of)), transposed)
    layers = (Layer(module, layer, x, twin=True), Layer(f"Lazy{module}", lazy, x, prepared=grown(x)))
    return Operation(name, {name: replace(example, multilinear=True)}, layers, {name: proof})


OPERATIONS = (
    _operation(
        *(1, (2, 4, 8), (6, 2, 3), ((2,), (1,), (2,), 2)),
        *((4, 6, 3, 2, 1, 2, 2), (6, 3, 2, 1, 2, 2)),
    ),
    _operation(
        *(2, (2, 4, 4, 5), (4, 2, 3, 2), ((2, 1), (1, 2), (1, 2), 2)),
        *((4, 6, (3, 2), (2, 1), (1, 2), (1, 2), 2), (6, (3, 2), (2, 1), (1, 2))),
    ),
    _operation(
        *(3, (2, 2, 3, 3, 2), (4, 1, 2, 1, 2), ((1, 2, 1), (0, 1, 2), (2, 1, 3), 2)),
        *((2, 4, (2, 1, 3), (1, 2, 1), (0, 1, 2), 1, 2), (4, (2, 1, 2), (1, 2, 1))),
    ),
    _operation(
        *(1, (2, 4, 3), (4, 3, 3), ((3,), (1,), (2,), 2, (2,))),
        *((4, 6, 3, 3, 1, 2, 2, True, 2), (6, 3, 2, 1, 1, 2)),
    ),
    _operation(
        *(2, (2, 4, 3, 4), (4, 2, 3, 2), ((2, 1), (1, 2), (1, 0), 2, (1, 3))),
        *((4, 6, (3, 2), (2, 1), (1, 2), (1, 0), 2, True, (1, 3)), (6, (3, 2), (2, 1))),
    ),
    _operation(
        *(3, (2, 2, 2, 2, 3), (2, 2, 2, 1, 2), ((1, 2, 1), (0, 1, 1), (1, 1, 0), 2, (2, 1, 1))),
        *((2, 4, (2, 1, 2), (1, 2, 1), (0, 1, 1), (0, 1, 0), 2), (4, (2, 1, 3))),
    ),
    Operation(
        "toeplitz",
        {
            "toeplitz": Example(
                *("toeplitz", ((2, 2, 3, 2),), ((4, 3), (2, 1), (1, 2), (1, 2), 2), {"layout": torch.strided}),
                multilinear=True,
                compared=False,
            )
        },
        proofs={"toeplitz": Proof(ANY, smaller, as_matrix, seldom=True)},
    ),
    Operation(
        "linear",
        {"linear": Example("linear", ((2, 3, 4), (3, 4), (3,)), plain=_linear, multilinear=True)},
        (
            Layer("Linear", (5, 3), (2, 4, 5), twin=True),
            Layer("LazyLinear", (3,), (2, 4, 5), prepared=grown((2, 4, 5))),
        ),
        {
            "linear": Proof(LINEAR, smaller, convolved),
            "linear, sequences": Proof(LINEAR, smaller, in_sequences, seldom=True),
        },
        autocast={"linear without bias": Example("linear", ((3, 5), (4, 5)))},
    ),
    Operation(
        "flatten",
        {"flatten": Example("flatten", ((2, 3, 2, 2),), (1, 2), multilinear=True, compared=False)},
        (Layer("Flatten", (2,), (2, 3, 4, 2)),),
        rows={"flatten": Example("flatten", ((2, 3, 2),), (1,), plain=lambda x: x.reshape(x.shape[0], -1))},
    ),
)
