"""conv_transpose1d, 2d, 3d: integers, complex numbers; floats within the bound of their sums."""

import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions, functional
from manualconv.testing.cases import TransposedConvolution, transposed_convolutions
from manualconv.testing.judge import ROUNDING, error
from manualconv.testing.referee import (
    leaves,
    transposed,
    transposed_by_hand,
)

ANY_DIMENSION = st.sampled_from((2, 1, 3)).flatmap(transposed_convolutions)


@given(case=ANY_DIMENSION)
def test_integer_tensors_are_exact(case: TransposedConvolution) -> None:
    x, w, b, _ = case.tensors(torch.int64)
    y = transposed_by_hand(x, w, b, case)
    assert y.dtype == torch.int64
    assert torch.equal(y.double(), transposed_by_hand(*case.tensors()[:3], case))


@given(case=ANY_DIMENSION)
def test_complex_values_and_gradients_equal_torch(case: TransposedConvolution) -> None:
    parts = zip(case.tensors(), case.tensors(seed=1))
    x, w, b, y_bar = (None if re is None else torch.complex(re.contiguous(), im.contiguous()) for re, im in parts)
    results = []
    for layer in (transposed_by_hand, transposed):
        inputs = leaves(x, w, b)
        y = layer(*inputs, *([None] if b is None else []), case)
        results.append((y, *grad(y, inputs, y_bar)))
    assert all(map(torch.equal, *results))


@given(case=ANY_DIMENSION, dtype=st.sampled_from((torch.float32, torch.float16, torch.bfloat16)))
def test_floats_are_within_the_rounding_of_their_sums(case: TransposedConvolution, dtype: torch.dtype) -> None:
    noise = torch.Generator().manual_seed(case.of.seed)
    x, w, b, y_bar = (
        None if t is None else (t + torch.rand(t.shape, generator=noise)).to(dtype) for t in case.tensors()
    )

    def results(*tensors: Tensor | None) -> list[Tensor]:
        *operands, cotangent = tensors
        inputs = leaves(*operands)
        y = transposed_by_hand(*inputs, *([None] if b is None else []), case)
        return [y.detach(), *grad(y, inputs, cotangent)]

    given_tensors = (x, w, b, y_bar)
    got = results(*given_tensors)
    exact = results(*(None if t is None else t.double() for t in given_tensors))
    scale = results(*(None if t is None else t.double().abs() for t in given_tensors))
    taps = definitions.taps(case.of.window)
    n, _, *size = (1, *x.shape) if case.of.batch is None else x.shape
    positions = n * y_bar.shape[-len(size) :].numel()
    lengths = (case.of.outputs * taps + 1, case.of.channels * taps, n * torch.Size(size).numel(), positions)
    wide = ROUNDING[torch.float32] / ROUNDING[dtype]
    for name, one, reference, total, k in zip(("y", "x", "w", "b"), got, exact, scale, lengths):
        assert one.dtype == dtype
        # The bias gradient is one torch.sum, of whatever accuracy the dtype's sum has.
        bound = 1 + (k + 2) * wide if name != "b" or dtype == torch.float32 else k + 2
        assert error(one, reference, total) <= bound


@given(case=transposed_convolutions(2, symmetric=True), stride=st.integers(1, 2), padding=st.integers(0, 1))
def test_one_number_stands_for_every_axis_as_in_torch(case: TransposedConvolution, stride: int, padding: int) -> None:
    x, w, b, _ = case.tensors()
    x, g = F.pad(x, (1, 1, 1, 1)), case.of.window.groups
    theirs = F.conv_transpose2d(x, w, b, stride, padding, 1, g, 2)
    assert torch.equal(functional.conv_transpose2d(x, w, b, stride, padding, 1, g, 2), theirs)
    pairs = ((padding, padding),) * 2
    assert torch.equal(functional.conv_transpose2d(x, w, b, [stride], pairs, (1, 1), g, (2, 2)), theirs)


def test_output_padding_may_reach_the_stride_while_it_is_below_the_dilation() -> None:
    x, w = torch.arange(6.0).reshape(1, 2, 3), torch.arange(1.0, 5.0).reshape(2, 1, 2)
    ours = functional.conv_transpose1d(x, w, torch.tensor([10.0]), 2, 0, 4, dilation=5)
    assert torch.equal(ours, F.conv_transpose1d(x, w, torch.tensor([10.0]), 2, 0, 4, dilation=5))
    assert ours[0, 0, -4:].tolist() == [10, 10, 10, 10]


def test_padding_may_cut_all_placements_off() -> None:
    x, w = torch.ones(1, 1, 1), torch.ones(1, 1, 1)
    arguments = (torch.tensor([3.0]), 1, 2, 4, 1, 5)
    assert functional.conv_transpose1d(x, w, *arguments).tolist() == F.conv_transpose1d(x, w, *arguments).tolist()


def test_cotangents_in_batches_where_output_padding_alone_moves_the_size() -> None:
    """Nothing is left to crop then: a slice of everything has no rule in the old batching."""
    x, w = torch.arange(4.0).reshape(2, 2, 1).requires_grad_(), torch.arange(4.0).reshape(2, 2, 1).requires_grad_()
    y = functional.conv_transpose1d(x, w, output_padding=1, dilation=2)
    x_bar, w_bar = grad(y, (x, w), torch.ones_like(y).requires_grad_(), create_graph=True)
    for result, inputs in ((y, (x, w)), (x_bar, w), (w_bar, x)):
        cotangents = torch.arange(2.0 * result.numel()).reshape(2, *result.shape)
        got = grad(result, inputs, cotangents, is_grads_batched=True, retain_graph=True)
        alone = [grad(result, inputs, c, retain_graph=True) for c in cotangents]
        assert all(map(torch.equal, got, map(torch.stack, zip(*alone))))
