"""A trace in words: a sum with its numbers for each step, the equation of a pass, and the PyTorch line of a layer."""

from __future__ import annotations

from collections.abc import Iterable

from manualconv.explain.text import aligned, by
from manualconv.explain.tracing.layer import Layer, X, indices
from manualconv.explain.tracing.operands import Grid, Number
from manualconv.explain.tracing.trace import Step, Term, Trace

KINDS = {
    "conv": "convolution",
    "conv_transpose": "transposed convolution",
    "max_pool": "max pooling",
    "avg_pool": "average pooling",
}


def number(value: Number) -> str:
    """A whole number whole, another one with four digits; with a true minus sign."""
    return (str(value) if isinstance(value, int) else f"{value:.4g}").replace("-", "−")


def _factor(value: Number) -> str:
    return f"({number(value)})" if value < 0 else number(value)


def product(term: Term) -> str:
    """``2·(−1)`` or ``4/9``."""
    text = "·".join(map(_factor, term.factors))
    return text if term.over == 1 else f"{text}/{term.over}"


def sentence(trace: Trace, step: Step) -> str:
    """What a step computes, with its numbers."""
    if trace.scatter is not None:
        return _scattered(trace, step)
    left, right = trace.written.name(step.at), number(step.sum)
    if trace.layer.kind == "max_pool":
        winner = next(term for term in step.terms if term.factors[1])
        place = trace.read[0].name(winner.read[0])
        if trace.key == "forward":
            return f"{left} = max({', '.join(number(term.factors[0]) for term in step.terms)}) = {right}, at {place}"
        return f"{left} = {place} = {right}, where the maximum was"
    if trace.layer.kind == "avg_pool":
        parts = " + ".join(_factor(term.factors[0]) for term in step.terms)
        return f"{left} = ({parts})/{step.terms[0].over} = {right}"
    parts = " + ".join([*([number(step.start)] if step.start else []), *map(product, step.terms)])
    return f"{left} = {parts} = {right}"


def _scattered(trace: Trace, step: Step) -> str:
    """``dy[0,1] = 3: dx[0,1] += 3·2 = 6, …``."""
    kept = [term for term in step.terms if term.to in trace.written.cells]
    lost, whole = len(step.terms) - len(kept), trace.layer.kind == "max_pool"
    if whole:
        kept = [term for term in kept if term.factors[1]]
    source = trace.read[trace.scatter or 0]
    parts = [f"{trace.written.name(term.to)} += {number(term.factors[0]) if whole else product(term)}" for term in kept]
    tail = [f"{lost} in the padding, lost"] if lost else []
    return f"{source.name(step.at)} = {number(source.cells[step.at])} is sent on: {', '.join(parts + tail)}"


def _at(layer: Layer, letter: str) -> str:
    """A tensor with its index: ``x[i]``, ``w[k]``, of a flipped layer ``w[K − 1 − k]``."""
    if letter in ("w", "v", "dw", "ddw"):
        return f"{letter}[{'K − 1 − k' if layer.flip else 'k'}]"
    of_input = letter in ("x", "u", "dx", "ddx")
    return f"{letter}[{'i' if of_input == (layer.source == X) else 'p'}]"


def equation(trace: Trace) -> str:
    """The pass in letters; each step puts its numbers in."""
    layer, place = trace.layer, "i = s·p + d·k − a"
    if trace.key == "bias":
        return "db[o] = Σ dy[o, p] over all p"
    if trace.key == "input-full":
        return f"dx[i] = Σ dy[i + d·k − a′] · w[{'k' if layer.flip else 'K − 1 − k'}], a′ = d·(K − 1) − a"
    if layer.is_pool and trace.key == "forward":
        return f"y[p] = {'max' if layer.kind == 'max_pool' else 'mean'} x[i] over all k, {place}"
    first = _at(layer, trace.read[0].letter)
    shares = {"max_pool": "M[p, k]", "avg_pool": "1/D"}
    second = shares.get(layer.kind) or _at(layer, trace.read[1].letter)
    sign = "= Σ" if trace.scatter is None else "+="
    return f"{_at(layer, trace.written.letter)} {sign} {first} · {second}, {place}"


def _pair(values: Iterable[int]) -> str:
    values = tuple(values)
    return str(values[0]) if len(set(values)) == 1 else repr(values)


def torch_line(layer: Layer) -> str:
    """What computes y in PyTorch: ``y = F.conv2d(x, w, stride=(2, 1))``."""
    window, ndim = layer.window, layer.window.ndim
    pads, x, tail = window.padding, "x", ""
    even = all(a == b for a, b in pads)
    if layer.kind == "avg_pool" and ndim == 3:  # torch's own does not count its padding where it asks for room
        even &= all(i >= k for i, k in zip(window.input_size, window.kernel_size))
    options = {
        "stride": (window.stride, 1),
        "padding": (tuple(a if even else 0 for a, _ in pads), 0),
        "dilation": (window.dilation, 1),
    }
    if not even and layer.kind == "conv_transpose":
        sizes = zip(pads, window.input_size)
        tail = f"[..., {', '.join(f'{a}:{a + size}' for (a, _), size in sizes)}]"
    elif not even:
        frame = ", ".join(str(side) for pair in reversed(pads) for side in pair)
        x = f"F.pad(x, ({frame}){', value=-torch.inf' if layer.kind == 'max_pool' else ''})"
    kept = (
        name for name, (value, usual) in options.items() if {*value} != {usual} or (layer.is_pool and name == "stride")
    )
    named = [f"{name}={_pair(options[name][0])}" for name in kept]
    if layer.is_pool:
        return f"y = F.{layer.kind}{ndim}d({', '.join([x, _pair(window.kernel_size), *named])})"
    w = f"w.flip({', '.join(map(str, range(2, 2 + ndim)))})" if layer.flip else "w"
    named += [f"groups={window.groups}"] if window.groups > 1 else []
    return f"y = F.{layer.kind}{ndim}d({', '.join([x, w, *named])}){tail}"


def pass_line(layer: Layer, key: str) -> str:
    """What computes a pass in PyTorch, behind `torch_line` and, of second order, behind the gradient's own line."""
    if key == "forward":
        return torch_line(layer)
    if key == "bias":
        return f"db = dy.sum({(0, *range(2, 2 + layer.window.ndim))})"
    if not key.startswith("second"):
        slot = "w" if key == "weight" else "x"
        return f"(d{slot},) = torch.autograd.grad(y, {slot}, dy, create_graph=True)"
    _, gradient, by = key.split("-")
    first, cotangent = ("dx", "u") if gradient == "input" else ("dw", "v")
    name = {"input": "x", "weight": "w", "output": "dy"}[by]
    return f"(d{'d' * (name != 'dy')}{name},) = torch.autograd.grad({first}, {name}, {cotangent}, retain_graph=True)"


def description(layer: Layer) -> str:
    """The layer in one line: kind, sizes, and what is not as usual."""
    window = layer.window
    size = window.output_size if layer.kind == "conv_transpose" else window.input_size
    parts = [f"input {by(size)}", f"kernel {by(window.kernel_size)}", f"stride {by(window.stride)}"]
    if window.is_padded:
        parts.append("padding " + "x".join(str(a) if a == b else f"{a}:{b}" for a, b in window.padding))
    if max(window.dilation) > 1:
        parts.append(f"dilation {by(window.dilation)}")
    if layer.is_pool:
        parts += [f"{layer.channels} channels"] if layer.channels > 1 else []
    elif max(layer.channels, layer.filters) > 1:
        inputs, outputs = (layer.channels, layer.filters)[:: 1 if layer.source == X else -1]
        parts.append(f"{inputs} channels, {outputs} filters, {window.groups} groups")
    return f"{'true ' * layer.flip}{KINDS[layer.kind]}: {', '.join(parts)}"


def relation(layer: Layer) -> str:
    """``i = 2p + k − 1`` of each axis: where tap k of placement p lies."""
    window, parts = layer.window, []
    for s, d, (a, _) in zip(window.stride, window.dilation, window.padding):
        steps, taps = (f"{n if n > 1 else ''}{letter}" for n, letter in ((s, "p"), (d, "k")))
        parts.append(f"i = {steps} + {taps}{f' − {a}' if a > 0 else f' + {-a}' if a < 0 else ''}")
    if len(set(parts)) == 1:
        return parts[0]
    return ", ".join(f"{part} on {axis}" for part, axis in zip(parts, ("slices", "rows", "columns")[-len(parts) :]))


def letters(traces: Iterable[Trace]) -> list[str]:
    """What the letters of these passes stand for."""
    found = list(traces)
    keys, kinds = {trace.key for trace in found}, {trace.layer.kind for trace in found}
    more = {
        "dy is the gradient of a loss by y": keys - {"forward"},
        "u and v are as dy is, of dx and dw": {key for key in keys if key.startswith("second")},
        "K is the kernel's size": keys & {"input-full"} or {t.key for t in found if t.layer.flip},
        "M is 1 at a window's maximum, else 0": kinds & {"max_pool"} and keys - {"forward"},
        "D is the number of taps": kinds & {"avg_pool"} and keys - {"forward"},
    }
    return [
        "p counts placements of the kernel, k its taps, i the positions that they fall on, all from 0;",
        "; ".join(["s stride, d dilation, a padding before", *(words for words, wanted in more.items() if wanted)]),
    ]


def _together(written: Grid) -> list[str]:
    """What all products that were sent on add up to, a table for each plane."""
    lead = written.size[: max(2, len(written.size) - 2)]
    lines = []
    for front in indices(lead):
        kept = ",".join(str(i) for i, size in zip(front, lead) if size > 1)
        name = f"{written.letter}[{kept}]" if kept else written.letter
        values = [number(value) for at, value in written.cells.items() if at[: len(lead)] == front]
        columns = written.size[-1]
        rows = [values[n : n + columns] for n in range(0, len(values), columns)]
        first, *rest = aligned(rows, left=0).split("\n")
        lines += [f"    sums     {name} = {first}", *(" " * (len(name) + 16) + row for row in rest)]
    return lines


def text(traces: Iterable[Trace], steps: slice) -> str:
    """The words of several passes: what each computes in letters, then each step with its numbers."""
    lines: list[str] = []
    for trace in traces:
        chosen = range(len(trace.steps))[steps]
        lines += ["", f"{trace.title}: {equation(trace)}", f"    {pass_line(trace.layer, trace.key)}"]
        lines += [f"    step {n:>{len(str(chosen[-1]))}}   {sentence(trace, trace.steps[n])}" for n in chosen]
        if trace.scatter is not None and len(chosen) == len(trace.steps):
            lines += _together(trace.written)
    return "\n".join(lines)
