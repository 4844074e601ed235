"""Reports about derivatives that get lost because a number was given as a tensor (row 16 of the cases)."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from manualconv import by_hand, functional

WAYS: dict[str, tuple[Any, Callable[[], Any]]] = {"functional": (functional, nullcontext), "by_hand": (F, by_hand)}
X = torch.tensor([-3.0, 0.25, 2.0])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64])
@pytest.mark.parametrize("place", [0, 1])
def test_a_limit_with_a_gradient_is_refused(way: str, inplace: bool, dtype: torch.dtype, place: int) -> None:
    """The limit's gradient was None without a word; torch takes no tensor that has one."""
    module, around = WAYS[way]
    limit = torch.tensor(0.5, requires_grad=True)
    limits = (-limit, 1.0) if place == 0 else (-1.0, limit)
    for where, wrapped in ((module, around), (F, nullcontext)):
        with (
            wrapped(),
            pytest.raises(TypeError, match=r"^hardtanh_?\(\): argument 'm.._val' .* must be Number, not Tensor"),
        ):
            where.hardtanh(X.to(dtype), *limits, inplace)


@pytest.mark.parametrize("way", WAYS)
def test_a_limit_under_a_functional_gradient_is_no_zero(way: str) -> None:
    """`torch.func.grad` gave 0 in silence; `jvp` raised an error about functorch's own names."""
    module, around = WAYS[way]

    def reach(limit: torch.Tensor) -> torch.Tensor:
        return module.hardtanh(X, -limit, limit).sum()

    with around(), pytest.raises(TypeError, match="must be Number, not Tensor"):
        torch.func.grad(reach)(torch.tensor(0.5))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("limit", ["a", [1], torch.tensor([0.5]), np.array(0.5)], ids=repr)
def test_a_limit_that_is_no_number_is_refused(way: str, limit: Any) -> None:
    module, around = WAYS[way]
    with (
        around(),
        pytest.raises(TypeError, match=r"^hardtanh_?\(\): argument 'min_val' \(position 2\) must be Number, not"),
    ):
        module.hardtanh(X, limit, limit)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "limit", [1, True, 0.5, torch.tensor(0.5), torch.tensor(1), np.float32(0.5), np.int64(1)], ids=repr
)
def test_a_number_of_any_kind_is_a_limit(way: str, limit: Any) -> None:
    module, around = WAYS[way]
    with around():
        assert torch.equal(module.hardtanh(X, 0, limit), F.hardtanh(X, 0, limit))
