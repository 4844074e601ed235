"""The trace: its numbers are autograd's, and every printed line holds when calculated again."""

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.train.models.twins import LIBRARIES
from tests.train.programs import Patch, called, refused
from train import trace
from train.cli import main
from train.models import perceptron
from train.trace import Pairs, back_propagate, first_weights


def drawn(sizes: Sequence[int], bias: bool) -> Pairs:
    """Weights of any network of sigmoid units."""
    draw = [(torch.randn(m, n).double(), torch.randn(m).double()) for n, m in pairwise(sizes)]
    return [(w, b if bias else None) for w, b in draw]


def by_autograd(library: int, pairs: Pairs, x: Tensor, t: Tensor, eta: float) -> tuple[float, list[Tensor], Pairs]:
    """E, the gradients in the order of the parameters, and the weights after a step of torch's SGD."""
    layers = LIBRARIES[library]
    sizes = [len(x), *(len(w) for w, _ in pairs)]
    bias = pairs[0][1] is not None
    network = perceptron(layers, sizes, bias).double()
    with torch.no_grad():
        for layer, (w, b) in zip(network[::2], pairs):
            layer.weight.copy_(w)
            if b is not None:
                layer.bias.copy_(b)
    error = 0.5 * layers.MSELoss(reduction="sum")(network(x[None]), t[None])
    error.backward()
    torch.optim.SGD(network.parameters(), lr=eta).step()
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    after: Pairs = [(layer.weight.detach(), layer.bias.detach() if bias else None) for layer in network[::2]]
    return error.item(), gradients, after


@pytest.mark.parametrize("library", [0, 1], ids=["by hand", "torch"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sizes", [(2, 3, 2, 1), (3, 1), (4, 2, 3), (1, 5, 4, 3, 2)])
def test_the_equations_are_autograd(sizes: tuple[int, ...], bias: bool, library: int) -> None:
    pairs, x, t = drawn(sizes, bias), torch.randn(sizes[0]).double(), torch.rand(sizes[-1]).double()
    step = back_propagate(pairs, x, t, eta=0.3)
    error, gradients, after = by_autograd(library, pairs, x, t, eta=0.3)
    assert step.error == pytest.approx(error, rel=1e-13)
    ours = [g for w, d in zip(step.gradient, step.delta) for g in ((w, d) if bias else (w,))]
    torch.testing.assert_close(ours, gradients, rtol=1e-12, atol=1e-15)
    for (w, b), (w_after, b_after) in zip(step.after, after):
        torch.testing.assert_close(w, w_after, rtol=1e-13, atol=1e-15)
        assert (b is None) == (b_after is None)
        if b is not None and b_after is not None:
            torch.testing.assert_close(b, b_after, rtol=1e-13, atol=1e-15)


def calculated(text: str) -> float:
    """What a printed expression says."""
    return float(eval(text.replace("^", "**"), {"exp": math.exp}))


def shown(*words: str, encoding: str = "utf-8", code: int = 0) -> str:
    ended = called(main, "trace", *words, encoding=encoding)
    assert ended.code == code and not ended.err, ended
    return ended.out


@pytest.mark.parametrize("words", [(), ("--no-bias",), ("--input", "-2", "0.25", "--target", "0", "--eta", "2")])
def test_every_printed_line_holds(words: tuple[str, ...]) -> None:
    out = shown("--steps", "2", "--seed", "3", *words)
    steps = out[out.index("\nstep 1") : out.index("\nafter")]
    lines = re.findall(r"(\S+) +(?:=|<-) ([^=\n]*?\S) = (\S+)", re.sub(r"(?<=\S) {4,}", "\n", steps))
    for name, expression, value in lines:
        cancelling = 3e-6 if name[0] in "nwb" else 0  # sums of terms that are rounded to six digits
        assert calculated(expression) == pytest.approx(float(value), rel=2e-4, abs=cancelling), name
    biases = 0 if "--no-bias" in words else 6
    names = [name for name, _, _ in lines]
    for kind, count in (("net", 6), ("y", 6), ("delta", 6), ("E", 1), ("dE/dw", 14), ("w", 14), ("b", biases)):
        assert sum(re.fullmatch(kind + r"(\d\[[\d,]+\])?", name) is not None for name in names) == 2 * count, kind
    assert len(re.findall(r"dE/db\d\[", out)) == 2 * biases


def test_the_printed_gradients_and_weights_are_autograd_s() -> None:
    out = shown("--seed", "5", "--input", "0.5", "-1.5", "--target", "0.25", "--eta", "0.7")
    x, t = torch.tensor([0.5, -1.5]).double(), torch.tensor([0.25]).double()
    _, gradients, after = by_autograd(0, first_weights(5, bias=True), x, t, 0.7)
    for layer, (weights, biases) in enumerate(after, 1):
        for j, row in enumerate(weights, 1):
            for i, value in enumerate(row, 1):
                (gradient,) = re.findall(rf"dE/dw{layer}\[{j},{i}\] = .*? = (\S+)", out)
                (moved,) = re.findall(rf" w{layer}\[{j},{i}\] <- .* = (\S+)", out)
                assert float(gradient) == pytest.approx(float(gradients[2 * layer - 2][j - 1, i - 1]), rel=1e-5)
                assert float(moved) == pytest.approx(float(value), rel=1e-5)
            assert biases is not None
            (moved,) = re.findall(rf" b{layer}\[{j}\] +<- .* = (\S+)", out)
            (delta,) = re.findall(rf" delta{layer}\[{j}\] = .* = (\S+)", out)
            assert float(moved) == pytest.approx(float(biases[j - 1]), rel=1e-5)
            assert float(delta) == pytest.approx(float(gradients[2 * layer - 1][j - 1]), rel=1e-5)


def test_a_seed_fixes_the_trace_and_steps_go_on() -> None:
    torch.manual_seed(1)
    first = shown()
    torch.manual_seed(2)
    assert shown() == first
    assert shown("--seed", "1") != first
    longer = shown("--steps", "300")
    assert longer.startswith(first[: first.index("after 1")].rstrip())
    errors = [float(value) for value in re.findall(r"E = .* = (\S+)$", longer, re.MULTILINE)]
    assert len(errors) == 300
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.01 * errors[0]


def test_a_wrong_equation_is_told_and_ends_with_1(monkeypatch: Patch) -> None:
    def wrong(*arguments: Any) -> trace.Step:
        step = back_propagate(*arguments)
        step.delta[1][0] *= 1 + 1e-6
        return step

    monkeypatch.setattr(trace, "back_propagate", wrong)
    assert "BEYOND 1e-12" in shown(code=1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--input", "1e308", "1e308"), "x = (1e+308, 1e+308), t = (1)"),
        (("--input", "-1e308", "1e308"), "x = (-1e+308, 1e+308), t = (1)"),
        (("--input", "1e-320", "-5e-324"), "x = (9.99989e-321, -4.94066e-324), t = (1)"),
        (("--input", "0", "-0.0"), "x = (0, -0), t = (1)"),
        (("--input", "-1", "-.5"), "x = (-1, -0.5), t = (1)"),
        (("--target", "-1e100"), "x = (1, -0.5), t = (-1e+100)"),
        (("--target", "1e-300"), "x = (1, -0.5), t = (1e-300)"),
        (("--eta", "1e-320"), "eta = 9.99989e-321"),
        (("--seed", str(2**63 - 1)), "seed 9223372036854775807"),
        (("--no-bias", "--input", "1e308", "0"), "x = (1e+308, 0)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_numbers_beyond_single_precision_are_infinite_in_the_trace(words: Any, said: str, encoding: str) -> None:
    """They were read in single precision first: 1e308 became infinite, 1e-320 zero, and 0.1 lost half its digits."""
    out = shown(*words, encoding=encoding)
    assert said in out
    assert not any(word in out.replace("[inf", "") for word in ("inf", "nan"))


def test_the_input_of_the_trace_keeps_all_its_digits(monkeypatch: Patch) -> None:
    """2²⁷ + 1 is no number of single precision: net would be 0."""
    ones = [(torch.ones(units, inputs).double(), None) for inputs, units in ((2, 3), (3, 2), (2, 1))]
    monkeypatch.setattr(trace, "first_weights", lambda *_: ones)
    out = shown("--input", "134217729", "-134217728", "--no-bias")
    assert "net1[1] = 1*1.34218e+08 + 1*(-1.34218e+08) = 1\n" in out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--target", "1e308"), 1),
        (("--input", "1e308", "1e308", "--target", "1e308", "--eta", "1e300"), 1),
        *((("--input", "1.7e308", "1.7e308", "--seed", str(seed)), 0) for seed in (2, 3)),
    ],
    ids=str,
)
def test_a_number_that_leaves_double_precision_ends_in_a_line(words: tuple[str, ...], code: int) -> None:
    ended = called(main, "trace", *words)
    assert ended.code == code
    if code:
        refused(ended, 1, "Step 1 gives a number that is not finite")
    assert "= inf" not in ended.out and "nan" not in ended.out
