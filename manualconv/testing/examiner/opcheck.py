"""torch's own check of operators: their schema, fake kernel, autograd registration and traces."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from manualconv.testing.catalogue import Question
from manualconv.testing.examiner.features import recorded
from manualconv.testing.laws.operation import Broken
from manualconv.testing.operators import arguments, parameters

OPCHECK = "torch's own opcheck finds nothing"
#: Of a profile's cases, so many are checked: each is traced.
SHARE = 0.04
#: What opcheck looks at, as a person says it.
MEANS = {
    "test_schema": "the schema",
    "test_autograd_registration": "the registration of its gradient",
    "test_faketensor": "the fake kernel",
    "test_aot_dispatch_dynamic": "the trace with symbolic sizes",
}


def is_plain(question: Question) -> bool:
    """opcheck asks of a schema and of shapes, not of memory: contiguous tensors with entries."""
    return all(t.is_contiguous() and t.numel() for t in question.inputs)


def opcheck(operator: Any, operation: str, question: Question, dtype: torch.dtype, differentiated: bool) -> None:
    """Raise `Broken` with what torch says."""

    def leaf(t: Any) -> Any:
        if not isinstance(t, Tensor) or not t.is_floating_point():
            return t
        return t.detach().to(dtype).requires_grad_(differentiated)

    call = recorded((question.alone or question.of), question.inputs)
    assert call is not None
    _, args, options = call
    named = {name: leaf(value) for name, value in options.items()}
    places, names = arguments(parameters(operator), operation, tuple(map(leaf, args)), named)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said_of: dict[str, Any] = dict(torch.library.opcheck(operator, places, names, raise_exception=False))
    for name, found in said_of.items():
        if isinstance(found, BaseException):
            said = " ".join(str(found).split())[:200]
            raise Broken(f"opcheck finds a fault in {MEANS.get(name, name)}: {type(found).__name__}: {said}")
