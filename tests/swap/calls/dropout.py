"""Calls of dropout, each from one seed."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from manualconv.testing.catalogue.dropout import seeded
from tests.swap.calls.call import ROWS, Calls

SHAPES = {"dropout2d": (2, 3, 4, 2), "dropout3d": (2, 3, 2, 2, 2)}


def _raw(name: str) -> Calls:
    """torch's function and its in-place form."""
    plain, overwriting = getattr(torch, name), getattr(torch, f"{name}_")
    return {
        plain: [
            (partial(seeded, lambda x: plain(x, 0.4, True)), (ROWS,)),
            (partial(seeded, lambda x: plain(x, 0.4, False) * 1), (ROWS,)),
        ],
        overwriting: [(partial(seeded, lambda x: overwriting(x * 1, 0.4, True)), (ROWS,))],
    }


def _function(name: str) -> Calls:
    """torch.nn.functional's, plain and in place."""
    function, shape = getattr(F, name), SHAPES.get(name, ROWS)
    options: dict[str, Any] = {"p": 0.4, "training": True}
    return {
        function: [
            (partial(seeded, lambda x: function(x, **options)), (shape,)),
            (partial(seeded, lambda x: function(x * 1, **options, inplace=True)), (shape,)),
        ]
    }


CALLS: Calls = {
    **{
        theirs: calls
        for name in ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
        for theirs, calls in _raw(name).items()
    },
    **{
        theirs: calls
        for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
        for theirs, calls in _function(name).items()
    },
}
