"""Faults of layout, memory and autograd's protocol."""

import time
from typing import Any

import torch
from torch import Tensor

from manualconv.geometry import Window
from manualconv.testing.cases.tensors import behind
from manualconv.testing.faults.convolution.apart import FUNCTION, plant, save, to_bias, to_input, to_weight
from manualconv.testing.laws.convolution.implementations import layer
from manualconv.testing.laws.convolution.placement import read
from manualconv.testing.referee import convolution

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
    return framed[behind(*(slice(i) for i in window.input_size))]


plant(
    "layout",
    (
        "strides of w ignored",
        {"forward": lambda x, w, b, window: convolution(x, raw(w), b, window)},
        "candle#3735, #55781",
    ),
    ("strides of x ignored", {"forward": lambda x, w, b, window: convolution(raw(x), w, b, window)}),
    (
        "strides of the cotangent ignored in the input gradient",
        {"to_input": lambda w, y, window: to_input(w, raw(y), window)},
        "PR#708, #4500, fla#871, mmcv#737, flash-attention#355",
    ),
    (
        "strides of the cotangent ignored in the weight gradient",
        {"to_weight": lambda x, y, window: to_weight(x, raw(y), window)},
        "PR#708, #4500",
    ),
    ("channels last: the gradient ignores padding", {"to_input": _channels_last_padding}, "#188344"),
    (
        "view of a tensor that is not contiguous",
        {"forward": lambda x, w, b, window: convolution(x, w.view(-1).view(w.shape), b, window)},
    ),
)
plant("layout", ("storage offset ignored", {"forward": _offset_ignored}), by="C10")

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


plant(
    "memory",
    ("unread positions never written", {"to_input": _unwritten}, "burn#5308"),
    ("no samples, garbage", {"to_weight": _garbage_without_samples}, "NNlib.jl#763"),
    ("input overwritten", {"forward": _input_overwritten}),
)
overwritten = ("cotangent overwritten", {"to_input": _cotangent_overwritten})
plant("memory", overwritten, promises=FUNCTION - {"second order"})


def stale() -> dict[str, Any]:
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

    return {"setup": setup, "backward": backward}


def shared_between_threads() -> dict[str, Any]:
    """The forward's input goes through one buffer without a lock."""
    held: dict[Any, Tensor] = {}

    def forward(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
        buffer = held.setdefault((x.shape, x.dtype), torch.empty(x.shape, dtype=x.dtype))
        buffer.copy_(x)
        time.sleep(1e-4)  # where another thread may come in
        return convolution(buffer, w, b, window)

    return {"forward": forward}


def _leaking(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    save(ctx, inputs, output)
    ctx.kept = inputs[0]


def _cyclic(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    save(ctx, inputs, output)
    ctx.itself = [ctx]


plant("memory", ("one buffer for all calls", stale()), promises=FUNCTION - {"second order", "one node"}, by="D11")
plant("memory", ("one buffer for all threads", shared_between_threads()), by="D12")
plant(
    "memory",
    ("a tensor kept beside the saved ones", {"setup": _leaking}, "#5569"),
    ("a cycle through the context", {"setup": _cyclic}, "#25340"),
    by="D9",
)

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
plant(
    group,
    ("an intermediate is saved, and cuts the graph", {"to_weight": _intermediate}, "#58509, #76185, #104040"),
    ("the input gradient forgets w", {"to_input": lambda w, y, window: to_input(w.detach(), y, window)}, "#18619"),
    ("gradient through NumPy", {"to_input": _through_numpy}),
    by="D2",
)
plant(group, ("edits in place go unseen", {"setup": _unversioned}, "#24413"), by="D10")
sliced = {"forward": lambda x, w, b, window: convolution(x, w, b, window)[:]}
plant(group, ("a view is returned", sliced, "#14707, #73604"), by="D8")
plant(group, ("the input itself is returned", layer(_identity_returned)), by="C18")
plant(group, ("flags of the wanted gradients shifted", {"backward": _shifted_flags}), by="D5")
plant(group, ("gradients in another order", {"backward": _exchanged}))
plant(group, ("conv(x, x) has half its gradient", layer(_half_of_itself), "#183604"), by="D6")
plant(group, ("backward outside autocast fails", {}, "#87979, ao#4616"), promises=FUNCTION | {"autocast"}, by="D13")

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


plant(
    group,
    *((f"forward mode forgets {'xwb'[n]}", {"jvp": _tangent(*{0, 1, 2} - {n})}) for n in range(3)),
    promises=FUNCTION | {"forward mode"},
    by="D3",
)


def mapped(order: str, moved: bool = True) -> Any:
    """A vmap rule that folds the mapped axis into the samples, rightly or not."""

    def vmap(
        info: Any, dims: tuple[int | None, ...], x: Tensor, w: Tensor, b: Tensor | None, window: Window
    ) -> tuple[Tensor, int]:
        if dims[1] is not None or (len(dims) > 2 and dims[2] is not None) or dims[0] is None:
            tensors: list[Any] = [t if at is None or t is None else t.movedim(at, 0) for t, at in zip((x, w, b), dims)]
            rows = []
            for n in range(info.batch_size):
                x_n, w_n, b_n = (t if at is None or t is None else t[n] for t, at in zip(tensors, dims))
                rows.append(convolution(x_n, w_n, b_n, window))
            return torch.stack(rows), 0
        x = x.movedim(dims[0] if moved else 0, 0)
        size, n = x.shape[:2]
        y = convolution(x.flatten(0, 1), w, b, window)
        if order == "right":
            return y.unflatten(0, (size, n)), 0
        return y.reshape(n, size, *y.shape[1:]), 1

    return vmap


plant(
    group,
    ("vmap: samples and mapped axis in the other order", {"vmap": mapped("wrong")}),
    ("vmap: only axis 0 can be mapped", {"vmap": mapped("right", moved=False)}),
    promises=FUNCTION | {"vmap"},
    by="D4",
)
