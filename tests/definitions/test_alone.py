"""Definitions that no proof asks; of all others value and gradients are torch's by tests/proof/test_referees.py."""

from __future__ import annotations

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
from manualconv.testing.cases import SEEDS, Pooling, poolings
from manualconv.testing.referee import REFEREE


def drawn(seed: int, *shape: int) -> Tensor:
    """Normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def compare(loss: Tensor, inputs: list[Tensor], expected: Any) -> None:
    """Equal up to the order of float64 additions."""
    said = [torch.from_numpy(np.asarray(array, np.float64)) for array in expected]
    torch.testing.assert_close([loss, *grad(loss, inputs)], said, rtol=1e-10, atol=1e-10)


@given(seed=SEEDS, smoothing=st.sampled_from((0.0, 0.25, 1.0)), ignored=st.booleans())
def test_cross_entropy(seed: int, smoothing: float, ignored: bool) -> None:
    z, v = drawn(seed, 3, 4).requires_grad_(), drawn(seed + 1, 4).abs() + 0.5
    target = torch.randint(4, (3,), generator=torch.Generator().manual_seed(seed))
    target[0] = -100 if ignored else target[0]
    numbers = (z.detach().numpy(), target.numpy(), v.numpy())
    loss = F.cross_entropy(z, target, v, label_smoothing=smoothing)
    compare(loss, [z], definitions.cross_entropy(*numbers, smoothing=smoothing))


@given(seed=SEEDS)
def test_cross_entropy_against_probabilities(seed: int) -> None:
    z, q = drawn(seed, 3, 4).requires_grad_(), drawn(seed + 1, 3, 4).softmax(1).requires_grad_()
    v = drawn(seed + 2, 4).abs()
    expected = definitions.soft_cross_entropy(*(t.detach().numpy() for t in (z, q, v)))
    compare(F.cross_entropy(z, q, v), [z, q], expected)


@given(case=st.sampled_from((2, 1, 3)).flatmap(lambda ndim: poolings(ndim, dilated=True)))
def test_masks_mark_the_maxima(case: Pooling) -> None:
    """One tap a window, or all that attain the maximum; where none ties they are the same."""
    x, window = case.input().numpy(), case.window
    z, winner = definitions.max_pool(x, window, case.ceil_mode)
    first, tied = definitions.max_pool_mask(winner, window), definitions.max_pool_tied_mask(x, window, case.ceil_mode)
    taps = tuple(range(z.ndim, first.ndim))
    assert (first.sum(taps) == 1).all()
    assert (first <= tied).all()
    # Under the mask the windows' sum is their maximum: pooling is linear there, and backward its transpose.
    dz = case.cotangent(z.shape[2:]).numpy()
    assert (z * dz).sum() == (x * definitions.max_pool_gradient(dz, winner, window)).sum()
    if case.fill == "distinct":
        assert (first == tied).all()


#: What activations without defaults are given.
GIVEN: dict[str, tuple[Any, ...]] = {"threshold": (0.5, 2.0), "leaky_relu": (0.1,), "gelu": ("none",)}


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_an_activation_has_torch_s_defaults_and_numbers_far_from_0(name: str) -> None:
    z = torch.tensor([-1e5, -1e3, -50, -0.25, 0.25, 50, 1e3, 1e5], dtype=torch.float64, requires_grad=True)
    a = getattr(REFEREE, name)(z, *GIVEN.get(name, ()))
    numbers, slopes = definitions.activate(name, z.detach().numpy(), *GIVEN.get(name, ()))
    torch.testing.assert_close(torch.from_numpy(numbers), a, rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(torch.from_numpy(slopes), grad(a.sum(), z)[0], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("z", [-1e3, -40.0, 40.0, 1e3])
@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
def test_the_loss_of_a_logit_far_from_0_is_torch_s(z: float, t: float) -> None:
    logit = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    target, weight = (torch.tensor(number, dtype=torch.float64) for number in (t, 2.0))
    compare(F.binary_cross_entropy_with_logits(logit, target, pos_weight=weight), [logit], definitions.coin(z, t, 2.0))
