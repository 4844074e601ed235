"""batch_norm and instance_norm: the loops' values, torch's in every mode, statistics kept as torch keeps them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import grad

from manualconv import functional
from tests import definitions
from tests.layers import spread_out
from tests.referee import first_gradients, leaves, second_gradients
from tests.strategies import Normalization, normalizations

KEPT = normalizations(kinds=("batch", "instance"))


def near(ours: Any, theirs: Any) -> None:
    """Equal up to the order of float64 additions, third powers of 1/√ε among their factors."""
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@given(case=KEPT)
def test_values_and_gradients_equal_the_loops(case: Normalization) -> None:
    inputs = leaves(case.input(), *case.parameters())
    x, given = inputs[0], iter(inputs[1:])
    weight, bias = (next(given) if there else None for there in case.affine)
    y = case.apply(functional, x, weight, bias)
    ones = torch.ones(case.parameter_shape).double()
    gamma = (ones if weight is None else weight).detach().numpy()
    beta = (0 * ones if bias is None else bias).detach().numpy()
    x_hat = definitions.standardize(x.detach().numpy(), case.key, case.eps)
    near(y, torch.from_numpy(definitions.scale_and_shift(x_hat, gamma, beta, case.place)))
    g = case.cotangent()
    back = definitions.scale_and_shift_gradients(x_hat, gamma, g.numpy(), case.place)
    x_bar = definitions.standardize_gradient(x.detach().numpy(), back[0], case.key, case.eps)
    expected = [x_bar, *(bar for bar, there in zip(back[1:], case.affine) if there)]
    near(list(grad(y, inputs, g)), [torch.from_numpy(t) for t in expected])


@given(case=KEPT, training=st.booleans(), kept=st.booleans(), momentum=st.sampled_from((0.1, 0.5, 0.0, 1.0, -0.3)))
def test_two_orders_and_running_statistics_are_torch_s(
    case: Normalization, training: bool, kept: bool, momentum: float
) -> None:
    kept = kept or not training
    if case.kind == "instance":  # torch's has no answer for no samples
        case = replace(case, shape=(case.shape[0] or 1, *case.shape[1:]))
    results = []
    for library in (functional, F):
        inputs = leaves(case.input(), *case.parameters())
        given = iter(inputs[1:])
        weight, bias = (next(given) if there else None for there in case.affine)
        mean, variance = (
            (spread_out(case.shape[1:2], 3), 0.5 + spread_out(case.shape[1:2], 4).abs()) if kept else (None, None)
        )
        if library is F and weight is None and bias is not None:
            weight = torch.ones_like(bias)  # torch's second derivative takes no β without γ
        layer = library.batch_norm if case.kind == "batch" else library.instance_norm
        y = layer(inputs[0], mean, variance, weight, bias, training, momentum, case.eps)
        # torch misreads a cotangent whose steps are (1, 2, 2, 2); the loops judge ours on every layout.
        cotangent = case.cotangent()
        cotangent = (cotangent.contiguous() if library is F else cotangent).clone().requires_grad_()
        first = first_gradients(y, inputs, cotangent)
        # In evaluation without γ the gradient is a constant times the cotangent, which alone is differentiated then.
        second = second_gradients(first, [*inputs, cotangent], [case.cotangent(), *(t + 1 for t in inputs[1:])])
        results.append((y, *first, *second, mean, variance))
    near(*results)
