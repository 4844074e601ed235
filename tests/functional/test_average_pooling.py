"""avg_pool1d, avg_pool2d, avg_pool3d: exactly the loops, exactly torch, at both orders; dtypes, layouts, refusals."""

import re
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions, functional
from manualconv.testing.cases import Pooling, poolings
from manualconv.testing.cases.averaging import DIVISIBLE, averages, options
from manualconv.testing.judge import error
from manualconv.testing.ledger import ERRORS, checked
from manualconv.testing.referee import two_orders
from tests.layers import close, spread_out

BY_HAND = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}
REFEREE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
CASES = averages(2, 1, 3)
EVERY = pytest.mark.parametrize("ndim", [1, 2, 3])


def divisors(case: Pooling) -> np.ndarray:
    """What each window's sum is divided by."""
    return definitions.divisors(case.window, case.ceil_mode, case.count_include_pad, case.divisor_override)


@given(case=CASES)
def test_mean_values_first_and_second_gradients_equal_torch(case: Pooling) -> None:
    x, cotangent = DIVISIBLE * case.input(), DIVISIBLE**2 * case.cotangent(divisors(case).shape)
    ours, theirs = (
        two_orders(partial(layer, **options(case)), [case.unbatch(x)], case.unbatch(cotangent), [case.unbatch(x)])
        for layer in (BY_HAND[case.window.ndim], REFEREE[case.window.ndim])
    )
    assert all(map(torch.equal, ours, theirs))


@given(case=poolings(dilated=False))
def test_a_maximum_is_never_below_a_mean_of_the_same_window(case: Pooling) -> None:
    x = case.unbatch(case.input())
    mean = functional.avg_pool2d(x, **case.sizes, ceil_mode=case.ceil_mode, count_include_pad=False)
    highest = functional.max_pool2d(x, **case.sizes, ceil_mode=case.ceil_mode)
    assert torch.all(highest >= mean - 2**-40)


# ------------------------------------------------------------------------------------------------------- accuracy


@given(case=CASES, dtype=st.sampled_from((torch.float32, torch.float64, torch.float16, torch.bfloat16)))
def test_a_mean_of_k_numbers_is_within_k_plus_one_roundings(case: Pooling, dtype: torch.dtype) -> None:
    """G9: K − 1 additions and a division; in half precision float32's, and one rounding."""
    generator = torch.Generator().manual_seed(case.seed)
    ndim, divisor = case.window.ndim, divisors(case)
    x = case.input() + torch.rand(case.input().shape, generator=generator, dtype=torch.float64)
    x = x.to(dtype).requires_grad_()
    y = BY_HAND[ndim](case.unbatch(x), **options(case))
    cotangent = torch.rand((*x.shape[:2], *divisor.shape), generator=generator, dtype=torch.float64).to(dtype)
    (x_bar,) = grad(y, x, case.unbatch(cotangent))

    def exact(t: Tensor, g: Tensor, divisor: np.ndarray) -> tuple[Tensor, Tensor]:
        pooled = definitions.avg_pool(t.double().numpy(), case.window, divisor)
        return case.unbatch(torch.from_numpy(pooled)), torch.from_numpy(
            definitions.avg_pool_gradient(g.double().numpy(), case.window, divisor)
        )

    values = exact(x.detach(), cotangent, divisor)
    scales = exact(x.detach().abs(), cotangent, abs(divisor))
    bound = case.window.taps + 1 if dtype in (torch.float32, torch.float64) else 1.01
    for got, value, scale in zip((y, x_bar), values, scales):
        assert error(got, value, scale) <= bound


@EVERY
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_sum_under_a_mean_may_be_larger_than_its_dtype_holds(ndim: int, dtype: torch.dtype) -> None:
    large = torch.full((1, 1, *(4,) * ndim), 60000.0, dtype=dtype, requires_grad=True)
    y = BY_HAND[ndim](large, 4)
    assert torch.equal(y, large.detach()[..., :1].reshape(-1)[:1].reshape(y.shape))
    assert grad(y.sum(), large)[0].eq(1 / 4**ndim).all()


# ---------------------------------------------------------------------------------------- dtypes, layouts, shapes


@EVERY
def test_integer_means_are_cut_towards_zero_as_torch_s(ndim: int) -> None:
    x = torch.randint(-9, 9, (2, 3, 7, 8, 6)[: ndim + 2], generator=torch.Generator().manual_seed(0))
    arguments = ((3, 2, 2)[:ndim], 2, (1, 0, 1)[:ndim], True)
    assert torch.equal(BY_HAND[ndim](x, *arguments), REFEREE[ndim](x, *arguments))
    if ndim > 1:
        assert torch.equal(BY_HAND[ndim](x, 2, divisor_override=-3), REFEREE[ndim](x, 2, divisor_override=-3))


@pytest.mark.parametrize(("ndim", "form"), [(2, torch.channels_last), (3, torch.channels_last_3d)])
def test_results_lie_in_memory_as_torch_s(ndim: int, form: torch.memory_format) -> None:
    """Images keep their channels innermost, volumes do not."""
    strides = []
    for layer in (BY_HAND[ndim], REFEREE[ndim]):
        x = spread_out((2, 3, 5, 4, 6)[: ndim + 2]).contiguous(memory_format=form).requires_grad_()
        y = layer(x, 2, 1, 1)
        g = grad(y, x, spread_out(y.shape), create_graph=True)[0]
        strides.append((y.stride(), g.stride()))
    assert strides[0] == strides[1]


@EVERY
def test_without_samples_the_gradient_is_empty_and_without_a_cotangent_there_is_none(ndim: int) -> None:
    x = torch.zeros((0, 3, 4, 4, 4)[: ndim + 2], requires_grad=True)
    y = BY_HAND[ndim](x, 2)
    assert y.shape == (0, 3, 2, 2, 2)[: ndim + 2]
    assert grad(y.sum(), x)[0].shape == x.shape
    undefined = torch._C._functions.UndefinedGrad()(BY_HAND[ndim](x, 2))
    assert grad(undefined, x, torch.zeros_like(y), allow_unused=True) == (None,)


# --------------------------------------------------------------------------------------------------- bad calls

#: What is wrong with a call: another number, or what becomes of its input.
BAD: dict[str, dict[str, Any]] = {
    "kernel 0": {"kernel_size": 0},
    "kernel 0, stride 1": {"kernel_size": 0, "stride": 1},
    "kernel -1": {"kernel_size": -1},
    "stride 0": {"stride": 0},
    "stride -1": {"stride": -1},
    "padding -1": {"padding": -1},
    "padding beyond half": {"kernel_size": 3, "padding": 2},
    "a wide window": {"kernel_size": 20},
    "axes too few": {"input": lambda x: x[0, 0]},
    "no axes": {"input": lambda x: x.sum()},
    "axes too many": {"input": lambda x: x[None]},
    "no channels": {"input": lambda x: x[:, :0]},
    "no positions": {"input": lambda x: x[..., :0]},
    "too many kernels": {"kernel_size": (2,) * 4},
    "too many strides": {"stride": (2,) * 4},
    "no paddings": {"padding": ()},
    "a word": {"kernel_size": "3"},
    "a fraction": {"kernel_size": 2.5},
    "no kernel": {"kernel_size": None},
    "a bool": {"kernel_size": True},
    "fractions": {"kernel_size": (2.0,)},
    "a word for stride": {"stride": "1"},
    "a fraction of padding": {"padding": 1.0},
    "ceil_mode 1": {"ceil_mode": 1},
    "ceil_mode None": {"ceil_mode": None},
    "count_include_pad 1": {"count_include_pad": 1},
    "no tensor": {"input": lambda x: None},
    "an array": {"input": lambda x: x.numpy()},
    "a sparse tensor": {"input": lambda x: x.to_sparse()},
    "a kernel of 40 bits": {"kernel_size": 2**40},
    "a stride of 62 bits": {"stride": 2**62},
    "a kernel of 70 bits": {"kernel_size": 2**70},
    **{
        str(dtype): {"input": lambda x, dtype=dtype: x.to(dtype)}
        for dtype in (torch.int32, torch.bool, torch.complex64)
    },
}
DIVISORS: dict[str, dict[str, Any]] = {
    "divisor 0": {"divisor_override": 0},
    "a fraction of a divisor": {"divisor_override": 2.5},
    "a bool for a divisor": {"divisor_override": True},
    "a divisor of 70 bits": {"divisor_override": 2**70},
}
#: Opening letters of a message that must be torch's, unless its first line is shorter.
OPENING = 100


def bad(ndim: int) -> dict[str, dict[str, Any]]:
    """The mistakes one can make in so many dimensions."""
    return BAD if ndim == 1 else {**BAD, **DIVISORS}


def refusals(ndim: int, *changes: dict[str, Any]) -> list[pytest.ExceptionInfo[Exception]]:
    """What torch and ours raise for a call with these mistakes: errors of one type."""
    arguments: dict[str, Any] = {"kernel_size": 2}
    x: Any = torch.ones((2, 4, 8, 9, 7)[: ndim + 2])
    for change in changes:
        for key, value in change.items():
            if key != "input":
                arguments[key] = value
            else:
                x = value(x)
    found = []
    for layer in (REFEREE[ndim], BY_HAND[ndim]):
        with pytest.raises(Exception) as refusal:  # noqa: PT011  (the type asked for is torch's)
            layer(x, arguments["kernel_size"], **{k: v for k, v in arguments.items() if k != "kernel_size"})
        found.append(refusal)
    assert found[1].type is found[0].type, (changes, found)
    return found


@pytest.mark.parametrize(("ndim", "mistake"), [(n, m) for n in (1, 2, 3) for m in bad(n)])
def test_what_torch_refuses_is_refused_in_its_words(ndim: int, mistake: str) -> None:
    # torch tells the position of what was passed by position.
    theirs, ours = (re.sub(r" \(position \d\)", "", str(r.value)) for r in refusals(ndim, bad(ndim)[mistake]))
    with checked(f"avg_pool{ndim}d", ERRORS):
        assert ours.startswith(theirs.split("\n")[0][:OPENING])


@EVERY
def test_two_mistakes_at_once_have_torch_s_type(ndim: int) -> None:
    for one, other in combinations(bad(ndim).values(), 2):
        if "input" not in one or "input" not in other:
            refusals(ndim, one, other)


@EVERY
def test_what_torch_takes_for_a_number_is_one(ndim: int) -> None:
    x = spread_out((2, 3, 6, 5, 4)[: ndim + 2])
    for size in (torch.tensor(2), np.int64(2), (2,), [2] * ndim, (2, *(True,) * (ndim - 1))):
        close(BY_HAND[ndim](x, size), REFEREE[ndim](x, size))
    for stride in (None, (), []):
        assert torch.equal(BY_HAND[ndim](x, 2, stride), BY_HAND[ndim](x, 2, 2))
