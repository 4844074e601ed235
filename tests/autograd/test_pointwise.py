"""Pointwise maps, those of losses too: slopes at known places, far out, and at the kinks."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad, grad

from manualconv.autograd import (
    Absolute,
    Clip,
    Huber,
    LogSigmoid,
    ReLU,
    Sigmoid,
    Square,
    Tanh,
)
from manualconv.autograd.power import NonzeroPower, Power, Root

FAR = (-1000.0, -2.0, -0.0, 0.0, 0.5, 3.0, 1000.0)
#: With the bends of Huber's loss and of a clip.
BENT = (-1000.0, -2.0, -0.7, -0.0, 0.0, 0.5, 0.7, 3.0, 1000.0)


def _power(function: Any, exponent: float, z: Tensor) -> Tensor:
    y: Tensor = function.call(z, exponent)
    return y


def logistic(z: float) -> float:
    """1/(1 + e^(−z)) without overflow."""
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


#: A map, its slope, how many roundings both may be apart, and where.
MAPS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[float], float], int, tuple[float, ...]]] = {
    "ReLU": (ReLU.call, lambda z: float(z > 0), 4, FAR),
    "Sigmoid": (Sigmoid.call, lambda z: logistic(z) * (1 - logistic(z)), 4, FAR),
    "Tanh": (Tanh.call, lambda z: 1 - math.tanh(z) ** 2, 4, FAR),
    "Square": (Square.call, lambda z: 2 * z, 4, FAR),
    "Absolute": (Absolute.call, lambda r: (r > 0) - (r < 0), 8, BENT),
    "Huber": (lambda r: Huber.call(r, 0.7, 2.0), lambda r: min(max(r, -0.7), 0.7) / 2, 8, BENT),
    "Clip": (lambda r: Clip.call(r, 0.7, 1.3), lambda r: float(abs(r) < 0.7) / 1.3, 8, BENT),
    "LogSigmoid": (LogSigmoid.call, lambda z: math.exp(-z) / (1 + math.exp(-z)) if z > -700 else 1.0, 8, BENT),
}


@pytest.mark.parametrize(("apply", "slope", "roundings", "places"), MAPS.values(), ids=MAPS)
def test_reverse_and_forward_mode_multiply_by_the_slope(
    apply: Callable[[Tensor], Tensor], slope: Callable[[float], float], roundings: int, places: tuple[float, ...]
) -> None:
    slopes = torch.tensor([slope(z) for z in places], dtype=torch.float64)
    cotangent = torch.tensor([3.0, -1.0, 2.0, 5.0, -4.0, 7.0, -2.0, 1.0, -6.0][: len(places)]).double()
    at = torch.tensor(places, dtype=torch.float64)
    z = at.clone().requires_grad_()
    (got,) = grad(apply(z), z, cotangent)
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(apply(forward_ad.make_dual(at, cotangent))).tangent
    for found in (got, tangent):
        assert torch.all((found - cotangent * slopes).abs() <= roundings * 2**-53 * cotangent.abs())


#: What is complex, with its numbers.
COMPLEX: dict[str, Callable[[Tensor], Tensor]] = {
    **{each.__name__: each.call for each in (Sigmoid, Tanh, Square)},
    **{f"{f.__name__} {p}": partial(_power, f, p) for f in (Power, NonzeroPower, Root) for p in (-0.5, 3.0)},
}


@pytest.mark.parametrize("apply", COMPLEX.values(), ids=COMPLEX)
def test_complex_slopes_are_conjugated_on_the_way_back(apply: Callable[[Tensor], Tensor]) -> None:
    """⟨φ′ ⊙ v, u⟩ = ⟨v, conj(φ′) ⊙ u⟩; φ′ itself by a difference quotient along the real axis."""
    z = torch.complex(torch.linspace(0.5, 2, 5), torch.linspace(0.7, -0.9, 5)).to(torch.complex128).requires_grad_()
    v, u = torch.view_as_complex(torch.arange(20.0).double().reshape(2, 5, 2) - 9)
    pushed = torch.func.jvp(apply, (z.detach(),), (v,))[1]
    (pulled,) = grad(apply(z), z, u)
    slope = (apply(z.detach() + 1e-6) - apply(z.detach() - 1e-6)) / 2e-6
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


def test_complex_absolute_values_are_adjoint() -> None:
    """Re⟨J·v, u⟩ = Re⟨v, Jᴴ·u⟩ for real u; the slope at 0 is 0."""
    z = torch.complex(torch.linspace(-1, 1, 5), torch.tensor([0.7, -0.2, 0.0, 2.0, -0.9])).to(torch.complex128)
    v, u = torch.complex(torch.arange(5.0), 2 - torch.arange(5.0)).to(torch.complex128), torch.arange(5.0).double() - 1
    pushed = torch.func.jvp(Absolute.call, (z,), (v,))[1]
    leaf = z.clone().requires_grad_()
    (pulled,) = grad(Absolute.call(leaf), leaf, u)
    torch.testing.assert_close((pushed * u).sum(), (v.conj() * pulled).sum().real)
    assert pulled[2] == 0 and pushed.dtype == torch.float64


def test_log_sigmoid_keeps_the_digits_of_tiny_slopes() -> None:
    z = torch.tensor([30.0, 300.0], dtype=torch.float64, requires_grad=True)
    got = grad(LogSigmoid.call(z).sum(), z)[0]
    expected = torch.tensor([math.exp(-30) / (1 + math.exp(-30)), math.exp(-300)], dtype=torch.float64)
    assert torch.all((got - expected).abs() <= 8 * 2**-53 * expected)
