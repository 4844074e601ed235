"""Every operation inside an autocast block: the dtypes of its output and gradients are torch's, and so are the values.

Which operations autocast widens or lowers is asked of torch, here and now.  Values agree to the roundings of the
narrowest dtype that either side goes through: torch may round between steps where ours rounds once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from tests.layers.adaptive_pooling import PLACED
from tests.layers.dropout import SHAPES as MASKED
from tests.layers.dropout import seeded
from tests.layers.max_pooling import places
from tests.layers.tables import Shape, spread_out

Call = Callable[..., Tensor]


@dataclass(frozen=True)
class Operation:
    """A call of either library's function, and the shapes of its differentiable tensors."""

    call: Callable[..., Tensor]
    shapes: tuple[Shape, ...]

    def tensors(self, dtype: torch.dtype) -> tuple[Tensor, ...]:
        """Leaves in that dtype."""
        return tuple(spread_out(s, n).to(dtype).requires_grad_() for n, s in enumerate(self.shapes))


def named(name: str, *shapes: Shape, **options: Any) -> Operation:
    """The function of that name with these options."""
    return Operation(lambda library, *t: getattr(library, name)(*t, **options), shapes)


def with_indices(name: str, shape: Shape, **options: Any) -> Operation:
    """The values of a pooling that was asked for their places too: torch runs it by another operator."""
    return Operation(lambda library, x: getattr(library, name)(x, return_indices=True, **options)[0], (shape,))


def unpooling(ndim: int, shape: Shape) -> Operation:
    """Every entry to a place of its own."""
    return Operation(lambda library, y: getattr(library, f"max_unpool{ndim}d")(y, places(y.shape), 2), (shape,))


def fractional(ndim: int, shape: Shape) -> Operation:
    """From given places, which torch wants in the dtype that it pools in."""

    def call(library: Any, x: Tensor) -> Tensor:
        drawn = PLACED[..., :ndim].to(x.dtype)
        return getattr(library, f"fractional_max_pool{ndim}d")(x, 2, (2, 3, 3)[-ndim:], _random_samples=drawn)

    return Operation(call, (shape,))


def masking(name: str, shape: Shape) -> Operation:
    """The same mask for both."""
    return Operation(lambda library, x: seeded(getattr(library, name), x, 0.4, True), (shape,))


def likely(name: str, **options: Any) -> Operation:
    """A loss of probabilities."""

    def call(library: Any, x: Tensor, t: Tensor, *more: Tensor) -> Tensor:
        weight = {"weight": more[0]} if more else {}
        return getattr(library, name)(x / 8 + 0.5, t / 8 + 0.5, **weight, **options)

    return Operation(call, ROWS)


SIGNAL, IMAGE, VOLUME = (2, 4, 8), (2, 4, 6, 5), (2, 2, 4, 3, 5)
SPATIAL = dict(enumerate((SIGNAL, IMAGE, VOLUME), 1))
ROWS = ((3, 4), (3, 4))
CLASSES = torch.tensor([2, 0, 3])
POINTWISE = {
    **dict.fromkeys(("relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "leaky_relu", "elu", "celu", "selu"), ()),
    **dict.fromkeys(("sigmoid", "tanh", "logsigmoid", "softplus", "silu", "mish", "gelu"), ()),
    "threshold": (0.3, -1.5),
    "softmax": (1,),
    "log_softmax": (-1,),
    "softmin": (1,),
}

OPERATIONS: dict[str, Operation] = {
    **{
        name: Operation(lambda library, x, name=name, more=more: getattr(library, name)(x, *more), ((3, 4),))
        for name, more in POINTWISE.items()
    },
    "softmax to bfloat16": named("softmax", (3, 4), dim=1, dtype=torch.bfloat16),
    "softmax to float32": named("softmax", (3, 4), dim=1, dtype=torch.float32),
    "log_softmax to float32": named("log_softmax", (3, 4), dim=1, dtype=torch.float32),
    "linear": named("linear", (3, 5), (4, 5), (4,)),
    "linear without bias": named("linear", (3, 5), (4, 5)),
    "flatten": Operation(lambda library, x: (torch if library is F else library).flatten(x, 1), (IMAGE,)),
    **{f"conv{n}d": named(f"conv{n}d", SPATIAL[n], (2, SPATIAL[n][1], *(2,) * n), (2,)) for n in SPATIAL},
    **{
        f"conv_transpose{n}d": named(f"conv_transpose{n}d", SPATIAL[n], (SPATIAL[n][1], 2, *(2,) * n), (2,))
        for n in SPATIAL
    },
    **{
        f"pad {mode} of {n} axes": named("pad", SPATIAL[n], pad=(1,) * (2 * n), mode=mode)
        for mode in ("constant", "reflect", "replicate", "circular")
        for n in SPATIAL
    },
    "unfold": named("unfold", IMAGE, kernel_size=2),
    "fold": named("fold", (2, 12, 12), output_size=(4, 5), kernel_size=2),
    **{f"max_pool{n}d": named(f"max_pool{n}d", SPATIAL[n], kernel_size=2) for n in SPATIAL},
    **{f"max_pool{n}d with indices": with_indices(f"max_pool{n}d", SPATIAL[n], kernel_size=2) for n in SPATIAL},
    **{f"avg_pool{n}d": named(f"avg_pool{n}d", SPATIAL[n], kernel_size=2) for n in SPATIAL},
    **{f"lp_pool{n}d": named(f"lp_pool{n}d", SPATIAL[n], norm_type=2, kernel_size=2) for n in SPATIAL},
    **{
        f"adaptive_{kind}_pool{n}d": named(f"adaptive_{kind}_pool{n}d", SPATIAL[n], output_size=2)
        for kind in ("avg", "max")
        for n in SPATIAL
    },
    "adaptive_max_pool3d with indices": with_indices("adaptive_max_pool3d", VOLUME, output_size=2),
    **{f"max_unpool{n}d": unpooling(n, SPATIAL[n]) for n in SPATIAL},
    "fractional_max_pool2d": fractional(2, (2, 2, 6, 5)),
    "fractional_max_pool3d": fractional(3, (2, 2, 4, 5, 5)),
    **{name: masking(name, shape) for name, shape in MASKED.items()},
    **{name: masking(name, (3, 4)) for name in ("dropout", "alpha_dropout")},
    "feature_alpha_dropout": masking("feature_alpha_dropout", SIGNAL),
    "batch_norm": Operation(
        lambda library, x, w, b: library.batch_norm(x, None, None, w, b, True), (IMAGE, (4,), (4,))
    ),
    "batch_norm, float32 parameters": Operation(
        lambda library, x, w, b: library.batch_norm(x, None, None, w.float(), b.float(), True), (IMAGE, (4,), (4,))
    ),
    "layer_norm, float32 parameters": Operation(
        lambda library, x, w, b: library.layer_norm(x, (6, 5), w.float(), b.float()), (IMAGE, (6, 5), (6, 5))
    ),
    "group_norm, float32 parameters": Operation(
        lambda library, x, w, b: library.group_norm(x, 2, w.float(), b.float()), (IMAGE, (4,), (4,))
    ),
    "batch_norm without parameters": Operation(
        lambda library, x: library.batch_norm(x, None, None, None, None, True), (IMAGE,)
    ),
    "instance_norm": Operation(
        lambda library, x, w, b: library.instance_norm(x, None, None, w, b), (IMAGE, (4,), (4,))
    ),
    "layer_norm": Operation(lambda library, x, w, b: library.layer_norm(x, (6, 5), w, b), (IMAGE, (6, 5), (6, 5))),
    "group_norm": Operation(lambda library, x, w, b: library.group_norm(x, 2, w, b), (IMAGE, (4,), (4,))),
    **{
        f"local_response_norm of {n} axes": named("local_response_norm", SPATIAL[n], size=3, alpha=0.5) for n in SPATIAL
    },
    **{
        f"{name}, {reduction}": Operation(
            lambda library, x, name=name, r=reduction: getattr(library, name)(x, CLASSES, reduction=r), ((3, 4),)
        )
        for name in ("nll_loss", "cross_entropy")
        for reduction in ("none", "mean", "sum")
    },
    **{
        f"{name}, weighted": Operation(
            lambda library, x, w, name=name: getattr(library, name)(x, CLASSES, w.detach() + 3), ((3, 4), (4,))
        )
        for name in ("nll_loss", "cross_entropy")
    },
    "cross_entropy of probabilities": named("cross_entropy", *ROWS, label_smoothing=0.25),
    **{
        f"{name}, {reduction}": named(name, *ROWS, reduction=reduction)
        for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
        for reduction in ("none", "mean", "sum")
    },
    **{
        f"{name}, weighted, {reduction}": Operation(
            lambda library, x, t, w, name=name, r=reduction: getattr(library, name)(x, t, weight=w + 3, reduction=r),
            (*ROWS, (3, 4)),
        )
        for name in ("mse_loss", "l1_loss", "huber_loss")
        for reduction in ("none", "mean", "sum")
    },
    **{
        f"{name}, a bfloat16 target": Operation(
            lambda library, x, t, name=name: getattr(library, name)(x, t.bfloat16()), ROWS
        )
        for name in ("mse_loss", "l1_loss", "smooth_l1_loss")  # torch has no derivative of such a huber_loss
    },
    "mse_loss, weighted, a bfloat16 target": Operation(
        lambda library, x, t, w: library.mse_loss(x, t.bfloat16(), weight=w + 3), (*ROWS, (3, 4))
    ),
    "smooth_l1_loss without a bend": named("smooth_l1_loss", *ROWS, beta=0.0),
    **{
        f"{name}, {reduction}": likely(name, reduction=reduction)
        for name in ("binary_cross_entropy", "binary_cross_entropy_with_logits")
        for reduction in ("none", "mean")
    },
    "binary_cross_entropy_with_logits, weighted": Operation(
        lambda library, x, w, u: library.binary_cross_entropy_with_logits(
            x, x.detach() / 8 + 0.5, weight=w.detach() + 3, pos_weight=u.detach() + 3
        ),
        ((3, 4), (3, 4), (4,)),
    ),
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


def results(operation: Operation, library: Any, setting: str, backward_inside: bool) -> list[Tensor]:
    """The output and the gradients that there are."""
    dtype, cast, off = SETTINGS[setting]
    tensors = operation.tensors(dtype)

    def gradients(y: Tensor) -> tuple[Tensor | None, ...]:
        return grad(y, tensors, spread_out(tuple(y.shape), 5).to(y.dtype), allow_unused=True)

    with torch.autocast("cpu", cast), torch.autocast("cpu", enabled=False) if off else nullcontext():
        y = operation.call(library, *tensors)
        found = gradients(y) if backward_inside else ()
    return [y.detach(), *(g for g in found or gradients(y) if g is not None)]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_dtypes_and_values_are_torch_s(operation: Operation) -> None:
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
    assert {dtypes["mse_loss, mean"], dtypes["max_pool3d"], dtypes["local_response_norm of 2 axes"]} == {torch.float32}
    assert {dtypes["relu"], dtypes["max_pool2d"], dtypes["batch_norm"]} == {torch.bfloat16}
    assert results(OPERATIONS["linear"], F, "float32 in bfloat16", False)[0].dtype == torch.bfloat16
