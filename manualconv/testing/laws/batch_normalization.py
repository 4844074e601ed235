"""Laws of normalisation: what holds of every right implementation, whatever its arithmetic.

A law takes an implementation with the signature of ``torch.nn.functional.batch_norm`` and a drawn case, or one of
modules a class with the arguments of ``torch.nn.BatchNorm1d`` and a number of batches and a seed.  Cotangents are
random: under a constant one the input gradient is zero, and the classical mistakes (no derivative through the mean, or
through the variance) cannot be seen (N5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import functional, nn
from manualconv.testing.cases import Normalization, normalizations
from manualconv.testing.cases.tensors import spread_out
from manualconv.testing.laws.law import Implementation, Laws
from manualconv.testing.referee import leaves

Layer = Callable[..., Any]
Module = Callable[..., Any]
LAWS = Laws(normalizations(kinds=("batch",), some=True))
#: Of how many batches, and a seed.
MODULE_LAWS = Laws(st.tuples(st.integers(1, 6), st.integers(0, 99)))
law, module_law = LAWS.law, MODULE_LAWS.law


def near(got: Any, expected: Any) -> None:
    """Equal up to the order of float64 additions, powers of 1/√ε among their factors."""
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)


def trained(layer: Layer, case: Normalization, x: Tensor, weight: Any = None, bias: Any = None, **more: Any) -> Tensor:
    """The layer in training, without running statistics."""
    eps = more.pop("eps", case.eps)
    y: Tensor = layer(x, None, None, weight, bias, True, 0.1, eps, **more)
    return y


def in_order(x: Tensor, *others: Any) -> Tensor:
    """torch's on a contiguous input: it misreads some whose steps are out of order."""
    return F.batch_norm(x.contiguous(), *others)


GOOD = {"by hand": Implementation(functional.batch_norm), "torch": Implementation(in_order)}
GOOD_MODULES = {"by hand": Implementation(nn.BatchNorm1d), "torch": Implementation(torch.nn.BatchNorm1d)}


def over(t: Tensor) -> list[int]:
    """All axes but the channels."""
    return [axis for axis in range(t.dim()) if axis != 1]


def along(t: Tensor, like: Tensor) -> Tensor:
    """One number a channel, to be multiplied with `like`."""
    return t.reshape(-1, *(1,) * (like.dim() - 2))


def parameters(case: Normalization) -> tuple[Tensor, Tensor]:
    """γ and β, whether the case was drawn with them or not."""
    weight, bias = replace(case, affine=(True, True)).parameters()
    assert weight is not None and bias is not None
    return weight, bias


@law("N1")
def the_output_has_mean_beta_and_variance_gamma_squared_times_the_share(layer: Layer, case: Normalization) -> None:
    x, (weight, bias) = case.input(), parameters(case)
    y = trained(layer, case, x, weight, bias)
    variance = x.var(over(x), correction=0)
    near(y.mean(over(y)), bias)
    near(y.var(over(y), correction=0), weight**2 * variance / (variance + case.eps))


@law("N2")
def scaling_and_moving_the_input_changes_nothing_but_the_sign(layer: Layer, case: Normalization) -> None:
    x, (weight, _) = case.input(), parameters(case)
    for a, c in ((2.5, -3.0), (-0.5, 7.0)):
        moved = trained(layer, case, a * x + c, weight, eps=a * a * case.eps)
        near(moved, (1 if a > 0 else -1) * trained(layer, case, x, weight))


@law("N3")
def the_input_gradient_sums_to_zero(layer: Layer, case: Normalization) -> None:
    (x,) = leaves(case.input())
    (x_bar,) = grad(trained(layer, case, x, *parameters(case)), x, case.cotangent())
    near(x_bar.sum(over(x_bar)), torch.zeros(case.shape[1:2]).double())


@law("N4")
def along_the_output_the_input_gradient_is_what_eps_leaves(layer: Layer, case: Normalization) -> None:
    (x,), g, (weight, _) = leaves(case.input()), case.cotangent(), parameters(case)
    (x_bar,) = grad(trained(layer, case, x, weight), x, g)
    variance = x.detach().var(over(x), correction=0)
    x_hat = trained(layer, case, x.detach())
    left = weight * (variance + case.eps).rsqrt() * (g * x_hat).sum(over(g)) * (1 - variance / (variance + case.eps))
    near((x_bar * x_hat).sum(over(g)), left)


@law("N5")
def the_gradient_under_a_random_cotangent_is_the_slope_of_a_secant(layer: Layer, case: Normalization) -> None:
    (x,), g, v = leaves(case.input()), case.cotangent(), case.cotangent(5)
    (x_bar,) = grad(trained(layer, case, x), x, g)
    h = 1e-5
    ahead, behind = ((trained(layer, case, x.detach() + s * h * v) * g).sum() for s in (1, -1))
    torch.testing.assert_close((x_bar * v).sum(), (ahead - behind) / (2 * h), rtol=1e-5, atol=1e-4)


@law("N6")
def the_running_mean_is_biased_and_the_running_variance_is_not(layer: Layer, case: Normalization) -> None:
    x = case.input()
    for momentum in (0.1, 0.75):
        mean, variance = parameters(case)[0].clone(), parameters(case)[1].abs().clone()
        expected = (
            (1 - momentum) * mean + momentum * x.mean(over(x)),
            (1 - momentum) * variance + momentum * x.var(over(x), correction=1),
        )
        layer(x, mean, variance, None, None, True, momentum, case.eps)
        near((mean, variance), expected)


@law("N8")
def evaluation_is_an_affine_map_that_knows_no_other_sample(layer: Layer, case: Normalization) -> None:
    (x,), g, (weight, bias) = leaves(case.input()), case.cotangent(), parameters(case)
    mean, variance = bias - 1, weight.abs() + 0.25
    kept = (mean.clone(), variance.clone())

    def evaluated(x: Tensor) -> Tensor:
        y: Tensor = layer(x, mean, variance, weight, bias, False, 0.1, case.eps)
        return y

    y = evaluated(x)
    slope = along(weight / (variance + case.eps).sqrt(), x)
    near(y.detach(), slope * (x.detach() - along(mean, x)) + along(bias, x))
    near(grad(y, x, g)[0], slope * g)
    for n in range(len(x)):
        near(evaluated(x[n : n + 1]), y[n : n + 1])
    assert torch.equal(mean, kept[0]) and torch.equal(variance, kept[1])


@law("N9")
def places_and_channels_may_change_their_order(layer: Layer, case: Normalization) -> None:
    (x,), g, (weight, bias) = leaves(case.input()), case.cotangent(), parameters(case)
    generator = torch.Generator().manual_seed(case.seed)
    orders = [torch.randperm(size, generator=generator) for size in x.shape]

    def turned(t: Tensor) -> Tensor:
        for axis, order in enumerate(orders):
            t = t.index_select(axis, order)
        return t

    y = trained(layer, case, x, weight, bias)
    other = trained(layer, case, turned(x), weight[orders[1]], bias[orders[1]])
    near(other, turned(y))
    near(grad(other, x, turned(g))[0], grad(y, x, g)[0])


@law("N11")
def a_large_mean_does_not_spoil_the_variance(layer: Layer, case: Normalization) -> None:
    generator = torch.Generator().manual_seed(case.seed)
    x = (1e4 + torch.randn(64, 3, 5, generator=generator)).float()
    variance, mean = torch.zeros(3), torch.zeros(3)
    y = layer(x, mean, variance, None, None, True, 1.0, 1e-5)
    exact = x.double()
    torch.testing.assert_close(variance.double(), exact.var(over(x), correction=1), rtol=1e-3, atol=0)
    expected = (exact - along(exact.mean(over(x)), x)) / along((exact.var(over(x), correction=0) + 1e-5).sqrt(), x)
    assert (y.double() - expected).abs().max() <= 32 * 2.0**-24 * (1 + 1e4)


# ------------------------------------------------------------------------------------- beyond the list of N1 to N11


@law("N12")
def values_gradients_and_statistics_are_torch_s(layer: Layer, case: Normalization) -> None:
    found = []
    for norm in (layer, in_order):
        kept = (parameters(case)[1].clone(), parameters(case)[0].abs() + 0.5)
        inputs = leaves(case.input(), *parameters(case))
        for training in (True, False):
            y = norm(inputs[0], *kept, *inputs[1:], training, 0.3, case.eps)
            cotangent = case.cotangent() if norm is layer else case.cotangent().contiguous()
            found.append([y, *grad(y, inputs, cotangent), *(t.clone() for t in kept)])
    near(found[:2], found[2:])


@law("N13")
def no_samples_or_positions_leave_the_statistics_and_give_gradients_of_zero(layer: Layer, case: Normalization) -> None:
    x = case.input()
    for nothing in (x[:0], *((x[..., :0],) if x.dim() > 2 else ())):
        inputs = leaves(nothing, *parameters(case))
        kept = (parameters(case)[1].clone(), parameters(case)[0].abs() + 0.5)
        before = [t.clone() for t in kept]
        y = layer(inputs[0], *kept, *inputs[1:], True, 0.3, case.eps)
        assert y.shape == inputs[0].shape
        assert all(map(torch.equal, kept, before))
        assert all(torch.equal(g, torch.zeros_like(t)) for g, t in zip(grad(y.sum(), inputs), inputs))


# ---------------------------------------------------------------------------------------------------------- modules


@module_law("N7")
def without_a_momentum_batches_of_one_size_give_their_plain_mean(module: Module, case: tuple[int, int]) -> None:
    batches, seed = case
    layer = module(3, momentum=None).double()
    images = [spread_out((4, 3, 2), seed + n) * (n + 1) for n in range(batches)]
    for x in images:
        layer(x)
    near(layer.running_mean, torch.stack([x.mean((0, 2)) for x in images]).mean(0))
    near(layer.running_var, torch.stack([x.var((0, 2)) for x in images]).mean(0))
    assert layer.num_batches_tracked == batches


@module_law("N10")
def in_evaluation_it_folds_into_the_convolution_before_it(module: Module, case: tuple[int, int]) -> None:
    batches, seed = case
    conv, norm = torch.nn.Conv1d(2, 3, 3).double(), module(3).double()
    for n, p in enumerate((*conv.parameters(), *norm.parameters())):
        p.data.copy_(0.3 + spread_out(tuple(p.shape), seed + n))
    for n in range(batches):
        norm(conv(spread_out((4, 2, 6), n)))
    folded = torch.nn.utils.fuse_conv_bn_eval(conv.eval(), norm.eval())
    x = spread_out((2, 2, 6), 9)
    near(folded(x), norm(conv(x)))


@module_law("N14")
def it_counts_its_batches_and_keeps_a_mean_of_them_in_training_only(module: Module, case: tuple[int, int]) -> None:
    batches, seed = case
    for momentum in (0.3, None):
        layer, mean = module(3, momentum=momentum).double(), torch.zeros(3).double()
        for n in range(batches):
            x = spread_out((4, 3, 2), seed + n)
            layer(x)
            share = 1 / (n + 1) if momentum is None else momentum
            mean = (1 - share) * mean + share * x.mean((0, 2))
        layer.eval()(spread_out((4, 3, 2), 99))
        near(layer.running_mean, mean)
        assert layer.num_batches_tracked == batches
