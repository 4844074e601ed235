"""The size calculator: a convolution's or pooling's output, what of its input is read, and what it costs.

    convolution, pooling      o = ⌊(i + a + b − d·(k − 1) − 1)/s⌋ + 1        padding a before and b after, 2p if equal
    transposed convolution    o = (i − 1)·s − a − b + d·(k − 1) + 1 + more     more: the output padding

Source: SPEC A2, A8 to A16; Dumoulin and Visin, *A guide to convolution arithmetic for deep learning*, arXiv 1603.07285.
"""

from __future__ import annotations

from math import prod
from typing import Any

from manualconv.explain.arithmetic.inverse import Question
from manualconv.explain.arithmetic.sizing import Sizing, sizing_of, whole
from manualconv.explain.figure import Figure
from manualconv.explain.text import alike, ranges, size
from manualconv.geometry import Axes, Pair

#: How many positions are at most listed one by one, and counted.
FEW, COUNTED = 16, 100_000
NAMES = ("output", "input", "kernel", "stride", "padding", "dilation", "output padding")


def arith(
    input_size: int | Axes | None = None,
    kernel_size: int | Axes | None = None,
    stride: int | Axes | None = None,
    padding: Any = None,
    dilation: int | Axes = 1,
    *,
    output_size: int | Axes | None = None,
    ceil_mode: bool = False,
    transposed: bool = False,
    output_padding: int | Axes = 0,
    channels: int | None = None,
    filters: int | None = None,
    groups: int = 1,
) -> Figure:
    """The size of a layer's output with the numbers filled in, or the numbers that give a size.

    Args:
        input_size, kernel_size, stride, dilation: one number for every axis, or one per axis; the stride is 1 if None.
        padding: a number, numbers, ``(before, after)`` pairs, or ``'valid'``, ``'same'``, ``'full'``; 0 if None.
        output_size: asks the other way round: which input sizes give it, if there is none; else which kernels, strides
            or paddings, whichever are None.
        ceil_mode: a last window that is not full counts, as pooling has it.
        transposed, output_padding: of a transposed convolution.
        channels, filters, groups: of the input, the output and between them: also count parameters.

    Returns:
        A `Figure` of text.

    Raises:
        ValueError: a layer that cannot be; the sentence has its numbers.
        TypeError: no whole numbers.

    Example:
        >>> from manualconv.explain import arith
        >>> print(arith(28, 5))
        o = ⌊(i + 2p − d·(k − 1) − 1)/s⌋ + 1      i input, p padding, d dilation, k kernel, s stride
          = ⌊(28 + 2·0 − 1·(5 − 1) − 1)/1⌋ + 1 = 24
        every position is read
    """
    if output_size is not None:
        if channels is not None or filters is not None:
            raise ValueError("an output size asks for a layer's numbers: leave channels and filters out")
        given = (output_size, input_size, kernel_size, stride, padding, dilation, output_padding)
        o, i, k, s, p, d, more = (value if value is None else whole(name, value) for name, value in zip(NAMES, given))
        return Figure("arithmetic of sizes", Question(o, i, k, s, p, d, more, transposed, ceil_mode).answer())
    if input_size is None or kernel_size is None:
        raise ValueError(
            "give the input and the kernel, as --input 28 --kernel 5, or an --output to ask for one of them"
        )
    pads = 0 if padding is None else padding
    layer = sizing_of(
        input_size, kernel_size, 1 if stride is None else stride, pads, dilation, transposed, ceil_mode, output_padding
    )
    lines = [*_equations(layer), *_padded(padding, layer), *_read(layer), *_counted(layer, channels, filters, groups)]
    return Figure("arithmetic of sizes", "\n".join(lines))


def _equations(layer: Sizing) -> list[str]:
    window = layer.window()
    assert layer.input_size is not None
    out = window.input_size if layer.transposed else window.output_size
    numbers = zip(layer.input_size, layer.kernel, layer.stride, layer.dilation, layer.padding, out)
    even = all(a == b for a, b in layer.padding)
    if layer.transposed:
        more = layer.more or (0,) * len(out)
        symbols = f"o = (i − 1)·s − {'2p' if even else 'a − b'} + d·(k − 1) + 1 + more"
        lines = [
            f"({i} − 1)·{s} − {_sides(pad, ' − ')} + {d}·({k} − 1) + 1 + {m} = {o}"
            for (i, k, s, d, pad, o), m in zip(numbers, more)
        ]
    else:
        left, right = "⌈⌉" if layer.ceil else "⌊⌋"
        symbols = f"o = {left}(i + {'2p' if even else 'a + b'} − d·(k − 1) − 1)/s{right} + 1"
        lines = [
            f"{left}({i} + {_sides(pad, ' + ')} − {d}·({k} − 1) − 1)/{s}{right} + 1 = "
            + (_ceiling(-(-(i + sum(pad) - d * (k - 1) - 1) // s) + 1, o) if layer.ceil else str(o))
            for i, k, s, d, pad, o in numbers
        ]
    body = alike(lines)
    sign = "= " if len(set(lines)) == 1 else ""
    pads = "p padding" if even else "a, b padding before and after"
    symbols += f"      i input, {pads}, d dilation, k kernel, s stride{', more output padding' * layer.transposed}"
    return [symbols, *(f"  {sign}{line}" for line in body), *([f"output {size(out)}"] if len(out) > 1 else [])]


def _sides(pad: Pair, sign: str) -> str:
    a, b = pad
    return f"2·{a}" if a == b else f"{a}{sign}{b}"


def _ceiling(full: int, o: int) -> str:
    """The size, and why a last window that would start in the padding does not count."""
    return str(o) if o == full else f"{full}, less the last window, which would start in the padding: {o}"


def _padded(word: Any, layer: Sizing) -> list[str]:
    """What a word for padding means here."""
    if not isinstance(word, str):
        return []
    lines = [f"padding '{word}': {a} before, {b} after" for a, b in layer.padding]
    note = ["torch takes padding 'same' at stride 1 alone"] if word == "same" and set(layer.stride) != {1} else []
    return [*alike(lines), *note]


def _read(layer: Sizing) -> list[str]:
    """Which positions take part in how many windows, of the larger map: the input, or a transposed layer's output."""
    window = layer.window()
    if max(window.input_size) > COUNTED:
        return [f"which positions are {'reached' if layer.transposed else 'read'} is counted up to {COUNTED:,}"]
    verb, other = ("reached", "inputs") if layer.transposed else ("read", "outputs")
    what = "output" if layer.transposed else "input"
    lines = []
    for i, k, s, d, (a, _), o in zip(
        window.input_size, window.kernel_size, window.stride, window.dilation, window.padding, window.output_size
    ):
        times = [0] * i
        for position in (s * p + d * t - a for p in range(o) for t in range(k)):
            if 0 <= position < i:
                times[position] += 1
        unread = [n for n, count in enumerate(times) if not count]
        never = (
            f"of the {what}'s {i} positions never {verb}: {ranges(unread)}" if unread else f"every position is {verb}"
        )
        often = f"; by so many {other} each: {' '.join(map(str, times))}" if i <= FEW else ""
        lines.append(f"{never}{often}")
    return alike(lines)


def _counted(layer: Sizing, channels: int | None, filters: int | None, groups: int) -> list[str]:
    """Parameters, beside those of a dense layer with the same inputs and outputs, and multiplications."""
    if channels is None and filters is None:
        return []
    if channels is None or filters is None:
        raise ValueError("parameters need both: the channels of the input and the filters")
    if min(channels, filters, groups) < 1 or channels % groups or filters % groups:
        raise ValueError(f"{groups} groups must divide {channels} channels and {filters} filters, all at least 1")
    window, taps = layer.window(), prod(layer.kernel)
    assert layer.input_size is not None
    out = window.input_size if layer.transposed else window.output_size
    weights = channels * filters // groups * taps
    dense = channels * prod(layer.input_size) * filters * prod(out)
    places = prod(window.output_size)
    depth = f"{channels}/{groups}" if groups > 1 else f"{channels}"
    return [
        f"volume {size((channels, *layer.input_size))} → {size((filters, *out))}",
        f"parameters {filters}·{depth}·{size(layer.kernel)} + {filters} = {weights + filters:,}; "
        f"a dense layer has {dense:,} weights, {dense / (weights + filters):,.0f} times as many",
        f"multiply-adds {weights:,}·{size(window.output_size)} = {weights * places:,}",
    ]
