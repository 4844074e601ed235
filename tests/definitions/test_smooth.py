"""Roots, exponentials and quotients: value and gradients are those of torch and its autograd up to rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions
from manualconv.definitions.activation import ACTIVATIONS
from manualconv.testing.cases import Normalization, Pooling, normalizations
from manualconv.testing.cases.averaging import averages
from manualconv.testing.catalogue import OPERATIONS

SEEDS = st.integers(0, 999)
OTHERWISE: dict[str, Callable[..., Tensor]] = {
    "gelu": lambda z, kind: F.gelu(z, approximate=kind),
    "hardsigmoid": lambda z: F.relu6(z + 3) / 6,  # the slope of torch's own is 1/6 in float32
    "scaled_tanh": lambda z: 1.7159 * (2 * z / 3).tanh(),
}


def drawn(seed: int, *shape: int) -> Tensor:
    """Normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def compare(apply: Callable[..., Tensor], tensors: list[Tensor], cotangent: Tensor, expected: list[Any]) -> None:
    """Equal up to the order of float64 additions, third powers of 1/√ε among their factors."""
    inputs = [t.detach().requires_grad_() for t in tensors]
    z = apply(*inputs)
    got = [z, *grad(z, inputs, cotangent)]
    said = [torch.from_numpy(np.asarray(array, np.float64)) for array in expected]
    torch.testing.assert_close(got, said, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(seed=SEEDS, data=st.data())
def test_activations(name: str, seed: int, data: st.DataObject) -> None:
    """At odd sixteenths, where none has a kink."""
    arguments = data.draw(st.sampled_from(OPERATIONS[name].drawn))
    generator = torch.Generator().manual_seed(seed)
    z, da = (2 * torch.randint(-60, 60, (2, 5), generator=generator) + 1).double() / 16, drawn(seed, 2, 5)
    a, _ = definitions.activate(name, z.numpy(), *arguments)
    dz = definitions.activation_gradient(name, z.numpy(), da.numpy(), *arguments)
    layer = OTHERWISE.get(name) or getattr(F, name)
    compare(lambda z: layer(z, *arguments), [z], da, [a, dz])


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@given(seed=SEEDS, samples=st.integers(1, 3), classes=st.integers(1, 5))
def test_softmax(name: str, seed: int, samples: int, classes: int) -> None:
    z, dp = 3 * drawn(seed, samples, classes), drawn(seed + 1, samples, classes)
    back = getattr(definitions, f"{name}_gradient")(z.numpy(), dp.numpy())
    compare(lambda z: getattr(F, name)(z, 1), [z], dp, [getattr(definitions, name)(z.numpy()), back])


@given(case=normalizations(some=True))
def test_normalisation_in_classical_steps(case: Normalization) -> None:
    x, dy = case.input().contiguous(), case.cotangent().contiguous()
    gamma, beta = drawn(case.seed, *case.parameter_shape), drawn(case.seed + 1, *case.parameter_shape)
    where = (case.key, case.place, case.eps)
    y = definitions.norm(x.numpy(), gamma.numpy(), beta.numpy(), *where)
    bars = definitions.norm_gradients(x.numpy(), gamma.numpy(), dy.numpy(), *where)
    compare(lambda *tensors: case.apply(F, *tensors), [x, gamma, beta], dy, [y, *bars])


@given(case=normalizations(kinds=("batch",), some=True))
def test_normalisation_by_statistics_that_were_kept(case: Normalization) -> None:
    x, dy, channels = case.input().contiguous(), case.cotangent().contiguous(), case.shape[1]
    mean, variance = drawn(case.seed, channels), drawn(case.seed + 1, channels) ** 2
    ones = np.ones(channels)
    x_hat = definitions.standardize_by(x.numpy(), mean.numpy(), variance.numpy(), case.eps)
    y = definitions.scale_and_shift(x_hat, 2 * ones, 3 * ones, definitions.channel)
    dx_hat, dgamma, dbeta = definitions.scale_and_shift_gradients(x_hat, 2 * ones, dy.numpy(), definitions.channel)
    dx = definitions.standardize_by_gradient(dx_hat, variance.numpy(), case.eps)

    def apply(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        return F.batch_norm(x, mean, variance, gamma, beta, False, 0.1, case.eps)

    gamma, beta = torch.full((2, channels), 2.0).double() + torch.arange(2)[:, None]
    compare(apply, [x, gamma, beta], dy, [y, dx, dgamma, dbeta])


@given(case=normalizations(kinds=("instance",), some=True), size=st.integers(1, 4))
def test_local_response(case: Normalization, size: int) -> None:
    x, dy, numbers = case.input().contiguous(), case.cotangent().contiguous(), (size, 0.5, 0.75, 1.5)
    y = definitions.local_response_norm(x.numpy(), *numbers)
    dx = definitions.local_response_norm_gradient(x.numpy(), dy.numpy(), *numbers)
    compare(lambda x: F.local_response_norm(x, *numbers), [x], dy, [y, dx])


@given(case=averages(2, 1, 3), p=st.sampled_from((1, 2, 3, 2.5, 0.5, -1)))
def test_power_average_pooling(case: Pooling, p: float) -> None:
    """Of positive numbers; of zeros it is the example of its file."""
    window = case.window.unpadded()
    x = F.pad(case.input(), case.window.frame).abs() / 8 + 1
    z = definitions.lp_pool(x.numpy(), p, window, case.ceil_mode)
    dz = case.cotangent(z.shape[2:])
    back = definitions.lp_pool_gradient(x.numpy(), dz.numpy(), p, window, case.ceil_mode)
    kernel, stride = (n[0] if window.ndim == 1 else n for n in (window.kernel_size, window.stride))
    if x.numel():
        layer = getattr(F, f"lp_pool{window.ndim}d")
        compare(lambda x: layer(x, p, kernel, stride, case.ceil_mode), [x], dz, [z, back])


@given(seed=SEEDS, p=st.sampled_from((0.0, 0.1, 0.5, 1.0)))
def test_alpha_dropout(seed: int, p: float) -> None:
    x, dz = drawn(seed, 3, 4), drawn(seed + 1, 3, 4)

    def apply(x: Tensor) -> Tensor:
        torch.manual_seed(seed)
        return F.alpha_dropout(x, p, True)

    leaf = x.clone().requires_grad_()
    mask = (grad(apply(leaf).sum(), leaf)[0] != 0).numpy()
    results = [definitions.alpha_dropout(x.numpy(), mask, p), definitions.alpha_dropout_gradient(dz.numpy(), mask, p)]
    compare(apply, [x], dz, results)


@given(seed=SEEDS, smoothing=st.sampled_from((0.0, 0.25, 1.0)), ignored=st.booleans())
def test_cross_entropy(seed: int, smoothing: float, ignored: bool) -> None:
    z, v, one = drawn(seed, 3, 4), drawn(seed + 1, 4).abs() + 0.5, torch.tensor(1.0).double()
    target = torch.randint(4, (3,), generator=torch.Generator().manual_seed(seed))
    target[int(ignored) :] = target[int(ignored) :].clamp(max=3)
    target[0] = -100 if ignored else target[0]
    results = list(definitions.cross_entropy(z.numpy(), target.numpy(), v.numpy(), smoothing=smoothing))
    compare(lambda z: F.cross_entropy(z, target, v, label_smoothing=smoothing), [z], one, results)


@given(seed=SEEDS)
def test_cross_entropy_against_probabilities(seed: int) -> None:
    z, q, v = drawn(seed, 3, 4), drawn(seed + 1, 3, 4).softmax(1), drawn(seed + 2, 4).abs()
    results = list(definitions.soft_cross_entropy(z.numpy(), q.numpy(), v.numpy()))
    compare(lambda z, q: F.cross_entropy(z, q, v), [z, q], torch.tensor(1.0).double(), results)


@given(seed=SEEDS, reduction=st.sampled_from(("none", "sum", "mean")))
def test_weighted_entropy_and_its_reduction(seed: int, reduction: str) -> None:
    y, q, v, w = drawn(seed, 3, 4), drawn(seed + 1, 3, 4), drawn(seed + 2, 4), drawn(seed + 3, 3).abs() + 0.5
    g = drawn(seed + 4, *((3,) if reduction == "none" else ()))
    e, gradients = definitions.weighted_entropy(y.numpy(), q.numpy(), v.numpy())
    value, by_e, by_w = definitions.reduced(e, w.numpy(), g.numpy(), reduction)

    def apply(y: Tensor, q: Tensor, v: Tensor, w: Tensor) -> Tensor:
        e = -(y * q * v).sum(1)
        whole = e.sum() / w.sum() if reduction == "mean" else e.sum() + 0 * w.sum()
        return e + 0 * w if reduction == "none" else whole

    compare(apply, [y, q, v, w], g, [value, *gradients(by_e), by_w])


@given(z=st.floats(-30, 30), t=st.sampled_from((0.0, 0.25, 1.0)), u=st.sampled_from((1.0, 0.5, 3.0)))
def test_losses_of_two_numbers(z: float, t: float, u: float) -> None:
    number = torch.tensor(z, dtype=torch.float64)
    target, one = torch.tensor(t).double(), torch.tensor(1.0).double()
    weight = torch.tensor(u).double()

    def of_logits(z: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(z, target, pos_weight=weight)

    compare(of_logits, [number], one, list(definitions.coin(z, t, u)))
    compare(lambda z: F.huber_loss(z, 0 * z.detach(), delta=u), [number], one, list(definitions.huber(z, u)))
    x = 1 / (1 + np.exp(-z / 10))
    pair = [torch.tensor(x).double(), target]

    def of_pair(x: Tensor, t: Tensor) -> Tensor:
        return -t * x.log() - (1 - t) * (1 - x).log()

    compare(of_pair, pair, one, list(definitions.bce(float(x), t)))
