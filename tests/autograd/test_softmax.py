"""Softmax and log-softmax: the Jacobian is the Hessian of logsumexp."""

import torch
from torch.autograd import forward_ad, grad

from manualconv.autograd import LogSoftmax, Softmax
from manualconv.testing.judge import error
from tests.layers import rounded

Z = torch.tensor([[0.3, -1.2, 2.0, 0.0], [5.0, 5.0, -3.0, 1.0], [0.0, 0.0, 0.0, 0.0]], dtype=torch.float64)


def p_of(z: torch.Tensor) -> torch.Tensor:
    """The definition e^z / Σ e^z of a row."""
    return z.exp() / z.exp().sum(-1, keepdim=True)


def test_the_softmax_jacobian_is_diagonal_minus_outer_product() -> None:
    for row, p in zip(Z, p_of(Z)):
        exact, scale = p.diag() - torch.outer(p, p), p.diag() + torch.outer(p, p)
        for jacobian in (torch.func.jacrev, torch.func.jacfwd):
            assert error(jacobian(lambda z: Softmax.call(z, 0))(row), exact, scale) <= len(p) + 10


def test_the_log_softmax_jacobian_is_identity_minus_p() -> None:
    for row, p in zip(Z, p_of(Z)):
        got = torch.func.jacrev(lambda z: LogSoftmax.call(z, 0))(row)
        assert error(got, torch.eye(4) - p, torch.eye(4) + p) <= len(p) + 10


def test_softmax_is_the_gradient_of_logsumexp_and_rows_sum_to_one() -> None:
    z = Z.clone().requires_grad_()
    potential = z.logsumexp(1).sum()
    p = Softmax.call(Z, 1)
    assert error(p, grad(potential, z)[0], p) <= 10
    assert error(p.sum(1), torch.ones(3).double(), torch.ones(3).double()) <= 10


def test_both_axes_and_a_mapped_axis_are_the_same_map() -> None:
    for function in (Softmax, LogSoftmax):
        rounded(function.call(Z.T, 0).T, function.call(Z, 1))
        rounded(function.call(Z, -1), function.call(Z, 1))
        stacked = torch.stack((Z, Z + Z.flip(0)), 1)
        got = torch.vmap(function.call, (1, None), 1)(stacked, -1)
        rounded(got, function.call(stacked, 2))


def test_forward_mode_agrees_with_reverse_mode_of_a_symmetric_jacobian() -> None:
    v = torch.arange(12.0).reshape(3, 4).double() - 5
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(Softmax.call(forward_ad.make_dual(Z, v), 1)).tangent
    z = Z.clone().requires_grad_()
    rounded(tangent, grad(Softmax.call(z, 1), z, v)[0])


def test_complex_jacobians_are_conjugated_on_the_way_back() -> None:
    """⟨J·v, u⟩ = ⟨v, Jᴴ·u⟩, where J and Jᵀ are the same and Jᴴ is not."""
    z = torch.complex(Z, Z.flip(1) / 4)
    v, u = torch.view_as_complex(torch.arange(48.0).double().reshape(2, 3, 4, 2) - 20)
    for function in (Softmax, LogSoftmax):
        leaf = z.clone().requires_grad_()
        pushed = torch.func.jvp(lambda t, f=function: f.call(t, 1), (z,), (v,))[1]
        (pulled,) = grad(function.call(leaf, 1), leaf, u)
        torch.testing.assert_close((pushed.conj() * u).sum(), (v.conj() * pulled).sum())
