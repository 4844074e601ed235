"""Faults of layout, memory and autograd's protocol."""

import time
from typing import Any

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.testing.laws.convolution.implementations import layer
from manualconv.testing.laws.convolution.layer import Layer
from manualconv.testing.laws.convolution.placement import read
from manualconv.testing.referee import convolution
from tests.faults.bank import FUNCTION, function, plant, plant_rules, save, to_bias, to_input, to_weight

# ------------------------------------------------------------------------------------------------------- layout


def raw(t: Tensor, offset: bool = True) -> Tensor:
    """The numbers as they would be read if the tensor were contiguous, from the start of its storage if not offset."""
    stride = torch.empty(t.shape, device="meta").stride()
    storage = torch.as_strided(t, (t.untyped_storage().size() // t.element_size(),), (1,), 0)
    start = t.storage_offset() if offset else 0
    wanted = t.numel()
    numbers = storage[start : start + wanted]
    numbers = torch.cat([numbers, numbers.new_zeros(wanted - len(numbers))])
    return numbers.as_strided(t.shape, stride)


def _offset_ignored(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    return convolution(raw(x, offset=False) if x.is_contiguous() else x, w, b, window)


def _channels_last_padding(w: Tensor, y: Tensor, window: Window) -> Tensor:
    if y.is_contiguous():
        return to_input(w, y, window)
    framed = to_input(w, y, window.unpadded())
    return framed[(..., *(slice(i) for i in window.input_size))]


group = "layout"
plant_rules(
    "strides of w ignored",
    group,
    "candle#3735, #55781",
    forward=lambda x, w, b, window: convolution(x, raw(w), b, window),
)
plant_rules("strides of x ignored", group, forward=lambda x, w, b, window: convolution(raw(x), w, b, window))
plant_rules(
    "strides of the cotangent ignored in the input gradient",
    group,
    "PR#708, #4500, fla#871, mmcv#737, flash-attention#355",
    to_input=lambda w, y, window: to_input(w, raw(y), window),
)
plant_rules(
    "strides of the cotangent ignored in the weight gradient",
    group,
    "PR#708, #4500",
    to_weight=lambda x, y, window: to_weight(x, raw(y), window),
)
plant_rules("storage offset ignored", group, by="C10", forward=_offset_ignored)
plant_rules("channels last: the gradient ignores padding", group, "#188344", to_input=_channels_last_padding)
plant_rules(
    "view of a tensor that is not contiguous",
    group,
    forward=lambda x, w, b, window: convolution(x, w.view(-1).view(w.shape), b, window),
)

# ------------------------------------------------------------------------------------------------------- memory


def _unwritten(w: Tensor, y: Tensor, window: Window) -> Tensor:
    x = to_input(w, y, window)
    fresh = torch.empty(x.shape, dtype=x.dtype)
    return torch.where(read(window).expand(x.shape), x, fresh)


def _garbage_without_samples(x: Tensor, y: Tensor, window: Window) -> Tensor:
    w = to_weight(x, y, window)
    return w if x.shape[0] else w + 7


def _cotangent_overwritten(w: Tensor, y: Tensor, window: Window) -> Tensor:
    x = to_input(w, y, window)
    y.zero_()
    return x


def _input_overwritten(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    y = convolution(x, w, b, window)
    x.data.clamp_(min=0)
    return y


group = "memory"
plant_rules("unread positions never written", group, "burn#5308", to_input=_unwritten)
plant_rules("no samples, garbage", group, "NNlib.jl#763", to_weight=_garbage_without_samples)
plant_rules("cotangent overwritten", group, promises=FUNCTION - {"second order"}, to_input=_cotangent_overwritten)
plant_rules("input overwritten", group, forward=_input_overwritten)


def stale() -> Layer:
    """The padded input is kept in one buffer per shape, which the next call of that shape overwrites."""
    held: dict[Any, Tensor] = {}

    def setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        save(ctx, inputs, output)
        x = inputs[0]
        ctx.buffer = held.setdefault((x.shape, x.dtype), torch.empty(x.shape, dtype=x.dtype))
        ctx.buffer.copy_(x.detach())

    def backward(ctx: Any, y_bar: Tensor) -> tuple[Any, ...]:
        _, w = ctx.saved_tensors
        return to_input(w, y_bar, ctx.window), to_weight(ctx.buffer, y_bar, ctx.window), to_bias(y_bar), None

    return function(setup=setup, backward=backward)


def shared_between_threads() -> Layer:
    """The forward's input goes through one buffer without a lock."""
    held: dict[Any, Tensor] = {}

    def forward(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
        buffer = held.setdefault((x.shape, x.dtype), torch.empty(x.shape, dtype=x.dtype))
        buffer.copy_(x)
        time.sleep(1e-4)  # where another thread may come in
        return convolution(buffer, w, b, window)

    return function(forward)


def _leaking(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    save(ctx, inputs, output)
    ctx.kept = inputs[0]


def _cyclic(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    save(ctx, inputs, output)
    ctx.itself = [ctx]


plant("one buffer for all calls", group, stale(), "", FUNCTION - {"second order", "one node"}, by="D11")
plant("one buffer for all threads", group, shared_between_threads(), "", FUNCTION, by="D12")
plant_rules("a tensor kept beside the saved ones", group, "#5569", by="D9", setup=_leaking)
plant_rules("a cycle through the context", group, "#25340", by="D9", setup=_cyclic)

# ---------------------------------------------------------------------------------------------- custom Function


def _intermediate(x: Tensor, y: Tensor, window: Window) -> Tensor:
    return to_weight(x.detach(), y, window)


def _unversioned(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, w, _, ctx.window = inputs
    ctx.save_for_backward(x.data, w.data)


def _shifted_flags(ctx: Any, y_bar: Tensor) -> tuple[Any, ...]:
    x, w = ctx.saved_tensors
    wanted = (*ctx.needs_input_grad[1:3], ctx.needs_input_grad[0])
    return (
        to_input(w, y_bar, ctx.window) if wanted[0] else None,
        to_weight(x, y_bar, ctx.window) if wanted[1] else None,
        to_bias(y_bar) if wanted[2] else None,
        None,
    )


def _exchanged(ctx: Any, y_bar: Tensor) -> tuple[Any, ...]:
    x, w = ctx.saved_tensors
    return to_weight(x, y_bar, ctx.window), to_input(w, y_bar, ctx.window), to_bias(y_bar), None


def _through_numpy(w: Tensor, y: Tensor, window: Window) -> Tensor:
    return torch.from_numpy(to_input(w.detach(), y.detach(), window).numpy())


def _identity_returned(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    y = convolution(x, w, b, window)
    return x if y.shape == x.shape and torch.equal(x, y) else y


def _half_of_itself(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    return convolution(x, w.detach() if w is x else w, b, window)


group = "custom Function"
plant_rules(
    "an intermediate is saved, and cuts the graph", group, "#58509, #76185, #104040", by="D2", to_weight=_intermediate
)
plant_rules(
    "the input gradient forgets w",
    group,
    "#18619",
    by="D2",
    to_input=lambda w, y, window: to_input(w.detach(), y, window),
)
plant_rules("edits in place go unseen", group, "#24413", by="D10", setup=_unversioned)
plant_rules(
    "a view is returned",
    group,
    "#14707, #73604",
    by="D8",
    forward=lambda x, w, b, window: convolution(x, w, b, window)[:],
)
plant("the input itself is returned", group, layer(_identity_returned), by="C18")
plant_rules("flags of the wanted gradients shifted", group, by="D5", backward=_shifted_flags)
plant_rules("gradients in another order", group, backward=_exchanged)
plant_rules("gradient through NumPy", group, by="D2", to_input=_through_numpy)
plant("conv(x, x) has half its gradient", group, layer(_half_of_itself), "#183604", by="D6")
plant_rules("backward outside autocast fails", group, "#87979, ao#4616", promises=FUNCTION | {"autocast"}, by="D13")

# ------------------------------------------------------------------------------------------ forward mode and vmap


def _tangent(*kept: int) -> Any:
    """A jvp rule that knows only some of the tangents of x, w, b."""

    def jvp(ctx: Any, x_dot: Tensor | None, w_dot: Tensor | None, b_dot: Tensor | None, _: None) -> Tensor:
        x, w = ctx.saved_tensors
        terms = (
            None if x_dot is None else convolution(x_dot, w, None, ctx.window),
            None if w_dot is None else convolution(x, w_dot, None, ctx.window),
            None if b_dot is None else b_dot.reshape(-1, *(1,) * ctx.window.ndim),
        )
        zero = torch.zeros((x.shape[0], w.shape[0], *ctx.window.output_size), dtype=x.dtype)
        return sum((t for n, t in enumerate(terms) if n in kept and t is not None), zero)

    return jvp


forward_mode = FUNCTION | {"forward mode"}
plant_rules("forward mode forgets b", group, promises=forward_mode, by="D3", jvp=_tangent(0, 1))
plant_rules("forward mode forgets w", group, promises=forward_mode, by="D3", jvp=_tangent(0, 2))
plant_rules("forward mode forgets x", group, promises=forward_mode, by="D3", jvp=_tangent(1, 2))


def mapped(order: str, moved: bool = True) -> Any:
    """A vmap rule that folds the mapped axis into the samples, rightly or not."""

    def vmap(
        info: Any, dims: tuple[int | None, ...], x: Tensor, w: Tensor, b: Tensor | None, window: Window
    ) -> tuple[Tensor, int]:
        if dims[1] is not None or (len(dims) > 2 and dims[2] is not None) or dims[0] is None:
            tensors = [t if at is None or t is None else t.movedim(at, 0) for t, at in zip((x, w, b), dims)]
            rows = [
                convolution(*(t if at is None or t is None else t[n] for t, at in zip(tensors, dims)), window)
                for n in range(info.batch_size)
            ]
            return torch.stack(rows), 0
        x = x.movedim(dims[0] if moved else 0, 0)
        size, n = x.shape[:2]
        y = convolution(x.flatten(0, 1), w, b, window)
        if order == "right":
            return y.unflatten(0, (size, n)), 0
        return y.reshape(n, size, *y.shape[1:]), 1

    return vmap


vmapped = FUNCTION | {"vmap"}
plant_rules("vmap: samples and mapped axis in the other order", group, promises=vmapped, by="D4", vmap=mapped("wrong"))
plant_rules("vmap: only axis 0 can be mapped", group, promises=vmapped, by="D4", vmap=mapped("right", moved=False))
