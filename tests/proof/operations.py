"""The operations that are proved, each as drawn questions: a function of tensors, and what the loops say it gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from manualconv import definitions, functional
from manualconv.testing.cases import (
    Convolution,
    Padding,
    TransposedConvolution,
    adaptive_poolings,
    convolutions,
    paddings,
    poolings,
    transposed_convolutions,
)
from manualconv.testing.cases.averaging import averages
from manualconv.testing.cases.tensors import unshared
from manualconv.testing.laws.convolution.layer import changed
from manualconv.testing.referee import by_hand, transposed_by_hand
from tests.proof import (
    activation,
    adaptive_pooling,
    average_pooling,
    classification_loss,
    dropout,
    entry_loss,
    fractional_pooling,
    max_pooling,
    normalization,
)
from tests.proof.question import FEW, Operation, Question

# ------------------------------------------------------------------------------------------------- convolutions


def _convolved(case: Convolution) -> Question:
    x, w, b, cotangent = case.tensors()
    inputs = (x, w) if b is None else (x, w, b)

    def apply(*tensors: Tensor) -> Tensor:
        return by_hand(*tensors, *([None] if b is None else []), case.window)

    def loops() -> list[Any]:
        x, w, y = (t.numpy() for t in case.batched())
        z = definitions.to_output(x, w, case.window)
        bars = [definitions.to_input(w, y, case.window), definitions.to_weight(x, y, case.window)]
        if b is not None:
            z = definitions.with_bias(z, b.numpy())
            bars.append(definitions.to_bias(y))
        return [z[0], bars[0][0], *bars[1:]] if case.batch is None else [z, *bars]

    return Question(apply, inputs, cotangent, loops)


def _transposed(case: TransposedConvolution) -> Question:
    x, w, b, cotangent = case.tensors()
    inputs = (x, w) if b is None else (x, w, b)

    def apply(*tensors: Tensor) -> Tensor:
        return transposed_by_hand(*tensors, *([None] if b is None else []), case)

    def loops() -> list[Any]:
        y, w, x = (t.numpy() for t in case.of.batched())
        z = definitions.to_input(w, x, case.of.window)
        bars = [definitions.to_output(y, w, case.of.window), definitions.to_weight(y, x, case.of.window)]
        if b is not None:
            z = definitions.with_bias(z, b.numpy())
            bars.append(definitions.to_bias(y))
        return [z[0], bars[0][0], *bars[1:]] if case.of.batch is None else [z, *bars]

    return Question(apply, inputs, cotangent, loops)


def _as_matrix(case: Convolution) -> Question:
    """The product of the convolution's matrix with one sample."""
    case = replace(case, batch=None, biased=False)
    window, of_layer = case.window, _convolved(case)

    def apply(x: Tensor, w: Tensor) -> Tensor:
        numbers = (window.stride, window.padding, window.dilation, window.groups)
        matrix = functional.toeplitz(w, window.input_size, *numbers, layout=torch.strided)
        return (matrix @ x.reshape(-1)).reshape(of_layer.cotangent.shape)

    return replace(of_layer, apply=apply)


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


def _smaller_transposed(case: TransposedConvolution) -> TransposedConvolution:
    return replace(case, of=smaller(case.of))


# ------------------------------------------------------------------------------------ padding, unfold and fold


def _padded(case: Padding) -> Question:
    cotangent = case.cotangent()

    def loops() -> list[Any]:
        x, y = case.input().numpy(), cotangent.numpy()
        if case.mode == "constant":
            back = definitions.constant_pad(y, tuple((-a, -b) for a, b in case.padding))
            results = [definitions.constant_pad(x, case.padding), back]
        else:
            back = definitions.fold_back(y, case.input_size, case.padding, case.mode)
            results = [definitions.extend(x, case.padding, case.mode), back]
        return [t[0] for t in results] if case.batch is None else results

    def apply(x: Tensor) -> Tensor:
        return functional.pad(x, case.frame, case.mode)

    return Question(apply, (case.unbatch(case.input()),), case.unbatch(cotangent), loops)


def _smaller_padding(case: Padding) -> Padding:
    batch = case.batch and 1
    return replace(case, batch=1 if batch == 0 else batch, channels=1, layouts=unshared(case.layouts))


def _unfolded(case: Convolution) -> Question:
    x, _, _ = case.batched()
    window = case.window
    generator = torch.Generator().manual_seed(case.seed)
    size = (x.shape[0], x.shape[1] * definitions.taps(window), torch.Size(window.output_size).numel())
    v = torch.randint(-3, 4, size, generator=generator).to(x.dtype)

    def apply(x: Tensor) -> Tensor:
        return functional.unfold(x, window.kernel_size, window.dilation, window.padding, window.stride)

    def loops() -> list[Any]:
        return [definitions.unfold(x.numpy(), window), definitions.fold(v.numpy(), window)]

    return Question(apply, (x,), v, loops)


def _folded(case: Convolution) -> Question:
    unfolded, window = _unfolded(case), case.window

    def apply(v: Tensor) -> Tensor:
        return functional.fold(v, window.input_size, window.kernel_size, window.dilation, window.padding, window.stride)

    return Question(apply, (unfolded.cotangent,), unfolded.inputs[0], lambda: unfolded.loops()[::-1])


ANY = (2, 1, 3)
OPERATIONS = {
    **{f"conv{n}d": Operation(convolutions(n), smaller, _convolved) for n in (1, 2, 3)},
    **{
        f"conv_transpose{n}d": Operation(transposed_convolutions(n), _smaller_transposed, _transposed)
        for n in (1, 2, 3)
    },
    **{
        f"{name}{n}d": Operation(
            poolings(n, dilated=True),
            lambda case: max_pooling.smaller(case, FEW),
            lambda case, question=question: Question(*question(case)),
        )
        for name, question in (("max_pool", max_pooling.pooled), ("max_unpool", max_pooling.unpooled))
        for n in (1, 2, 3)
    },
    **{
        f"{name}{n}d": Operation(
            averages(n),
            lambda case: average_pooling.smaller(case, FEW),
            lambda case, question=question, exact=exact: Question(*question(case), exact=exact),
        )
        for name, question, exact in (
            ("avg_pool", average_pooling.averaged, True),
            ("lp_pool", average_pooling.normed, False),
            ("subsample", average_pooling.subsampled, True),
        )
        for n in (1, 2, 3)
    },
    "linear": Operation(convolutions(0, groups=(1,)), smaller, _convolved),
    "toeplitz": Operation(st.sampled_from(ANY).flatmap(convolutions), smaller, _as_matrix, seldom=True),
    "unfold": Operation(st.sampled_from(ANY).flatmap(convolutions), smaller, _unfolded),
    "fold": Operation(st.sampled_from(ANY).flatmap(convolutions), smaller, _folded),
    "pad": Operation(
        st.sampled_from(ANY).flatmap(lambda n: paddings(n, modes=("constant", "reflect", "replicate", "circular"))),
        _smaller_padding,
        _padded,
    ),
    **normalization.OPERATIONS,
    "adaptive_avg_pool": Operation(
        st.sampled_from(ANY).flatmap(adaptive_poolings),
        adaptive_pooling.smaller,
        lambda case: Question(*adaptive_pooling.averaged(case)),
    ),
    "adaptive_max_pool": Operation(
        st.sampled_from(ANY).flatmap(adaptive_poolings),
        adaptive_pooling.smaller_distinct,
        lambda case: Question(*adaptive_pooling.highest(case)),
    ),
    **fractional_pooling.OPERATIONS,
    **activation.OPERATIONS,
    **dropout.OPERATIONS,
    **classification_loss.OPERATIONS,
    **entry_loss.OPERATIONS,
}
