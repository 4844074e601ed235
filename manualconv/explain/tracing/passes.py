"""The passes of a layer by the slots that they read and write: one table for every kind and order.

A layer is a map of slot `source` and w to slot `target`.  Put the cotangent in the empty slot, then empty the slot you
ask about: that gives ``dx`` and ``dw``.  They are maps of the same form, so the rule applies to them again, with the
cotangents u of dx and v of dw: ``second-input-weight`` is ∂⟨u, dx⟩/∂w, and so on.

Source: docs/SOURCES.md, B4 to B7 and B9.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from manualconv.explain.tracing.layer import Layer, W, X, Y
from manualconv.geometry import Window

if TYPE_CHECKING:
    from torch import Tensor

SECOND = ("second-input-weight", "second-input-output", "second-weight-input", "second-weight-output")
KEYS = ("forward", "input", "input-full", "weight", "bias", *SECOND)
#: What a word of the command line stands for, beside the keys themselves.
GROUPS = {"all": KEYS, "second": SECOND}


class Pass(NamedTuple):
    """What is written, ``(slot, letter)``, and what is read, in the order in which it is shown."""

    key: str
    title: str
    written: tuple[int, str]
    reads: tuple[tuple[int, str], ...]


def keys_of(layer: Layer, wish: str = "all") -> tuple[str, ...]:
    """The passes of a layer that a key or the word of a group names.

    Raises:
        ValueError: no such pass, or the layer has none of them.
    """
    for key in GROUPS.get(wish, (wish,)):
        if key not in KEYS:
            raise ValueError(f"a pass is one of {', '.join((*KEYS, *GROUPS))}, not {wish!r}")
    found = tuple(key for key in GROUPS.get(wish, (wish,)) if missing(layer, key) is None)
    if not found:
        raise ValueError(f"{layer.kind} has no pass {wish!r}: {missing(layer, wish)}")
    return found


def missing(layer: Layer, key: str) -> str | None:
    """Why a layer does not have a pass; None if it has it."""
    if layer.is_pool and key not in ("forward", "input", "second-input-output"):
        return "it has no weight, and its input gradient is scattered through the windows alone"
    if key == "input-full" and layer.kind == "conv_transpose":
        return "its input gradient is a convolution already, which the pass 'input' shows"
    return None


def of_layer(layer: Layer, key: str) -> Pass:
    """A pass of a layer, in its slots; `input-full` in the slots of the layer that `full` makes."""
    source, target = layer.source, layer.target
    title, written, first, second = {
        "forward": ("forward", (target, "y"), (source, "x"), (W, "w")),
        "input": ("input gradient", (source, "dx"), (target, "dy"), (W, "w")),
        "input-full": (
            f"input gradient as full convolution, {'the flipped w turned back' if layer.flip else 'w rotated by 180°'}",
            (Y, "dx"),
            (X, "dy"),
            (W, "w" if layer.flip else "w rotated"),
        ),
        "weight": ("weight gradient", (W, "dw"), (source, "x"), (target, "dy")),
        "second-input-weight": ("second order: ∂⟨u, dx⟩/∂w", (W, "ddw"), (source, "u"), (target, "dy")),
        "second-input-output": ("second order: ∂⟨u, dx⟩/∂dy", (target, "ddy"), (source, "u"), (W, "w")),
        "second-weight-input": ("second order: ∂⟨v, dw⟩/∂x", (source, "ddx"), (target, "dy"), (W, "v")),
        "second-weight-output": ("second order: ∂⟨v, dw⟩/∂dy", (target, "ddy"), (source, "x"), (W, "v")),
    }[key]
    reads = (first,) if layer.is_pool else (first, second)
    return Pass(key, title, written, reads)


def full(layer: Layer, dy: Tensor, w: Tensor) -> tuple[Layer, Tensor, Tensor]:
    """The input gradient as a convolution: its layer, dy with s − 1 zeros between neighbours, w rotated by 180°.

    With ỹ[s·p] = dy[p] and the taps counted from the other end, x[i] = Σ w̃[k′]·ỹ[i + d·k′ − a′] and
    a′ = d·(K − 1) − a, b′ = d·(K − 1) − b + r; manualconv/kernels/correlation/rotation.py derives it.  At stride 1
    nothing is stuffed, and without padding it is the full convolution.

    Args:
        layer: a convolution.
        dy: ``(N, O, *P)``.
        w: ``(O, C/g, *K)``; of a flipped layer the rotation is its second, which leaves w as it is.
    """
    from manualconv.kernels.correlation.rotation import rotated

    window = layer.window
    spread = tuple(s * (p - 1) + 1 for s, p in zip(window.stride, window.output_size))
    stuffed = dy.new_zeros((*dy.shape[:2], *spread))
    on: tuple[Any, ...] = (..., *(slice(None, None, s) for s in window.stride))
    stuffed[on] = dy
    pads = tuple((e - 1 - a, e - 1 - b + r) for e, (a, b), r in zip(window.extent, window.padding, window.leftover))
    axes = list(range(2, w.dim()))
    turned = Window(spread, window.kernel_size, (1,) * window.ndim, window.dilation, pads, window.groups)
    swapped = replace(layer, window=turned, channels=layer.filters, filters=layer.channels, flip=False)
    return swapped, stuffed, rotated(w.flip(axes) if layer.flip else w, window.groups)
