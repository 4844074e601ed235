"""Pointwise maps: slopes at known places, far out, and at the kink."""

import math

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad, grad

from manualconv.autograd import ReLU, Sigmoid, Square, Tanh
from manualconv.autograd.power import NonzeroPower, Power, Root

Z = torch.tensor([-1000.0, -2.0, -0.0, 0.0, 0.5, 3.0, 1000.0], dtype=torch.float64)


def logistic(z: float) -> float:
    """1/(1 + e^(−z)) without overflow."""
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


SLOPES = {
    ReLU: lambda z: float(z > 0),
    Sigmoid: lambda z: logistic(z) * (1 - logistic(z)),
    Tanh: lambda z: 1 - math.tanh(z) ** 2,
    Square: lambda z: 2 * z,
}


@pytest.mark.parametrize("function", SLOPES, ids=lambda f: f.__name__)
def test_reverse_and_forward_mode_multiply_by_the_slope(function: type) -> None:
    slope = torch.tensor([SLOPES[function](z) for z in Z.tolist()], dtype=torch.float64)
    cotangent = torch.tensor([3.0, -1.0, 2.0, 5.0, -4.0, 7.0, -2.0], dtype=torch.float64)
    z = Z.clone().requires_grad_()
    (got,) = grad(function.call(z), z, cotangent)
    assert torch.all((got - cotangent * slope).abs() <= 4 * 2**-53 * cotangent.abs())
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(function.call(forward_ad.make_dual(Z, cotangent))).tangent
    assert torch.equal(tangent, got)


@pytest.mark.parametrize("function", SLOPES, ids=lambda f: f.__name__)
def test_a_mapped_axis_changes_nothing(function: type) -> None:
    z = torch.linspace(-2, 2, 24, dtype=torch.float64).reshape(2, 3, 4)
    assert torch.equal(torch.vmap(function.call, 1, 1)(z), function.call(z))


@pytest.mark.parametrize("function", [Sigmoid, Tanh, Square], ids=lambda f: f.__name__)
def test_complex_slopes_are_conjugated_on_the_way_back(function: type) -> None:
    """⟨φ′ ⊙ v, u⟩ = ⟨v, conj(φ′) ⊙ u⟩; φ′ itself by a difference quotient along the real axis."""
    z = torch.complex(torch.linspace(-1, 1, 5), torch.linspace(0.7, -0.9, 5)).to(torch.complex128).requires_grad_()
    v, u = torch.view_as_complex(torch.arange(20.0).double().reshape(2, 5, 2) - 9)
    pushed = torch.func.jvp(function.call, (z.detach(),), (v,))[1]
    (pulled,) = grad(function.call(z), z, u)
    slope = (function.call(z.detach() + 1e-6) - function.call(z.detach() - 1e-6)) / 2e-6
    torch.testing.assert_close(pushed, slope * v, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(pulled, slope.conj() * u, rtol=1e-8, atol=1e-8)


def test_relu_lets_nan_through() -> None:
    z = torch.tensor([float("nan"), 1.0], requires_grad=True)
    y = ReLU.call(z)
    assert y[0].isnan()
    assert torch.equal(grad(y, z, torch.ones(2))[0], torch.ones(2))


@pytest.mark.parametrize("function", [ReLU, Sigmoid, Tanh], ids=lambda f: f.__name__)
def test_the_output_alone_is_saved(function: type) -> None:
    packed: list[Tensor] = []
    z = torch.ones(3, requires_grad=True) * 1
    with torch.autograd.graph.saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
        y = function.call(z)
    assert {t.data_ptr() for t in packed} == {y.data_ptr()}


@pytest.mark.parametrize("exponent", [-0.5, 3.0])
@pytest.mark.parametrize("function", [Power, NonzeroPower, Root], ids=lambda f: f.__name__)
def test_complex_powers_are_conjugated_on_the_way_back(function: type, exponent: float) -> None:
    """⟨φ′ ⊙ v, u⟩ = ⟨v, conj(φ′) ⊙ u⟩."""
    z = torch.complex(torch.linspace(0.5, 2, 5), torch.linspace(0.7, -0.9, 5)).to(torch.complex128).requires_grad_()
    v, u = torch.view_as_complex(torch.arange(20.0).double().reshape(2, 5, 2) - 9)
    slope = exponent * z.detach() ** (exponent - 1)
    pushed = torch.func.jvp(lambda z: function.call(z, exponent), (z.detach(),), (v,))[1]
    (pulled,) = grad(function.call(z, exponent), z, u)
    torch.testing.assert_close(pushed, slope * v)
    torch.testing.assert_close(pulled, slope.conj() * u)


def test_an_undefined_cotangent_meets_no_infinite_slope() -> None:
    z = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    y = torch._C._functions.UndefinedGrad()(Power.call(z, 0.5))
    assert grad(y, z, torch.linspace(1, 2, 3, dtype=torch.float64), allow_unused=True) == (None,)
