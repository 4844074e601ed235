"""nll_loss, cross_entropy, mse_loss against the loops and torch: weights, ignored targets, reductions."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import grad

from manualconv import functional
from tests import definitions
from tests.accuracy import error

REDUCTIONS = ("mean", "sum", "none")


def drawn(seed: int, *shape: int) -> torch.Tensor:
    """Normal numbers of standard deviation 3."""
    return 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(samples=st.integers(1, 5), classes=st.integers(1, 6), seed=st.integers(0, 999))
def test_cross_entropy_and_its_gradient_equal_the_loops(samples: int, classes: int, seed: int) -> None:
    z = drawn(seed, samples, classes).requires_grad_()
    target = torch.randint(classes, (samples,), generator=torch.Generator().manual_seed(seed))
    loss, gradient = definitions.cross_entropy(z.detach().numpy(), target.numpy())
    got = functional.cross_entropy(z, target)
    scale = z.detach().abs().max().reshape(()) + 1
    assert error(got.detach(), torch.tensor(loss), 2 * scale) <= 2 * (classes + samples + 2)
    (z_bar,) = grad(got, z)
    assert error(z_bar, torch.from_numpy(gradient), scale.expand_as(z) / samples) <= 2 * (classes + 2)


@given(
    shape=st.sampled_from(((4,), (3, 4), (0, 4), (3, 4, 2), (2, 3, 2, 3))),
    seed=st.integers(0, 999),
    reduction=st.sampled_from(REDUCTIONS),
    weighted=st.booleans(),
    ignore_index=st.sampled_from((-100, 1, 7)),
)
def test_nll_equals_torch_for_every_reduction_weight_and_ignored_class(
    shape: tuple[int, ...], seed: int, reduction: str, weighted: bool, ignore_index: int
) -> None:
    classes = shape[1] if len(shape) > 1 else shape[0]
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(classes, (*shape[:1], *shape[2:]) if len(shape) > 1 else (), generator=generator)
    target = torch.where(torch.rand(target.shape, generator=generator) < 0.3, ignore_index, target)
    # Numbers with few bits: sums and products are exact, only the mean's division rounds.
    log_p = drawn(seed, *shape).mul(8).round().div(8).requires_grad_()
    weight = torch.randint(1, 9, (classes,), generator=generator).double() if weighted else None
    results = []
    for layer in (functional.nll_loss, F.nll_loss):
        loss = layer(log_p, target, weight, ignore_index=ignore_index, reduction=reduction)
        cotangent = torch.arange(1.0, loss.numel() + 1, dtype=loss.dtype).reshape(loss.shape)
        results.append((loss, *grad(loss, log_p, cotangent)))
    for ours, theirs in zip(*results):
        assert ours.shape == theirs.shape
        assert torch.equal(ours.isnan(), theirs.isnan())
        assert error(ours.nan_to_num(), theirs.nan_to_num(), theirs.nan_to_num().abs()) <= 3


@given(seed=st.integers(0, 999), reduction=st.sampled_from(REDUCTIONS), broadcast=st.booleans())
def test_squared_error_and_both_gradients_equal_torch(seed: int, reduction: str, broadcast: bool) -> None:
    # Integers, and a mean of sixteen of them: nothing rounds.
    x = drawn(seed, 4, 4).round().requires_grad_()
    t = drawn(seed + 1, 4, 1 if broadcast else 4).round().requires_grad_()
    ours = functional.mse_loss(x, t, reduction=reduction)
    theirs = F.mse_loss(x, t.expand(4, 4), reduction=reduction)
    cotangent = torch.arange(1.0, ours.numel() + 1, dtype=ours.dtype).reshape(ours.shape)
    assert torch.equal(ours, theirs)
    assert all(map(torch.equal, grad(ours, (x, t), cotangent), grad(theirs, (x, t), cotangent)))


def test_uint8_targets_are_class_numbers() -> None:
    z, target = drawn(0, 3, 4), torch.tensor([3, 0, 1])
    assert torch.equal(functional.cross_entropy(z, target.to(torch.uint8)), functional.cross_entropy(z, target))


@pytest.mark.parametrize("outside", [4, -1])
def test_a_class_that_is_not_there_is_an_index_error(outside: int) -> None:
    for layer in (functional.cross_entropy, F.cross_entropy):
        with pytest.raises(IndexError, match=f"Target {outside} is out of bounds"):
            layer(drawn(0, 2, 4), torch.tensor([0, outside]))


def test_what_is_not_there_yet_is_refused() -> None:
    z, target = drawn(0, 2, 3), torch.tensor([0, 1])
    refused = {
        "label_smoothing": lambda: functional.cross_entropy(z, target, label_smoothing=0.1),
        "class probabilities": lambda: functional.cross_entropy(z, z.softmax(1)),
        "size_average": lambda: functional.nll_loss(z, target, size_average=True),
        "weight of squares": lambda: functional.mse_loss(z, z, weight=z),
    }
    for call in refused.values():
        with pytest.raises(NotImplementedError):
            call()
    for layer in (functional.mse_loss, F.mse_loss):
        with pytest.raises(ValueError, match="is not a valid value for reduction"):
            layer(z, z, reduction="median")


def test_fake_tensors_have_no_classes_to_look_at() -> None:
    """Sizes alone are known: the check of the targets' range, which reads their values, is left out."""
    with FakeTensorMode() as mode:
        z = mode.from_tensor(torch.zeros(2, 3))
        loss = functional.cross_entropy(z, mode.from_tensor(torch.tensor([0, 2])))
    assert loss.shape == ()
