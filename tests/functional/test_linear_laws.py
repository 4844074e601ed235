"""Law L1 of the fully connected layer, whatever computes it; on whole numbers, so that each comparison is exact."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.testing.cases import Convolution, convolutions
from manualconv.testing.cases.tensors import filled
from manualconv.testing.referee import leaves

LAYERS = convolutions(0, groups=(1,))
FACTORS = st.integers(-3, 3)
#: Seven numbers describe a layer of no axes: half the examples are as many kinds.
FEWER = settings(max_examples=max(25, settings.default.max_examples // 2))


def other(case: Convolution) -> tuple[Tensor, Tensor, Tensor]:
    """x, w and cotangent of the case's kind, other ones, with a batch."""
    return case.batched(seed=1)


@FEWER
@given(case=LAYERS, a=FACTORS, b=FACTORS)
def test_l1_it_is_linear_in_its_input_and_in_its_weight_and_a_bias_is_added_to_every_row(
    case: Convolution, a: int, b: int
) -> None:
    (x, w, _), (x2, w2, _) = case.batched(), other(case)
    y = functional.linear(x, w)
    assert torch.equal(functional.linear(a * x + b * x2, w), a * y + b * functional.linear(x2, w))
    assert torch.equal(functional.linear(x, a * w + b * w2), a * y + b * functional.linear(x, w2))
    bias = torch.arange(1, len(w) + 1, dtype=x.dtype) - 2
    assert torch.equal(functional.linear(x, w, bias), y + bias)


@FEWER
@given(case=LAYERS)
def test_l1_its_gradients_are_the_adjoints(case: Convolution) -> None:
    """⟨linear(x, w), ȳ⟩ = ⟨x, x̄⟩ = ⟨w, w̄⟩, and for other x' and w' too: x̄ does not depend on x, nor w̄ on w."""
    (x, w, y_bar), (x2, w2, _) = case.batched(), other(case)
    at = leaves(x, w)
    x_bar, w_bar = grad(functional.linear(*at), at, y_bar)
    assert (functional.linear(x, w) * y_bar).sum() == (x * x_bar).sum() == (w * w_bar).sum()
    assert (functional.linear(x2, w) * y_bar).sum() == (x2 * x_bar).sum()
    assert (functional.linear(x, w2) * y_bar).sum() == (w2 * w_bar).sum()


@FEWER
@given(case=LAYERS)
def test_l1_the_second_derivative_is_the_layer_again(case: Convolution) -> None:
    """∂⟨x̄, v⟩ = linear(v, w) by ȳ, and by w what a weight's gradient is of v."""
    (x, w, y_bar), (v, _, _) = case.batched(), other(case)
    at, cotangent = leaves(x, w), y_bar.clone().requires_grad_()
    (x_bar,) = grad(functional.linear(*at), at[0], cotangent, create_graph=True)
    by_cotangent, by_weight = grad((x_bar * v).sum(), (cotangent, at[1]))
    assert torch.equal(by_cotangent, functional.linear(v, w))
    assert torch.equal(by_weight, y_bar.T @ v)


@FEWER
@given(case=LAYERS, size=st.tuples(st.integers(1, 3), st.integers(1, 4)))
def test_l1_it_is_a_convolution_of_kernel_one(case: Convolution, size: tuple[int, int]) -> None:
    """At every position the same, and from there its gradients: of a weight the sum over all of them."""
    _, w, _ = case.batched()
    generator = torch.Generator().manual_seed(case.seed)
    x = filled("small", (2, w.shape[1], *size), generator).double()
    y_bar = filled("small", (2, w.shape[0], *size), generator).double()
    bias = torch.arange(1, len(w) + 1, dtype=x.dtype) - 2
    results = []
    for layer in (
        lambda x, w, b: functional.linear(x.movedim(1, -1), w, b).movedim(-1, 1),
        lambda x, w, b: functional.conv2d(x, w[:, :, None, None], b),
        lambda x, w, b: F.conv2d(x, w[:, :, None, None], b),
    ):
        at = leaves(x, w.contiguous(), bias)
        y = layer(*at)
        results.append((y, *grad(y, at, y_bar)))
    assert all(map(torch.equal, *results[:2])) and all(map(torch.equal, *results[1:]))


@FEWER
@given(case=LAYERS, lead=st.lists(st.integers(1, 3), max_size=3).map(tuple))
def test_l1_axes_in_front_are_flattened_and_restored(case: Convolution, lead: tuple[int, ...]) -> None:
    _, w, _ = case.batched()
    generator = torch.Generator().manual_seed(case.seed)
    x = filled("small", (*lead, w.shape[1]), generator).double()
    y_bar = filled("small", (*lead, w.shape[0]), generator).double()
    at, rows = leaves(x, w), leaves(x.reshape(-1, w.shape[1]), w)
    y, flat = functional.linear(*at), functional.linear(*rows)
    assert y.shape == (*lead, w.shape[0]) and torch.equal(y, flat.reshape(y.shape))
    (x_bar, w_bar), (rows_bar, flat_w_bar) = grad(y, at, y_bar), grad(flat, rows, y_bar.reshape(flat.shape))
    assert torch.equal(x_bar, rows_bar.reshape(x.shape)) and torch.equal(w_bar, flat_w_bar)


@pytest.mark.parametrize("lead", [(0,), (2, 0), (0, 3), (0, 0)])
def test_l1_of_no_samples_every_gradient_is_a_tensor_of_zeros(lead: tuple[int, ...]) -> None:
    at = leaves(torch.zeros(*lead, 3), torch.ones(2, 3), torch.ones(2))
    y = functional.linear(*at)
    assert y.shape == (*lead, 2)
    bars = grad(y, at, torch.ones_like(y))
    assert all(torch.equal(bar, torch.zeros_like(t)) for bar, t in zip(bars, at, strict=True))
