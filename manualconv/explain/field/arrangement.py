"""The rules of what moves, cuts, joins or reduces axes, and of what is computed entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import torch

from manualconv.explain.field.call import Call, rule
from manualconv.explain.field.reading import shifted
from manualconv.explain.field.tensor import Field, met, reshaped, seen_by_all

#: Entry by entry, but not one operator that torch tags so.
POINTWISE = (
    *("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "feature_dropout"),
    *(
        "contiguous",
        "to",
        "type",
        "type_as",
        "float",
        "double",
        "half",
        "bfloat16",
        "long",
        "int",
        "detach",
        "data",
        "real",
        "imag",
    ),
    *("requires_grad", "relu6", "rrelu", "softsign", "tanhshrink", "local_response_norm", "channel_shuffle"),
    *("native_channel_shuffle", "native_dropout", "cpu", "cuda", "__setitem__", "prelu", "logsigmoid"),
    *("hardswish", "bernoulli", "copy", "fill", "floor_divide", "subtract", "multiply", "negative", "scaled_tanh"),
)


@rule(*POINTWISE)
def pointwise(call: Call) -> Field:
    """An entry sees what the entries at its place see."""
    seeing, shape = call.seeing, call.outs[0].shape if call.outs else call.input.shape
    return met([call.fields[id(t)] for t in seeing], [t.shape for t in seeing], shape)


@rule("linear", "matmul", "mm", "__matmul__")
def _matrix(call: Call) -> Field:
    """x·W mixes the last axis of x; of two that see something all axes are mixed."""
    if len(call.seeing) > 1 or call.seeing[0] is not call.input or call.input.dim() != call.outs[0].dim():
        return _attended(call)
    return call.main.mixed([-1])


@rule("multi_head_attention_forward", "scaled_dot_product_attention", "bmm", "baddbmm")
def _attended(call: Call) -> Field:
    """Each result sees all that any argument sees."""
    fields = [call.fields[id(t)] for t in call.seeing]
    alone = seen_by_all([field.mixed(range(len(field.axes))) for field in fields])
    return Field((None,) * call.outs[0].dim(), *alone, any(field.uneven for field in fields))


@rule("einsum", "unfold", "fold")
def mixed(call: Call) -> Field:
    """At most that is seen: what is said of functions without a rule."""
    return _attended(call).beyond(*seen_by_all([call.fields[id(t)] for t in call.seeing]))


@rule("roll")
def _rolled(call: Call) -> Field:
    shifts, dims = ((n,) if isinstance(n, int) else n for n in (call.given(1, "shifts"), call.given(2, "dims", ())))
    if not dims:
        return mixed(call)
    axes = list(call.main.axes)
    for shift, dim in zip(shifts, dims):
        axis = axes[dim]
        axes[dim] = axis and axis.through(shifted(shift, mode="circular"), axis.size)
    return replace(call.main, axes=tuple(axes))


@rule("mean", "sum", "amax", "amin", "max", "min", "std", "var", "prod", "norm", "logsumexp", "argmax", "argmin", "any")
def _reduced(call: Call) -> Field:
    dim = call.given(1, "dim", call.kwargs.get("axis"))
    if isinstance(dim, torch.Tensor) or "other" in call.kwargs:
        return pointwise(call)
    if call.name == "norm":
        dim = call.given(2, "dim")
    count = call.input.dim()
    dims = set(range(count)) if dim is None else {d % count for d in ([dim] if isinstance(dim, int) else dim)}
    field = call.main.mixed(dims)
    if call.outs[0].dim() == count:
        return field
    return field.arranged([d for d in range(count) if d not in dims])


@rule("glu")
def _halved(call: Call) -> Field:
    return call.main.mixed([call.given(1, "dim", -1)])


@rule("view", "reshape", "flatten", "unflatten", "squeeze", "view_as", "reshape_as")
def _viewed(call: Call) -> Field:
    return reshaped(call.main, call.input.shape, call.outs[0].shape)


@rule("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "unsqueeze", "t", "T", "mT")
def _arranged(call: Call) -> Field:
    """The function says itself what it does, to a tensor whose dimensions all have other sizes."""
    probe = torch.empty([2 + dim for dim in range(call.input.dim())], device="meta")
    shape = call.function(probe, *call.args[1:], **{k: v for k, v in call.kwargs.items() if k != "input"}).shape
    return call.main.arranged([None if size == 1 else size - 2 for size in shape])


@rule("expand", "expand_as", "repeat", "tile")
def _repeated(call: Call) -> Field:
    return met([call.main], [call.input.shape], call.outs[0].shape) if _broadcasts(call) else mixed(call)


def _broadcasts(call: Call) -> bool:
    old, new = call.input.shape, call.outs[0].shape
    return len(old) <= len(new) and all(o in (1, n) for o, n in zip(old[::-1], new[::-1]))


@rule("cat", "concat", "concatenate")
def _joined(call: Call) -> Field:
    """Channels are joined; joined along an axis that is followed, it is followed no more."""
    dim = call.given(1, "dim", 0)
    fields = [call.fields[id(t)] for t in call.seeing]
    return _alike([field.mixed([dim]) for field in fields]).beyond(*seen_by_all(fields))


@rule("stack")
def _stacked(call: Call) -> Field:
    field = _alike([call.fields[id(t)] for t in call.seeing])
    order: list[int | None] = list(range(len(field.axes)))
    order.insert(call.given(1, "dim", 0) % (len(order) + 1), None)
    return field.arranged(order)


def _alike(fields: Sequence[Field]) -> Field:
    """Where branches meet dimension by dimension, whatever the sizes of those that are not followed."""
    shape = [max(axis.size if axis else 0 for axis in axes) for axes in zip(*(field.axes for field in fields))]
    return met(fields, [shape] * len(fields), shape)


@rule("chunk", "split", "split_with_sizes", "tensor_split", "unbind")
def _divided(call: Call) -> list[Field]:
    dim = call.given(1, "dim", 0) if call.name == "unbind" else call.given(2, "dim", 0)
    if call.name == "unbind":
        return [_indexed(call.main, [slice(None)] * (dim % call.input.dim()) + [q]) for q in range(len(call.outs))]
    sizes = [out.shape[dim] for out in call.outs]
    starts = accumulate(sizes, initial=0)
    lead = [slice(None)] * (dim % call.input.dim())
    return [_indexed(call.main, [*lead, slice(start, start + size)]) for start, size in zip(starts, sizes)]


@rule("narrow", "select")
def _cut(call: Call) -> Field:
    dim, start = call.given(1, "dim"), call.given(2, "start" if call.name == "narrow" else "index")
    index = start if call.name == "select" else slice(start, start + call.given(3, "length"))
    return _indexed(call.main, [slice(None)] * (dim % call.input.dim()) + [index], call.input.shape)


@rule("__getitem__")
def _taken(call: Call) -> Field:
    index = call.args[1] if isinstance(call.args[1], tuple) else (call.args[1],)
    if any(not isinstance(part, (int, slice, type(None), type(...))) or isinstance(part, bool) for part in index):
        return mixed(call)
    parts = list(index)
    if ... in parts:
        place = parts.index(...)
        named = sum(part is not None and part is not ... for part in parts)
        parts[place : place + 1] = [slice(None)] * (call.input.dim() - named)
    return _indexed(call.main, parts, call.input.shape)


def _indexed(field: Field, parts: Sequence[Any], shape: Sequence[int] | None = None) -> Field:
    """Behind an index of slices, numbers and None, one for each of the first dimensions."""
    order: list[int | None] = []
    dim = 0
    for part in parts:
        if part is None:
            order.append(None)
            continue
        axis = field.axes[dim]
        if axis is not None:
            cut = slice(part, part + 1 or None) if isinstance(part, int) else part
            start, stop, step = cut.indices(axis.size)
            if (start, stop, step) != (0, axis.size, 1):
                axis = axis.through(shifted(-start, step), len(range(start, stop, step)))
                field = replace(field, axes=(*field.axes[:dim], axis, *field.axes[dim + 1 :]))
        if isinstance(part, int):
            field = field.mixed([dim])
        else:
            order.append(dim)
        dim += 1
    return field.arranged([*order, *range(dim, len(field.axes))])
