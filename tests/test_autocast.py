"""Every operation inside an autocast block: the dtypes of its output and gradients are torch's, and so are the values.

Which operations autocast widens or lowers is asked of torch, here and now.  Values agree to the roundings of the
narrowest dtype that either side goes through: torch may round between steps where ours rounds once, at the end.
"""

from __future__ import annotations

from contextlib import nullcontext
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.functional.precision import POLICY
from manualconv.testing.cases.tensors import spread_out
from manualconv.testing.catalogue import OPERATIONS as CATALOGUE
from manualconv.testing.catalogue import Example

#: Of every function an example, and calls whose policy may be another: other arguments, dtypes and reductions.
OPERATIONS: dict[str, Example] = {
    label: example
    for each in CATALOGUE.values()
    for label, example in {**dict([*each.examples.items()][:1]), **each.autocast}.items()
    if hasattr(F, each.name) | hasattr(torch, each.name) and each.name not in ("unfold", "fold")  # askew
}
OPERATIONS |= {
    "unfold": Example("unfold", ((2, 3, 4, 5),), (2,)),
    "fold": Example("fold", ((2, 12, 12),), ((4, 5), 2)),
}


#: dtype of the tensors, autocast's dtype, and whether a block inside of it switches autocast off again.
SETTINGS: dict[str, tuple[torch.dtype, torch.dtype, bool]] = {
    "float32 in bfloat16": (torch.float32, torch.bfloat16, False),
    "bfloat16 in bfloat16": (torch.bfloat16, torch.bfloat16, False),
    "float32 in float16": (torch.float32, torch.float16, False),
    "float16 in bfloat16": (torch.float16, torch.bfloat16, False),
    "float16 in float16": (torch.float16, torch.float16, False),
    "float32 switched off inside": (torch.float32, torch.bfloat16, True),
    "bfloat16 switched off inside": (torch.bfloat16, torch.bfloat16, True),
}


def results(operation: Example, library: Any, setting: str, backward_inside: bool) -> list[Tensor]:
    """The output and the gradients that there are."""
    dtype, cast, off = SETTINGS[setting]
    tensors = operation.leaves(dtype=dtype)

    def gradients(y: Tensor) -> tuple[Tensor | None, ...]:
        return grad(y, tensors, spread_out(tuple(y.shape), 5).to(y.dtype), allow_unused=True)

    with torch.autocast("cpu", cast), torch.autocast("cpu", enabled=False) if off else nullcontext():
        y = operation.of(library)(*tensors)
        found = gradients(y) if backward_inside else ()
    return [y.detach(), *(g for g in found or gradients(y) if g is not None)]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_dtypes_and_values_are_torch_s(operation: Example) -> None:
    for setting, backward_inside in product(SETTINGS, (False, True)):
        ours = results(operation, functional, setting, backward_inside)
        try:
            theirs = results(operation, F, setting, backward_inside)
        except NotImplementedError:  # torch has no kernel for half precision on the CPU
            assert {t.dtype for t in ours} == {SETTINGS[setting][0]}, setting
            continue
        assert [t.dtype for t in ours] == [t.dtype for t in theirs], setting
        coarse = 4 * max(torch.finfo(t.dtype).eps for t in theirs)
        for got, expected in zip(ours, theirs):
            bound = coarse * float(expected.abs().max())
            torch.testing.assert_close(got.double(), expected.double(), rtol=0, atol=bound)


def test_autocast_alone_decides_what_the_settings_compare() -> None:
    """A table of operations that all kept their dtype would show nothing: each of torch's three policies is in it."""
    dtypes = {
        name: results(operation, F, "bfloat16 in bfloat16", False)[0].dtype for name, operation in OPERATIONS.items()
    }
    assert {dtypes["mse_loss, mean"], dtypes["max_pool3d"], dtypes["local_response_norm"]} == {torch.float32}
    assert {dtypes["relu"], dtypes["max_pool2d"], dtypes["batch_norm"]} == {torch.bfloat16}
    assert results(OPERATIONS["linear"], F, "float32 in bfloat16", False)[0].dtype == torch.bfloat16


def test_the_policy_is_of_functions_that_there_are() -> None:
    """A name that no function asks by would be a policy of nothing; operators that share a function have their own."""
    operators = {*(f"{kind}_pad{n}d" for kind in ("reflection", "replication") for n in (1, 2, 3))}
    named = {name.removesuffix(" of signals") for name in POLICY}
    assert named - operators - set(functional.__all__) == {"scaled_dot_product_attention"}
