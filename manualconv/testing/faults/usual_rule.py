"""The usual rule: five seeded normal inputs of one shape, the outputs compared by `allclose`.  What it lets pass.

It is asked of the same implementations as the examiner is, in the shape of a benchmark, against torch's own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manualconv.testing.adapters import adapted, torch_s
from manualconv.testing.faults.bank import Entry

TRIALS = 5
#: The tolerances, absolute and relative alike.
TOLERANCES = (1e-2, 1e-4)


def normal(*shape: int) -> Callable[[torch.Generator], Tensor]:
    """Normal numbers of a shape."""
    return lambda generator: torch.randn(shape, generator=generator)


def chances(*shape: int) -> Callable[[torch.Generator], Tensor]:
    """Numbers between 0 and 1."""
    return lambda generator: torch.rand(shape, generator=generator)


def classes(count: int, *shape: int) -> Callable[[torch.Generator], Tensor]:
    """Numbers of classes."""
    return lambda generator: torch.randint(count, shape, generator=generator)


ROWS = (16, 64)
IMAGES = (4, 8, 16, 16)
#: Tensors and options of one call of an operation, as benchmarks have them.
CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "conv1d": ((normal(4, 8, 32), normal(16, 8, 3), normal(16)), {"padding": 1}),
    "conv2d": ((normal(*IMAGES), normal(16, 8, 3, 3), normal(16)), {"padding": 1}),
    "conv3d": ((normal(2, 4, 8, 8, 8), normal(8, 4, 3, 3, 3), normal(8)), {"padding": 1}),
    "conv_transpose1d": ((normal(4, 8, 32), normal(8, 16, 3), normal(16)), {"stride": 2}),
    "conv_transpose2d": ((normal(*IMAGES), normal(8, 16, 3, 3), normal(16)), {"stride": 2}),
    "conv_transpose3d": ((normal(2, 4, 8, 8, 8), normal(4, 8, 3, 3, 3), normal(8)), {"stride": 2}),
    "linear": ((normal(*ROWS), normal(32, 64), normal(32)), {}),
    "max_pool1d": ((normal(4, 8, 32), (2,)), {}),
    "max_pool2d": ((normal(*IMAGES), (2, 2)), {}),
    "max_pool3d": ((normal(2, 4, 8, 8, 8), (2, 2, 2)), {}),
    "avg_pool1d": ((normal(4, 8, 32), 2), {}),
    "avg_pool2d": ((normal(*IMAGES), 2), {}),
    "avg_pool3d": ((normal(2, 4, 8, 8, 8), 2), {}),
    "lp_pool1d": ((normal(4, 8, 32), 2.0, 2), {}),
    "lp_pool2d": ((normal(*IMAGES), 2.0, 2), {}),
    "adaptive_avg_pool2d": ((normal(*IMAGES), (4, 4)), {}),
    "adaptive_avg_pool3d": ((normal(2, 4, 8, 8, 8), (4, 4, 4)), {}),
    "adaptive_max_pool1d": ((normal(4, 8, 32), 8), {}),
    "adaptive_max_pool2d": ((normal(*IMAGES), (4, 4)), {}),
    "fractional_max_pool2d": ((normal(*IMAGES), 2), {"output_size": 8, "_random_samples": chances(4, 8, 2)}),
    "fractional_max_pool3d": (
        (normal(2, 4, 8, 8, 8), 2),
        {"output_size": 4, "_random_samples": chances(2, 4, 3)},
    ),
    "batch_norm": ((normal(*IMAGES), None, None, normal(8), normal(8)), {"training": True}),
    "instance_norm": ((normal(*IMAGES), None, None, normal(8), normal(8)), {}),
    "layer_norm": ((normal(*ROWS), (64,), normal(64), normal(64)), {}),
    "group_norm": ((normal(*IMAGES), 2, normal(8), normal(8)), {}),
    "local_response_norm": ((normal(*IMAGES), 5), {}),
    "pad": ((normal(*IMAGES), (1, 1, 1, 1)), {}),
    "unfold": ((normal(*IMAGES), (3, 3)), {}),
    "fold": ((normal(4, 32, 64), (16, 16), (2, 2)), {"stride": (2, 2)}),
    "threshold": ((normal(*ROWS), 0.1, 20.0), {}),
    "softmax": ((normal(*ROWS),), {"dim": 1}),
    "log_softmax": ((normal(*ROWS),), {"dim": 1}),
    "softmin": ((normal(*ROWS),), {"dim": 1}),
    "dropout": ((normal(*ROWS), 0.5), {"training": False}),
    "nll_loss": ((normal(*ROWS), classes(64, 16)), {}),
    "cross_entropy": ((normal(*ROWS), classes(64, 16)), {}),
    "binary_cross_entropy": ((chances(*ROWS), chances(*ROWS)), {}),
    **{
        name: ((normal(*ROWS), normal(*ROWS)), {})
        for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy_with_logits")
    },
}


def passes(entry: Entry) -> dict[float, bool]:
    """Whether it lets an implementation pass, at each tolerance."""
    places, options = CALLS.get(entry.operation, ((normal(*ROWS),), {}))
    theirs, found = adapted(torch_s(entry.operation), entry.operation), dict.fromkeys(TOLERANCES, True)
    ours = adapted(entry.thing, entry.operation)
    for seed in range(TRIALS):
        generator = torch.Generator().manual_seed(seed)
        args = [draw(generator) if callable(draw) else draw for draw in places]
        more = {name: draw(generator) if callable(draw) else draw for name, draw in options.items()}
        with torch.no_grad():
            expected = theirs(*copy.deepcopy(args), **copy.deepcopy(more))
            try:
                got = ours(*args, **more)
            except Exception:
                return dict.fromkeys(TOLERANCES, False)
        for tolerance in TOLERANCES:
            alike = got.shape == expected.shape and torch.allclose(got, expected, tolerance, tolerance)
            found[tolerance] &= bool(alike)
    return found
