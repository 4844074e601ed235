"""A convolution as a matrix: A·x is the layer, Aᵀ·y its input gradient; its counts and its norm."""

from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from manualconv import definitions
from manualconv.functional import connections, spectral_norm, toeplitz
from manualconv.testing.cases import Convolution, convolutions

ANY_DIMENSION = st.sampled_from((2, 1, 3, 0)).flatmap(convolutions)
BETA = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")


def arguments(case: Convolution) -> tuple[object, ...]:
    """What stands behind the weight."""
    window = case.window
    padding = window.padding if window.ndim else 0
    return window.input_size, window.stride or 1, padding, window.dilation or 1, window.groups


@BETA
@pytest.mark.parametrize("ndim", [0, 1, 2, 3])
@given(data=st.data())
def test_the_product_is_the_layer_and_the_transpose_s_is_the_input_gradient(ndim: int, data: st.DataObject) -> None:
    case = data.draw(convolutions(ndim))
    layout = data.draw(st.sampled_from((torch.sparse_coo, torch.sparse_csr, torch.strided)))
    x, w, y = case.batched()
    a = toeplitz(w, *arguments(case), layout=layout)
    assert a.layout == layout
    z = definitions.to_output(x.numpy(), w.numpy(), case.window)
    x_bar = definitions.to_input(w.numpy(), y.numpy(), case.window)
    for n in range(len(x)):
        assert torch.equal(a @ x[n].reshape(-1), torch.from_numpy(z[n]).reshape(-1))
        # A CSR matrix transposed is CSC, which torch multiplies by matrices only.
        assert torch.equal((a.t() @ y[n].reshape(-1, 1)).reshape(-1), torch.from_numpy(x_bar[n]).reshape(-1))


@given(case=ANY_DIMENSION)
def test_the_three_layouts_hold_one_matrix(case: Convolution) -> None:
    _, w, _ = case.batched(torch.int64)
    a = toeplitz(w, *arguments(case))
    assert a.is_coalesced() and a.dtype == torch.int64
    again = torch.sparse_coo_tensor(a.indices(), a.values(), a.shape, check_invariants=True).coalesce()
    assert torch.equal(again.indices(), a.indices()) and torch.equal(again.values(), a.values())
    assert torch.equal(a.to_dense(), toeplitz(w, *arguments(case), layout=torch.strided))


@given(case=ANY_DIMENSION)
def test_counts_equal_the_matrix_s(case: Convolution) -> None:
    w = torch.arange(1, torch.Size(case.shapes[1]).numel() + 1).reshape(case.shapes[1])
    a = toeplitz(w, *arguments(case)).to_dense()
    counted = connections(w, *arguments(case))
    assert (counted.rows, counted.columns) == a.shape
    assert counted.nonzeros == int((a != 0).sum())
    assert counted.weights == len(a[a != 0].unique())
    assert torch.equal(counted.uses_of_inputs.flatten(), (a != 0).sum(0))
    assert torch.equal(counted.uses_of_weights.flatten(), torch.bincount(a.flatten(), minlength=w.numel() + 1)[1:])
    assert counted.density == counted.nonzeros / a.numel()


def test_the_article_s_figure_nine() -> None:
    """Neurons 1-9, weights I-IV, outputs A-D: sparse connections and shared weights."""
    w = torch.tensor([[[[1.0, 2], [3, 4]]]])
    a = toeplitz(w, (3, 3))
    assert a.to_dense().tolist() == [
        [1, 2, 0, 3, 4, 0, 0, 0, 0],
        [0, 1, 2, 0, 3, 4, 0, 0, 0],
        [0, 0, 0, 1, 2, 0, 3, 4, 0],
        [0, 0, 0, 0, 1, 2, 0, 3, 4],
    ]
    counted = connections(w, (3, 3))
    assert (counted.rows, counted.columns, counted.nonzeros, counted.weights) == (4, 9, 16, 4)
    assert counted.uses_of_inputs.flatten().tolist() == [1, 2, 1, 2, 4, 2, 1, 2, 1]
    assert counted.uses_of_weights.flatten().tolist() == [4, 4, 4, 4]
    assert counted.density == 16 / 36


def test_a_weight_of_value_zero_is_a_connection_and_one_that_meets_padding_only_is_none() -> None:
    w = torch.tensor([[[0.0, 5.0, 7.0]]])
    assert toeplitz(w, (3,)).values().tolist() == [0, 5, 7]
    counted = connections(w, (1,), padding=1)
    assert (counted.nonzeros, counted.weights) == (1, 1)
    assert counted.uses_of_weights.tolist() == [[[0, 1, 0]]]


def whole(w: Tensor, case: Convolution) -> float:
    """numpy's norm of the whole matrix."""
    matrix = toeplitz(w, *arguments(case)).to_dense().numpy()
    return float(np.linalg.norm(matrix, 2)) if matrix.size else 0.0


@given(case=ANY_DIMENSION, dtype=st.sampled_from((torch.float64, torch.complex128)))
def test_the_norm_equals_numpy_s_decomposed_and_iterated(case: Convolution, dtype: torch.dtype) -> None:
    w = torch.randn(case.shapes[1], dtype=dtype, generator=torch.Generator().manual_seed(case.seed))
    expected = whole(w, case)
    with mock.patch.dict(spectral_norm.__globals__, {"SMALL": 10**9}):  # a few draws are larger than what is decomposed
        assert spectral_norm(w, *arguments(case)) == pytest.approx(expected, rel=1e-12)
    with mock.patch.dict(spectral_norm.__globals__, {"SMALL": 0}):
        assert spectral_norm(w, *arguments(case), tolerance=1e-9) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_matrix_too_large_to_form_is_iterated_within_the_tolerance() -> None:
    """A circular convolution's norm is its symbol's maximum; a window inside one stays below it and comes near."""
    w = torch.randn((8, 3, 3, 3), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    symbols = torch.fft.fft2(w, s=(40, 40)).permute(2, 3, 0, 1)
    bound = float(torch.linalg.matrix_norm(symbols, ord=2).max())
    got = spectral_norm(w, (40, 40), padding=1)
    assert 0.98 * bound < got < bound
    assert spectral_norm(w, (40, 40), padding=1, tolerance=1e-10) == pytest.approx(got, rel=1e-6)
    with mock.patch.dict(spectral_norm.__globals__, {"SMALL": 10**9}):
        assert spectral_norm(w, (8, 10), padding=1) == pytest.approx(
            np.linalg.norm(toeplitz(w, (8, 10), padding=1).to_dense().numpy(), 2), rel=1e-12
        )
    with pytest.raises(RuntimeError, match="has not converged: after 5 steps"):
        spectral_norm(w, (40, 40), padding=1, steps=5)


def test_nothing_has_norm_zero() -> None:
    assert spectral_norm(torch.zeros(2, 3, 2), (4,)) == 0
    assert spectral_norm(torch.zeros(2, 0, 2), (4,)) == 0
    with mock.patch.dict(spectral_norm.__globals__, {"SMALL": 0}):
        assert spectral_norm(torch.zeros(2, 3, 2), (4,)) == 0


@pytest.mark.parametrize("function", [toeplitz, connections, spectral_norm])
def test_errors_name_the_rule(function) -> None:
    w = torch.ones(4, 1, 3, 3)
    cases = [
        (([1.0], (3,)), {}, TypeError, "weight is a list: torch.as_tensor makes a Tensor"),
        ((w, 3), {}, TypeError, "input_size must be a tuple of spatial sizes, got 3"),
        ((w, (5, 5)), {"stride": 1.5}, TypeError, "must be an int, or a tuple of ints"),
        ((w.to_sparse(), (5, 5)), {}, RuntimeError, "weight must be a dense strided tensor"),
        ((w, (5,)), {}, RuntimeError, r"Expected 2 spatial sizes for 4-dimensional weight \[4, 1, 3, 3\]"),
        ((w, (5, 5)), {"groups": 3}, RuntimeError, r"groups must divide weight.shape\[0\], and 4 mod 3 = 1"),
        ((w, (5, 2)), {}, RuntimeError, r"d\*\(k-1\)\+1 <= i\+lo\+hi is needed .* k=\(3, 3\), d=\(1, 1\), i=\(5, 2\)"),
        ((w, (5, 5)), {"stride": 0}, RuntimeError, "non-positive stride is not supported"),
    ]
    for args, kwargs, kind, words in cases:
        with pytest.raises(kind, match=words):
            function(*args, **kwargs)


def test_another_layout_is_refused() -> None:
    with pytest.raises(ValueError, match=r"layout must be torch\.sparse_coo, torch\.sparse_csr or torch.strided"):
        toeplitz(torch.ones(1, 1, 1), (1,), layout=torch.sparse_csc)
