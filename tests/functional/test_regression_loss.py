"""Losses of residuals: their kinks, and the numbers they take."""

import warnings
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad

from manualconv import functional

REDUCTIONS = ("mean", "sum", "none")
NAMES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


def quarters(seed: int, *shape: int) -> Tensor:
    """Small multiples of 1/4, so that squares, differences and their sums are exact."""
    numbers = torch.randint(-9, 10, shape, generator=torch.Generator().manual_seed(seed))
    return numbers.double() / 4


def derived(name: str, inputs: tuple[Tensor, ...], **options: Any) -> list[list[Tensor]]:
    """By hand and by torch: value, first gradients, and the second ones in the directions 1, 2 and so on."""
    results = []
    for library in (functional, F):
        leaves = [t.detach().clone().requires_grad_() for t in inputs]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loss = getattr(library, name)(*leaves[:2], **options, **dict(zip(["weight"], leaves[2:])))
        cotangent = torch.arange(1.0, loss.numel() + 1, dtype=loss.dtype).reshape(loss.shape).requires_grad_()
        first = grad(loss, leaves, cotangent, create_graph=True)
        total = sum((g * (n + 1) * g.conj()).sum().real for n, g in enumerate(first))
        second = grad(total, [*leaves, cotangent], materialize_grads=True)
        results.append([loss, *first, *second])
    return results


@pytest.mark.parametrize("name", NAMES)
def test_of_no_entries_the_mean_is_nan_as_torch_s(name: str) -> None:
    for reduction in REDUCTIONS:
        torch.testing.assert_close(
            *derived(name, (quarters(0, 0, 4), quarters(1, 0, 4)), reduction=reduction), equal_nan=True
        )


@pytest.mark.parametrize("name", NAMES)
def test_far_out_and_at_the_kinks_the_gradient_is_torch_s(name: str) -> None:
    r = torch.tensor([-torch.inf, -3.0, -1.0, -0.5, -0.0, 0.0, 1e-300, 0.5, 1.0, 2.0, torch.inf, torch.nan])
    (ours, ours_bar), (theirs, theirs_bar) = (
        (loss.detach(), *grad(loss.sum(), x))
        for library in (functional, F)
        for x in [r.double().requires_grad_()]
        for loss in [getattr(library, name)(x, torch.zeros_like(x), reduction="none")]
    )
    torch.testing.assert_close((ours, ours_bar), (theirs, theirs_bar), rtol=0, atol=0, equal_nan=True)


def test_at_the_bend_itself_the_second_derivative_is_0_as_torch_s() -> None:
    for library in (functional, F):
        x = torch.tensor([1.0, -1.0, 0.5]).requires_grad_()
        first = grad(library.huber_loss(x, torch.zeros(3), "sum"), x, create_graph=True)[0]
        assert grad(first.sum(), x)[0].tolist() == [0.0, 0.0, 1.0]


def test_broadcasting_warns_in_torch_s_words() -> None:
    x, t = torch.ones(2, 3), torch.ones(3)
    for name in NAMES:
        said = []
        for library in (functional, F):
            with pytest.warns(UserWarning, match="is different to the input size") as caught:
                getattr(library, name)(x, t)
            said.append([str(w.message) for w in caught])
        assert said[0] == said[1]


@pytest.mark.parametrize("old", [{"size_average": False}, {"reduce": False}, {"size_average": True, "reduce": True}])
def test_the_arguments_of_2018_win_with_torch_s_warning(old: dict[str, bool]) -> None:
    x, t, classes = quarters(0, 2, 3), quarters(1, 2, 3), torch.tensor([0, 2])
    calls = dict.fromkeys((*NAMES[:3], "binary_cross_entropy_with_logits"), (x, t))
    for name, arguments in {**calls, "cross_entropy": (x, classes), "nll_loss": (x, classes)}.items():
        results, said = [], []
        for library in (functional, F):
            with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated") as caught:
                results.append(getattr(library, name)(*arguments, **old, reduction="mean"))
            said.append([str(w.message) for w in caught])
        torch.testing.assert_close(*results, rtol=0, atol=1e-15)
        assert said[0] == said[1]


def test_the_mean_s_old_name_is_known() -> None:
    for library in (functional, F):
        with pytest.warns(UserWarning, match="reduction='elementwise_mean' is deprecated"):
            assert library.mse_loss(torch.ones(3), torch.zeros(3), reduction="elementwise_mean") == 1


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_complex_residuals_have_an_absolute_value(reduction: str) -> None:
    x, t = (torch.complex(quarters(n, 3, 4), quarters(n + 5, 3, 4)) for n in (0, 1))
    x[0, 0] = t[0, 0]
    for ours, theirs in zip(*derived("l1_loss", (x, t), reduction=reduction), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8])
def test_integers_have_absolute_errors_and_no_others(dtype: torch.dtype) -> None:
    x, t = torch.tensor([3, 200, 0]).to(dtype), torch.tensor([5, 100, 0]).to(dtype)
    for reduction in ("sum", "none"):
        ours, theirs = (library.l1_loss(x, t, reduction=reduction) for library in (functional, F))
        assert ours.dtype == theirs.dtype and torch.equal(ours, theirs)
    for name in ("mse_loss", "smooth_l1_loss", "huber_loss"):
        for library in (functional, F):
            with pytest.raises(NotImplementedError, match="not implemented for"):
                getattr(library, name)(x, t)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtypes", [("half", "half"), ("bfloat16", "float"), ("float", "double"), ("double", "float")])
def test_dtypes_are_torch_s(name: str, dtypes: tuple[str, str]) -> None:
    x, t = (getattr(quarters(n, 3, 4), dtype)() for n, dtype in enumerate(dtypes))
    for reduction in REDUCTIONS:
        ours, theirs = (getattr(library, name)(x, t, reduction=reduction) for library in (functional, F))
        torch.testing.assert_close(ours, theirs, rtol=4 * torch.finfo(theirs.dtype).eps, atol=0)


@pytest.mark.parametrize("library", [functional, F])
def test_a_corner_of_0_warns_once_of_two_sizes(library: Any) -> None:
    with pytest.warns(UserWarning, match="different to the input size") as warned:
        library.smooth_l1_loss(torch.ones(2, 3), torch.ones(3), beta=0)
    assert len(warned) == 1
