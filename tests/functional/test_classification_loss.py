"""Losses against classes: what happens at infinities, ignored targets and no samples."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import grad

from manualconv import definitions, functional
from manualconv.testing.judge import error
from tests.layers import rounded

REDUCTIONS = ("mean", "sum", "none")


def drawn(seed: int, *shape: int) -> Tensor:
    """Normal numbers of standard deviation 3."""
    return 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def count(shape: tuple[int, ...]) -> int:
    """C of ``(N, C, *S)`` and of ``(C,)``."""
    return shape[1] if len(shape) > 1 else shape[0]


def factors(shape: tuple[int, ...], seed: int) -> Tensor:
    """Class weights: eighths."""
    return torch.randint(1, 9, (count(shape),), generator=torch.Generator().manual_seed(seed)).double() / 8


def alike(call: Any, inputs: tuple[Tensor, ...], bound: float, scale: float) -> None:
    """Values and gradients by hand and by torch, NaN and infinities in the same places."""
    results = []
    for library in (functional, F):
        leaves = [t.detach().clone().requires_grad_() for t in inputs]
        loss = call(library, *leaves)
        cotangent = torch.arange(1.0, loss.numel() + 1, dtype=loss.dtype).reshape(loss.shape)
        results.append((loss.detach(), *grad(loss, leaves, cotangent)))
    for ours, theirs in zip(*results, strict=True):
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
        assert torch.equal(ours.isnan(), theirs.isnan())
        finite = theirs.isfinite()
        assert torch.equal(ours.isfinite(), finite)
        largest = theirs[finite].abs().max() if finite.any() else torch.zeros(())
        rooms = torch.full_like(theirs[finite], float(largest) + scale)
        assert error(ours[finite], theirs[finite], rooms) <= bound


def _mean_over_classes(z: Tensor, target: Tensor, v: Tensor) -> Tensor:
    return functional.cross_entropy(z, target, v, reduction="sum") / z.numel()


def _ignored_counted(z: Tensor, target: Tensor, v: Tensor) -> Tensor:
    return functional.cross_entropy(z, target, v, reduction="sum") / v[target.clamp(min=0)].sum()


def _weights_not_in_the_mean(z: Tensor, target: Tensor, v: Tensor) -> Tensor:
    return functional.cross_entropy(z, target, v, reduction="sum") / (target >= 0).sum()


@pytest.mark.parametrize("fault", [_mean_over_classes, _ignored_counted, _weights_not_in_the_mean])
def test_the_loops_notice_a_planted_fault(fault: Any) -> None:
    z, v, target = drawn(0, 3, 4), factors((3, 4), 5), torch.tensor([2, -100, 1])
    loss, _ = definitions.cross_entropy(z.numpy(), target.numpy(), v.numpy())
    assert abs(functional.cross_entropy(z, target, v) - loss) < 1e-12
    assert abs(fault(z, target, v) - loss) > 0.01


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_infinite_logits_and_ignored_samples_are_torch_s(reduction: str) -> None:
    z = torch.tensor([[1.0, -torch.inf, 2.0], [0.0, 1.0, -torch.inf], [3.0, 4.0, 5.0]]).double()
    for weight in (None, torch.tensor([1.0, 0.0, 2.0]).double()):
        for classes in ([0, 2, 1], [0, 0, 1], [-100, -100, -100], [-100, 2, -100]):
            for smoothing in (0.0, 0.25):
                target, options = torch.tensor(classes), {"reduction": reduction, "label_smoothing": smoothing}
                alike(lambda lib, z, t=target, v=weight, o=options: lib.cross_entropy(z, t, v, **o), (z,), 20, 1)
        for target in (z.softmax(1), torch.eye(3).double()):
            options = {"reduction": reduction}
            alike(lambda lib, z, q, v=weight, o=options: lib.cross_entropy(z, q, v, **o), (z, target), 20, 1)


def test_nothing_that_counts_has_the_mean_nan_and_no_gradient() -> None:
    for target in (torch.tensor([-100, -100]), torch.zeros(0, dtype=torch.int64)):
        z = drawn(0, len(target), 3).requires_grad_()
        loss = functional.cross_entropy(z, target)
        assert loss.isnan()
        assert torch.equal(grad(loss, z)[0], torch.zeros_like(z))


@pytest.mark.parametrize("shape", [(1, 3), (3, 1)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_class_weights_of_another_shape_count_where_there_are_places_as_in_torch(
    shape: tuple[int, ...], reduction: str
) -> None:
    """torch's kernel for places counts the weights only; that for samples alone refuses them, as ours does."""
    y, w = drawn(3, 2, 3, 4), factors((3,), 1).reshape(shape)
    target = torch.tensor([[0, 2, 1, -100], [2, 1, 0, 0]])
    for name in ("nll_loss", "cross_entropy"):
        results = []
        for library in (functional, F):
            leaf = y.clone().requires_grad_()
            loss = getattr(library, name)(leaf, target, w, reduction=reduction)
            results.append((loss.detach(), *grad(loss.sum(), leaf)))
            with pytest.raises(RuntimeError, match="weight tensor should be defined either for all 3 classes"):
                getattr(library, name)(y[..., 0], target[:, 0], w)
        torch.testing.assert_close(*results, rtol=1e-12, atol=1e-12)
    for library in (functional, F):
        with pytest.raises(RuntimeError):
            library.cross_entropy(y, target, w.reshape(1, 3), reduction=reduction, label_smoothing=0.5)


def test_uint8_targets_are_class_numbers() -> None:
    z, target = drawn(0, 3, 4), torch.tensor([3, 0, 1])
    rounded(functional.cross_entropy(z, target.to(torch.uint8)), functional.cross_entropy(z, target))
    images = drawn(0, 2, 3, 4), torch.tensor([[0, 2, 255, 1], [1, 1, 0, 255]])
    for targets in (images[1], images[1].to(torch.uint8)):
        loss = functional.cross_entropy(images[0], targets, ignore_index=255)
        rounded(loss, functional.cross_entropy(images[0], images[1], ignore_index=255))


@pytest.mark.parametrize("outside", [4, -1])
def test_a_class_that_is_not_there_is_an_index_error(outside: int) -> None:
    for layer in (functional.cross_entropy, F.cross_entropy):
        with pytest.raises(IndexError, match=f"Target {outside} is out of bounds"):
            layer(drawn(0, 2, 4), torch.tensor([0, outside]))


def test_fake_tensors_have_no_classes_to_look_at() -> None:
    """Sizes alone are known: the checks that read values are left out."""
    with FakeTensorMode() as mode:
        z, p = mode.from_tensor(torch.zeros(2, 3)), mode.from_tensor(torch.full((2, 3), 2.0))
        assert functional.cross_entropy(z, mode.from_tensor(torch.tensor([0, 2]))).shape == ()
        assert functional.binary_cross_entropy(p, p).shape == ()


@given(z=st.floats(-40, 40), t=st.sampled_from((0.0, 0.25, 1.0)), u=st.sampled_from((1.0, 0.5, 3.0)))
@example(z=-32.25, t=1.0, u=3.0)
def test_binary_cross_entropy_with_logits_equals_the_loops(z: float, t: float, u: float) -> None:
    logit = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    pair = torch.tensor([t, u], dtype=torch.float64)
    loss = functional.binary_cross_entropy_with_logits(logit, pair[0], pos_weight=pair[1])
    value, slope = definitions.coin(z, t, u)
    scale = torch.tensor(4 * (abs(z) + 1), dtype=torch.float64)
    assert error(loss.detach(), torch.tensor(value, dtype=torch.float64), scale) <= 8
    assert error(grad(loss, logit)[0], torch.tensor(slope, dtype=torch.float64), torch.tensor(8.0).double()) <= 8


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
def test_binary_losses_far_out_are_torch_s(t: float) -> None:
    z = torch.tensor([-1000.0, -40.0, 0.0, 40.0, 1000.0, torch.nan]).double()
    alike(
        lambda library, *a: library.binary_cross_entropy_with_logits(*a, reduction="none"),
        (z, torch.full_like(z, t)),
        8,
        1,
    )
    x = torch.tensor([0.0, 1e-50, 1e-13, 0.5, 1 - 1e-13, 1.0], dtype=torch.float64)
    alike(lambda library, *a: library.binary_cross_entropy(*a, reduction="none"), (x, torch.full_like(x, t)), 8, 1)


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
def test_infinite_logits_cost_infinity_unless_the_target_is_theirs(t: float) -> None:
    """As torch's, but that minus infinity against a target above 0 is no ``−inf + inf``."""
    z, target = torch.tensor([-torch.inf, torch.inf]), torch.tensor(t)
    ours, theirs = (
        library.binary_cross_entropy_with_logits(z, target.expand(2), reduction="none") for library in (functional, F)
    )
    assert torch.equal(ours.isnan(), torch.tensor([t == 0, t == 1]))
    rounded(ours[~theirs.isnan()], theirs[~theirs.isnan()])
    assert ours[~ours.isnan()].eq(torch.inf).all()


def test_logits_of_a_thousand_lose_nothing() -> None:
    z = torch.tensor([1000.0, -1000.0, 40.0]).double().requires_grad_()
    loss = functional.binary_cross_entropy_with_logits(z, torch.tensor([1.0, 0.0, 1.0]).double(), reduction="none")
    assert loss.tolist()[:2] == [0.0, 0.0]
    rounded(loss.detach()[2:], torch.tensor([math.log1p(math.exp(-40))], dtype=torch.float64))
    assert grad(loss.sum(), z)[0].tolist()[:2] == [0.0, 0.0]


def test_a_target_near_one_loses_no_digit_of_its_small_loss() -> None:
    """``max(z, 0) − z·t`` would: (1 − t)·z is the difference of two numbers a billion times as large."""
    z = torch.tensor([1000.0, -1000.0]).double().requires_grad_()
    small = 2.0**-30 + 2.0**-52
    target = torch.tensor([1 - small, small], dtype=torch.float64)
    loss = functional.binary_cross_entropy_with_logits(z, target, reduction="none")
    assert loss.tolist() == [1000 * small, 1000 * small]
    assert grad(loss.sum(), z)[0].tolist() == [small, -small]


def test_mapped_inputs_and_targets_are_a_loop() -> None:
    z, target = drawn(0, 3, 2, 4), torch.tensor([[3, 0], [1, -100], [2, 2]])
    q = drawn(1, 3, 2, 4).softmax(2)
    for apply, others, at in (
        (functional.cross_entropy, target, 0),
        (functional.cross_entropy, q.movedim(0, 2), 2),
        (functional.binary_cross_entropy_with_logits, q.movedim(0, 1), 1),
    ):
        loop = torch.stack([apply(a, b) for a, b in zip(z.unbind(0), others.unbind(at))])
        torch.testing.assert_close(torch.vmap(apply, (0, at))(z, others), loop, rtol=0, atol=1e-14)
        one = torch.vmap(torch.func.grad(apply), (0, None))(z, others.select(at, 1))
        each = torch.stack([torch.func.grad(apply)(a, others.select(at, 1)) for a in z])
        torch.testing.assert_close(one, each, rtol=0, atol=1e-14)
