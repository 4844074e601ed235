"""``python -m train trace``: back-propagation through the 2-3-2-1 network of sigmoid units, every number printed.

With y⁰ = x, s the sigmoid, t the target, l = 1 … L the layers, j a unit of layer l and i one of the layer before:

    net^l_j = Σ_i w^l_ji y^{l−1}_i + b^l_j              y^l_j = s(net^l_j),  s′ = y (1 − y)
    E       = ½ Σ_j (t_j − y^L_j)²
    δ^L_j   = (y^L_j − t_j) · y^L_j (1 − y^L_j)         δ = ∂E/∂net
    δ^l_j   = (Σ_k w^{l+1}_kj δ^{l+1}_k) · y^l_j (1 − y^l_j)
    ∂E/∂w^l_ji = δ^l_j y^{l−1}_i                        ∂E/∂b^l_j = δ^l_j
    w ← w − η ∂E/∂w                                     every layer at once, after all δ are known

`back_propagate` is these lines and nothing else; the program then asks the layers of ``manualconv.nn`` for the same
gradients through autograd and prints the largest difference.

Source: notes on convolution (squared error and back-propagation, step by step, B17, C1).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

import torch
from torch import Tensor, nn

from train import machine
from train.errors import NonFiniteError
from train.machine import Machine
from train.models import perceptron
from train.options import TraceOptions

SIZES = (2, 3, 2, 1)
BOUND = 1e-12  # between the equations and autograd, both in float64

Pairs = list[tuple[Tensor, Tensor | None]]  # a layer's weights (units, inputs) and biases (units,), or no biases


@dataclass(frozen=True)
class Step:
    """One step of gradient descent: lists over the layers 1 … L, ``y`` over 0 … L; every tensor is (units,)."""

    before: Pairs
    net: list[Tensor]
    y: list[Tensor]
    t: Tensor
    error: float
    delta: list[Tensor]
    gradient: list[Tensor]  # of the weights, (units, inputs); of the biases it is delta
    after: Pairs


def back_propagate(pairs: Pairs, x: Tensor, t: Tensor, eta: float) -> Step:
    """x: (inputs,); t: (outputs,) → one step of gradient descent on E, by the equations above."""
    net: list[Tensor] = []
    y = [x]
    for w, b in pairs:
        net.append(w @ y[-1] if b is None else w @ y[-1] + b)
        y.append(1 / (1 + torch.exp(-net[-1])))
    delta = [(y[-1] - t) * y[-1] * (1 - y[-1])]
    for (w, _), y_l in zip(pairs[:0:-1], y[-2:0:-1]):
        delta.insert(0, (w.T @ delta[0]) * y_l * (1 - y_l))
    gradient = [torch.outer(d, y_l) for d, y_l in zip(delta, y)]
    after: Pairs = [(w - eta * g, None if b is None else b - eta * d) for (w, b), g, d in zip(pairs, gradient, delta)]
    return Step(pairs, net, y, t, float(0.5 * ((t - y[-1]) ** 2).sum()), delta, gradient, after)


def first_weights(seed: int, bias: bool) -> Pairs:
    """Tenths from −0.9 to 0.9, none of them 0, so that the first step can be followed on paper; the seed decides."""
    generator = torch.Generator().manual_seed(seed)

    def tenths(*shape: int) -> Tensor:
        size, sign = (torch.randint(n, shape, generator=generator) for n in (9, 2))
        return (1 + size).double() * (2 * sign - 1) / 10

    drawn = [(tenths(units, inputs), tenths(units)) for inputs, units in pairwise(SIZES)]
    return [(w, b if bias else None) for w, b in drawn]


def autograd_difference(place: Machine, step: Step) -> float:
    """The step's gradients against those that autograd gives the layers of ``place``: the largest |difference|.

    Relative to the gradient where that is above 1.
    """
    sizes = [len(y) for y in step.y]
    network = perceptron(place.layers, sizes, bias=step.before[0][1] is not None).double()
    parameters: list[nn.Parameter] = []
    gradients: list[Tensor] = []
    for layer, (w, b), gradient, delta in zip(list(network)[::2], step.before, step.gradient, step.delta):
        values = [w] if b is None else [w, b]
        with torch.no_grad():
            for parameter, value in zip(layer.parameters(), values):
                parameter.copy_(value)
        parameters += layer.parameters()
        gradients += [gradient, delta][: len(values)]
    squared_error = place.layers.MSELoss(reduction="sum")
    error = 0.5 * squared_error(network(step.y[0].unsqueeze(0)), step.t.unsqueeze(0))
    found = torch.autograd.grad(error, parameters)
    return max(float(((f - w).abs() / w.abs().clamp(min=1)).max()) for f, w in zip(found, gradients))


def number(value: Tensor | float) -> str:
    """Six significant digits."""
    return f"{float(value):.6g}"


def bracketed(value: Tensor | float) -> str:
    """The number as a later factor or term: −0.4 becomes (-0.4)."""
    text = number(value)
    return f"({text})" if text.startswith("-") else text


def described(step: Step, eta: float) -> Iterator[str]:
    """The lines of one step: each equation, then each of its numbers."""
    yield from _forward(step)
    yield from _backward(step)
    yield from _update(step, eta)


def _forward(step: Step) -> Iterator[str]:
    bias = "" if step.before[0][1] is None else " + b_j"
    yield f"  forward    net_j = sum_i w_ji * y_i{bias}        y_j = 1 / (1 + exp(-net_j))"
    for layer, ((w, b), net, y_in, y) in enumerate(zip(step.before, step.net, step.y, step.y[1:]), 1):
        for j in range(len(y)):
            terms = [f"{number(w_ji)}*{bracketed(y_i)}" for w_ji, y_i in zip(w[j], y_in)]
            terms += [] if b is None else [number(b[j])]
            shown = " + ".join(terms).replace("+ -", "- ")
            yield f"    net{layer}[{j + 1}] = {shown} = {number(net[j])}"
            yield f"      y{layer}[{j + 1}] = 1 / (1 + exp({number(-net[j])})) = {number(y[j])}"
    squares = " + ".join(f"1/2 * ({number(t)} - {number(y)})^2" for t, y in zip(step.t, step.y[-1]))
    yield "  error      E = 1/2 * sum_j (t_j - y_j)^2"
    yield f"    E = {squares} = {number(step.error)}"


def _backward(step: Step) -> Iterator[str]:
    yield "  backward   last layer   delta_j = (y_j - t_j) * y_j * (1 - y_j)"
    yield "             before it    delta_j = (sum_k w_kj * delta_k) * y_j * (1 - y_j)      w_kj, delta_k one layer on"
    for layer in range(len(step.delta), 0, -1):
        y, delta = step.y[layer], step.delta[layer - 1]
        for j in range(len(y)):
            if layer == len(step.delta):
                pulled = f"({number(y[j])} - {bracketed(step.t[j])})"
            else:
                above, w = step.delta[layer], step.before[layer][0]
                terms = " + ".join(f"{number(w_kj)}*{bracketed(d)}" for w_kj, d in zip(w[:, j], above))
                pulled = f"({terms})".replace("+ -", "- ")
            slope = f"{number(y[j])} * (1 - {number(y[j])})"
            yield f"    delta{layer}[{j + 1}] = {pulled} * {slope} = {number(delta[j])}"


def _update(step: Step, eta: float) -> Iterator[str]:
    bias = "" if step.before[0][1] is None else "dE/db_j = delta_j      "
    yield f"  update     dE/dw_ji = delta_j * y_i      {bias}w <- w - eta * dE/dw"
    layers = zip(step.before, step.after, step.gradient, step.delta, step.y)
    for layer, ((w, b), (w_new, b_new), gradient, delta, y) in enumerate(layers, 1):
        for j, i in ((j, i) for j in range(w.shape[0]) for i in range(w.shape[1])):
            slope = (
                f"dE/dw{layer}[{j + 1},{i + 1}] = {bracketed(delta[j])}*{bracketed(y[i])} = {number(gradient[j, i])}"
            )
            yield f"    {slope:50}    " + _moved(
                f"w{layer}[{j + 1},{i + 1}]", w[j, i], gradient[j, i], w_new[j, i], eta
            )
        if b is None or b_new is None:
            continue
        for j in range(len(b)):
            slope = f"dE/db{layer}[{j + 1}]   = {number(delta[j])}"
            yield f"    {slope:50}    " + _moved(f"b{layer}[{j + 1}]  ", b[j], delta[j], b_new[j], eta)


def _moved(name: str, before: Tensor, gradient: Tensor, after: Tensor, eta: float) -> str:
    return f"{name} <- {number(before)} - {number(eta)}*{bracketed(gradient)} = {number(after)}"


def _is_finite(step: Step) -> bool:
    """Whether every number that is printed is one."""
    after = [t for pair in step.after for t in pair if t is not None]
    return all(bool(torch.isfinite(t).all()) for t in [*step.net, *step.gradient, *after]) and isfinite(step.error)


def run(options: TraceOptions) -> int:
    """Print the trace; return 0, or 1 if autograd differs from it by more than ``BOUND``. Raises ``TrainError``."""
    place = machine.prepare("manual", "cpu", "float64", None)
    x, t = (torch.tensor(numbers, dtype=torch.float64) for numbers in (options.input, options.target))
    pairs = first_weights(options.seed, options.bias)
    print(f"{'-'.join(map(str, SIZES))} network of sigmoid units, eta = {number(options.eta)}, seed {options.seed}")
    print("w2[1,3] leads from unit 3 of layer 1 to unit 1 of layer 2; layer 0 is the input, y0 = x")
    print(f"x = ({', '.join(map(number, x))}), t = ({', '.join(map(number, t))})")
    largest = 0.0
    for index in range(1, options.steps + 1):
        step = back_propagate(pairs, x, t, options.eta)
        if not _is_finite(step):
            raise NonFiniteError(
                f"Step {index} gives a number that is not finite; smaller ones for --input, --target or --eta help."
            )
        print(f"\nstep {index}", *described(step, options.eta), sep="\n")
        largest = max(largest, autograd_difference(place, step))
        pairs = step.after
    after = back_propagate(pairs, x, t, options.eta)
    shown = ", ".join(map(number, after.y[-1]))
    print(f"\nafter {options.steps} of these steps  y = ({shown}), E = {number(after.error)}")
    kept = "within" if largest <= BOUND else "BEYOND"
    print(f"autograd of manualconv.nn: largest |difference| of a gradient {largest:.1e}, {kept} {BOUND:.0e}")
    return 0 if largest <= BOUND else 1
