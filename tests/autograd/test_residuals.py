"""The maps of losses: slopes at known places, far out, and at the kinks."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad, grad

from manualconv.autograd import Absolute, BinaryCrossEntropy, Clip, Huber, LogSigmoid

Z = torch.tensor([-1000.0, -2.0, -0.7, -0.0, 0.0, 0.5, 0.7, 3.0, 1000.0], dtype=torch.float64)
MAPS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[float], float]]] = {
    "Absolute": (Absolute.call, lambda r: (r > 0) - (r < 0)),
    "Huber": (lambda r: Huber.call(r, 0.7, 2.0), lambda r: min(max(r, -0.7), 0.7) / 2),
    "Clip": (lambda r: Clip.call(r, 0.7, 1.3), lambda r: float(abs(r) < 0.7) / 1.3),
    "LogSigmoid": (LogSigmoid.call, lambda z: math.exp(-z) / (1 + math.exp(-z)) if z > -700 else 1.0),
}


@pytest.mark.parametrize(("apply", "slope"), MAPS.values(), ids=MAPS)
def test_reverse_and_forward_mode_multiply_by_the_slope(
    apply: Callable[[Tensor], Tensor], slope: Callable[[float], float]
) -> None:
    slopes = torch.tensor([slope(z) for z in Z.tolist()], dtype=torch.float64)
    cotangent = torch.tensor([3.0, -1.0, 2.0, 5.0, -4.0, 7.0, -2.0, 1.0, -6.0], dtype=torch.float64)
    z = Z.clone().requires_grad_()
    (got,) = grad(apply(z), z, cotangent)
    assert torch.all((got - cotangent * slopes).abs() <= 8 * 2**-53 * cotangent.abs())
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(apply(forward_ad.make_dual(Z, cotangent))).tangent
    assert torch.equal(tangent, got)


@pytest.mark.parametrize("apply", [row[0] for row in MAPS.values()], ids=MAPS)
def test_a_mapped_axis_changes_nothing(apply: Callable[[Tensor], Tensor]) -> None:
    z = torch.linspace(-2, 2, 24, dtype=torch.float64).reshape(2, 3, 4)
    assert torch.equal(torch.vmap(apply, 1, 1)(z), apply(z))


@pytest.mark.parametrize("in_dims", [(0, None), (None, 1), (2, 0)])
def test_binary_cross_entropy_maps_either_argument(in_dims: tuple[int | None, int | None]) -> None:
    x, t = (torch.linspace(0.1, 0.9, 64, dtype=torch.float64).roll(n).reshape(4, 4, 4) for n in (0, 7))
    got = torch.vmap(BinaryCrossEntropy.call, in_dims)(
        *(u if at is not None else u[0] for u, at in zip((x, t), in_dims))
    )
    rows = [(u.unbind(at) if at is not None else [u[0]] * 4) for u, at in zip((x, t), in_dims)]
    assert torch.equal(got, torch.stack([BinaryCrossEntropy.call(*pair) for pair in zip(*rows)]))


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
