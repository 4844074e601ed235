"""The normalisations; they are smooth, not linear, so that loops and quotients agree up to rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manualconv import definitions
from manualconv.definitions import Array
from manualconv.testing.cases import Normalization, normalizations
from manualconv.testing.cases.normalization import KINDS
from manualconv.testing.cases.tensors import spread_out, unshared
from manualconv.testing.catalogue.operation import Example, Layer, Operation, grown
from manualconv.testing.catalogue.question import SMOOTH, Apply, Proof, Question, Shape, call, function

RESPONSE = (3, 0.5, 0.75, 1.5)
RESPONSES = tuple(permutations(RESPONSE[1:]))
#: Asks for the input's own statistics.
OWN: dict[str, dict[str, Any]] = {"batch": {"training": True}, "instance": {"use_input_stats": True}}
#: Running statistics that every dtype holds exactly.
MEAN, VARIANCE = (-0.5, 0.25, 0.0, 1.0), (0.5, 1.0, 4.0, 0.25)
Axes = Callable[[Tensor], tuple[int, ...]]

# ---------------------------------------------------------------------------------------------- in plain arithmetic


def _refused(x: Tensor) -> None:
    """A variance is a square of real numbers."""
    if not x.is_floating_point():
        raise NotImplementedError("normalisation is of real numbers")


def _standardized(x: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
    _refused(x)
    m = torch.Size([x.shape[axis] for axis in axes]).numel()
    centred = x - x.sum(axes, keepdim=True) / m
    return centred / ((centred * centred).sum(axes, keepdim=True) / m + eps) ** 0.5


def _affine(standardized: Callable[[Tensor], Tensor], channels: bool = True) -> Apply:
    """``γ·x̂ + β``, whichever there is, of one number a channel or one for each of the last axes."""

    def apply(x: Tensor, w: Tensor | None = None, b: Tensor | None = None) -> Tensor:
        behind = (1,) * (x.dim() - 2) if channels else ()
        y = standardized(x)
        y = y if w is None else y * w.reshape(*w.shape, *behind)
        return y if b is None else y + b.reshape(*b.shape, *behind)

    return apply


def _over(axes: Axes, eps: float, channels: bool = True) -> Apply:
    """By the mean over some axes.

    torch's own normalisations are no referee of every order: inside torch.func their derivative by weight and then by
    input is not the one by input and then by weight, and difference quotients agree with the latter.
    """
    return _affine(lambda x: _standardized(x, axes(x), eps), channels)


def _in_groups(groups: int, eps: float) -> Apply:
    def standardized(x: Tensor) -> Tensor:
        return _standardized(x.unflatten(1, (groups, -1)).flatten(2), (2,), eps).reshape(x.shape)

    return _affine(standardized)


def _of_evaluation(eps: float) -> Apply:
    """By statistics that are given."""

    def standardized(x: Tensor) -> Tensor:
        _refused(x)
        mean, variance = (t.reshape(-1, *(1,) * (x.dim() - 2)) for t in _kept(x))
        return (x - mean) / (variance + eps) ** 0.5

    return _affine(standardized)


def _kept(x: Tensor) -> tuple[Tensor, ...]:
    """The statistics of as many channels as there are."""
    return tuple(torch.tensor(t[: x.shape[1]], dtype=x.dtype, device=x.device) for t in (MEAN, VARIANCE))


def _response(size: int, alpha: float, beta: float, k: float) -> Apply:
    """The sum over neighbouring channels is a product with a matrix of zeros and ones."""

    def apply(x: Tensor) -> Tensor:
        _refused(x)
        c = torch.arange(x.shape[1])
        first = c.unsqueeze(1) - size // 2
        near = ((c >= first) & (c < first + size)).to(x.dtype)
        squares = (x * x).reshape(x.shape[0], x.shape[1], -1)
        mean = (near.reshape(1, *near.shape, 1) * squares.unsqueeze(1)).sum(2) / size
        return x / (k + alpha * mean).reshape(x.shape) ** beta

    return apply


# --------------------------------------------------------------------------------------------------- on drawn cases


def smaller(case: Normalization) -> Normalization:
    """The same layer with few numbers, no two of them in one place of memory, and an ε that keeps it smooth."""
    batch, channels, *size = case.shape
    batch = min(max(batch, 1), 2) if case.kind != "batch" else 2
    each = 1 if case.kind != "group" else min(channels // case.number, 2)
    shape = (batch, case.number * each if case.kind == "group" else min(channels, 2), *(min(s, 2) for s in size[:2]))
    if case.kind == "instance":
        shape = (*shape[:-1], 2)
    if case.kind == "group" and batch * each * torch.Size(shape[2:]).numel() == 1:
        shape = (2, *shape[1:])
    number = min(case.number, len(shape) - 1) if case.kind == "layer" else case.number
    layouts = unshared(case.layouts)
    return replace(case, shape=shape, number=number, layouts=layouts, eps=0.3)


def running(case: Normalization) -> tuple[Tensor, Tensor]:
    """A mean and a variance that were kept for every channel."""
    shape = case.shape[1:2]
    return spread_out(shape, case.seed + 2), 0.5 + spread_out(shape, case.seed + 3).abs()


def _given(case: Normalization) -> dict[str, Tensor]:
    """γ and β, those that there are."""
    return {name: t for name, t in zip(("weight", "bias"), case.parameters()) if t is not None}


def _question(case: Normalization, of: Any, forth: Callable[..., Array], back: Callable[..., Any]) -> Question:
    """Of a layer of x, γ and β."""
    given = _given(case)

    def loops() -> list[Any]:
        arrays = {"weight": np.ones(case.parameter_shape), "bias": np.zeros(case.parameter_shape)}
        arrays |= {name: t.numpy() for name, t in given.items()}
        x_bar, *bars = back(arrays["weight"], case.cotangent().numpy())
        return [forth(*arrays.values()), x_bar, *(bar for bar, there in zip(bars, case.affine) if there)]

    def apply(library: Any) -> Apply:
        return lambda x, *tensors: of(library, x, **{"weight": None, "bias": None, **dict(zip(given, tensors))})

    return Question(apply, (case.input(), *given.values()), case.cotangent(), loops, SMOOTH)


def by_own(case: Normalization, keeps: bool = False) -> Question:
    """The layer by its input's own statistics, running ones overwritten if it `keeps` them."""
    x, kept = case.input().numpy(), running(case)

    def of(library: Any, x: Tensor, **given: Any) -> Any:
        if not keeps:
            return case.apply(library, x, **given)
        layer = function(library, f"{case.kind}_norm")
        return layer(x, *(t.to(x.dtype, copy=True) for t in kept), **given, eps=case.eps, **OWN[case.kind])

    where = (case.key, case.place, case.eps)
    return _question(
        case,
        of,
        lambda weight, bias: definitions.norm(x, weight, bias, *where),
        lambda weight, dy: definitions.norm_gradients(x, weight, dy, *where),
    )


def by_running(case: Normalization) -> Question:
    """The layer in evaluation: by statistics that were kept, constants."""
    kept = running(case)
    mean, variance = (t.numpy() for t in kept)
    other = {name: not value for name, value in OWN[case.kind].items()}

    def of(library: Any, x: Tensor, **given: Any) -> Any:
        return function(library, f"{case.kind}_norm")(x, *(t.to(x.dtype) for t in kept), **given, eps=case.eps, **other)

    x_hat = definitions.standardize_by(case.input().numpy(), mean, variance, case.eps)

    def back(weight: Array, dy: Array) -> list[Array]:
        dx_hat, *bars = definitions.scale_and_shift_gradients(x_hat, weight, dy, case.place)
        return [definitions.standardize_by_gradient(dx_hat, variance, case.eps), *bars]

    return _question(case, of, lambda weight, bias: definitions.scale_and_shift(x_hat, weight, bias, case.place), back)


def response(case: Normalization) -> Question:
    """Local response normalisation of the same tensors."""
    shape = case.shape if len(case.shape) > 2 else (*case.shape, 2)
    x, g = spread_out(shape, case.seed), spread_out(shape, case.seed + 1)
    numbers: Any = (1 + case.seed % 8, *RESPONSES[case.seed // 8 % len(RESPONSES)])

    def loops() -> list[Any]:
        back = definitions.local_response_norm_gradient(x.numpy(), g.numpy(), *numbers)
        return [definitions.local_response_norm(x.numpy(), *numbers), back]

    return Question(call("local_response_norm", *numbers), (x,), g, loops, SMOOTH)


def by_own_and_kept(case: Normalization) -> Question:
    """The layer by its input's own statistics, which it keeps."""
    return by_own(case, keeps=True)


CASES = {kind: normalizations(kinds=(kind,)) for kind in KINDS}


def _proofs(kind: str) -> dict[str, Proof]:
    """By its own statistics, and where it keeps some, keeping them and by them."""
    cases = CASES[kind]
    found = {f"{kind}_norm": Proof(cases, smaller, by_own)}
    if kind in OWN:
        found[f"{kind}_norm, statistics kept"] = Proof(cases, smaller, by_own_and_kept, seldom=True)
        found[f"{kind}_norm, evaluation"] = Proof(cases, smaller, by_running, seldom=True)
    return found


# -------------------------------------------------------------------------------------------------- the operations


def _trained(function: Any) -> Apply:
    """By the input's own statistics, tensors first; instance norm's flag stands in the same place."""
    return lambda x, weight, bias, eps: function(x, None, None, weight, bias, True, 0.1, eps)


def _evaluated(function: Any) -> Apply:
    """By statistics that are given."""
    return lambda x, weight, bias, eps: function(x, *_kept(x), weight, bias, False, 0.1, eps)


def _behind(function: Any) -> Apply:
    """The number before the parameters in torch's order, behind them here."""
    return lambda x, weight, bias, number, eps: function(x, number, weight, bias, eps)


def _in_float32(form: Callable[[Any], Apply]) -> Callable[[Any], Apply]:
    """With float32 parameters, whatever the input is."""
    return lambda function: lambda x, w, b, *numbers: form(function)(x, w.float(), b.float(), *numbers)


def _moved(module: Any) -> Any:
    """A layer whose parameters and running statistics are not those it starts with."""
    with torch.no_grad():
        for seed, t in enumerate((*module.parameters(), *module.buffers())):
            if t.is_floating_point():
                t.copy_(1.5 + spread_out(tuple(t.shape), seed) / 2)
    return module


CHANNELS, IMAGE = ((2, 3, 2, 3), (3,), (3,)), ((3, 4, 2, 3), (4,), (4,))
EPS, ROW_EPS = 0.5, 0.25


def _example(name: str, form: Any, plain: Callable[..., Apply], shapes: Any, row: Any, *numbers: Any) -> Any:
    """An example, the row, and a call under autocast with float32 parameters."""
    example = Example(
        name,
        shapes,
        (*numbers, EPS),
        {},
        form,
        other=plain(EPS),
        exact=False,
        unbatched=form is _behind and len(shapes[1]) > 1,
    )
    return (
        example,
        replace(example, shapes=row, arguments=(*numbers, ROW_EPS), plain=plain(ROW_EPS), other=None),
        {f"{name}, float32 parameters": replace(example, form=_in_float32(form))},
    )


def _over_batch(x: Tensor) -> tuple[int, ...]:
    return (0, *range(2, x.dim()))


def _over_places(x: Tensor) -> tuple[int, ...]:
    return tuple(range(2, x.dim()))


SIZES: tuple[Shape, ...] = ((2, 3, 4), (2, 3, 2, 3), (2, 3, 2, 1, 3))


def _lazy(kind: str, options: tuple[dict[str, Any], ...]) -> tuple[Layer, ...]:
    return tuple(
        Layer(f"Lazy{kind}Norm{n}d", (), size, more, grown(size))
        for n, (size, more) in enumerate(zip(SIZES, options), 1)
    )


_batch, _batch_row, _batch_cast = _example("batch_norm", _trained, lambda eps: _over(_over_batch, eps), CHANNELS, IMAGE)
_evaluation, _evaluation_row, _ = _example("batch_norm", _evaluated, _of_evaluation, CHANNELS, IMAGE)
_instance, _instance_row, _ = _example("instance_norm", _trained, lambda eps: _over(_over_places, eps), CHANNELS, IMAGE)
_layer, _layer_row, _layer_cast = _example(
    *("layer_norm", _behind, lambda eps: _over(lambda x: (-2, -1), eps, False)),
    *(((3, 2, 2, 3), (2, 3), (2, 3)), ((3, 2, 3), (2, 3), (2, 3)), (2, 3)),
)
_group, _group_row, _group_cast = _example(
    "group_norm", _behind, lambda eps: _in_groups(2, eps), ((2, 4, 2, 3), (4,), (4,)), IMAGE, 2
)
_local = Example(
    "local_response_norm", ((2, 4, 2, 3),), RESPONSE, plain=_response(*RESPONSE), exact=False, unbatched=False
)

OPERATIONS = (
    Operation(
        "batch_norm",
        {"batch_norm": _batch, "batch_norm in evaluation": _evaluation},
        (
            Layer("BatchNorm1d", (3,), SIZES[0], prepared=_moved),
            Layer("BatchNorm2d", (3, 0.5), (4, 3, 2, 3), {"momentum": 0.3}, _moved, twin=True, unbatched=False),
            Layer("BatchNorm3d", (3,), SIZES[2], prepared=lambda layer: _moved(layer).eval()),
            *_lazy("Batch", ({}, {"affine": False}, {})),
        ),
        _proofs("batch"),
        {"batch_norm": _batch_row, "batch_norm, evaluation": _evaluation_row},
        {
            **_batch_cast,
            "batch_norm without parameters": Example(
                *("batch_norm", ((2, 4, 6, 5),), (), {}, lambda norm: lambda x: norm(x, None, None, None, None, True))
            ),
        },
    ),
    Operation(
        "instance_norm",
        {"instance_norm": _instance},
        (
            Layer("InstanceNorm1d", (3,), SIZES[0]),
            Layer("InstanceNorm2d", (3, 0.5, 0.1, True), (4, 3, 2, 3), prepared=_moved, twin=True),
            Layer("InstanceNorm3d", (3,), SIZES[2], {"track_running_stats": True}),
            *_lazy("Instance", ({}, {"affine": True}, {})),
        ),
        _proofs("instance"),
        {"instance_norm": _instance_row},
    ),
    Operation(
        "layer_norm",
        {"layer_norm": _layer},
        (Layer("LayerNorm", ((2, 3), 0.5), (4, 4, 2, 3), prepared=_moved, twin=True),),
        _proofs("layer"),
        {"layer_norm": _layer_row},
        _layer_cast,
    ),
    Operation(
        "group_norm",
        {"group_norm": _group},
        (Layer("GroupNorm", (2, 4, 0.5), (4, 4, 2, 3), prepared=_moved, twin=True, unbatched=False),),
        _proofs("group"),
        {"group_norm": _group_row},
        _group_cast,
    ),
    Operation(
        "local_response_norm",
        {"local_response_norm": replace(_local, plain=None)},
        (Layer("LocalResponseNorm", (3, 0.5, 0.6, 2.0), (2, 4, 2, 3)),),
        {"local_response_norm": Proof(CASES["instance"], smaller, response)},
        {"local_response_norm": replace(_local, shapes=IMAGE[:1])},
        {
            f"local_response_norm of {len(size)} axes": replace(_local, shapes=(size,))
            for size in ((2, 4, 8), (2, 2, 4, 3, 5))
        },
    ),
)
