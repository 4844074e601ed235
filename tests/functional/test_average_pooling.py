"""avg_pool2d: exactly the loops, exactly torch, at both orders."""

import torch
import torch.nn.functional as F
from hypothesis import given
from torch.autograd import grad

from manualconv import functional
from tests import definitions
from tests.referee import first_gradients
from tests.strategies import Pooling, poolings

#: Every count of a window up to 4×4 and every drawn divisor divides this, so that means of its multiples are exact.
DIVISIBLE = 144


def avg_arguments(case: Pooling) -> dict[str, object]:
    """The keyword arguments of average pooling."""
    options = {name: getattr(case, name) for name in ("ceil_mode", "count_include_pad", "divisor_override")}
    return {**case.sizes, **options}


@given(case=poolings(dilated=False))
def test_mean_values_and_gradient_equal_the_loops(case: Pooling) -> None:
    x = (DIVISIBLE * case.input()).requires_grad_()
    divisor = definitions.divisors(case.window, case.ceil_mode, case.count_include_pad, case.divisor_override)
    y = functional.avg_pool2d(case.unbatch(x), **avg_arguments(case))
    expected = torch.from_numpy(definitions.avg_pool(x.detach().numpy(), case.window, divisor))
    assert torch.equal(y, case.unbatch(expected))
    cotangent = DIVISIBLE * case.cotangent(divisor.shape)
    expected = torch.from_numpy(definitions.avg_pool_gradient(cotangent.numpy(), case.window, divisor))
    assert torch.equal(grad(y, x, case.unbatch(cotangent))[0], expected)


@given(case=poolings(dilated=False))
def test_mean_values_first_and_second_gradients_equal_torch(case: Pooling) -> None:
    results = []
    for layer in (functional.avg_pool2d, F.avg_pool2d):
        x = (DIVISIBLE * case.input()).requires_grad_()
        y = layer(case.unbatch(x), **avg_arguments(case))
        cotangent = (DIVISIBLE**2 * case.cotangent(y.shape[-2:])).requires_grad_()
        first = first_gradients(y, [x], case.unbatch(cotangent))
        second = grad((first[0] ** 2).sum(), cotangent)
        results.append((y, *first, *second))
    assert all(map(torch.equal, *results))


@given(case=poolings(dilated=False))
def test_a_maximum_is_never_below_a_mean_of_the_same_window(case: Pooling) -> None:
    x = case.unbatch(case.input())
    mean = functional.avg_pool2d(x, **case.sizes, ceil_mode=case.ceil_mode, count_include_pad=False)
    highest = functional.max_pool2d(x, **case.sizes, ceil_mode=case.ceil_mode)
    assert torch.all(highest >= mean - 2**-40)


def test_integer_means_are_torch_s() -> None:
    x = torch.randint(-9, 9, (2, 3, 7, 8), generator=torch.Generator().manual_seed(0))
    assert torch.equal(functional.avg_pool2d(x, (3, 2), 2, 1), F.avg_pool2d(x, (3, 2), 2, 1))
