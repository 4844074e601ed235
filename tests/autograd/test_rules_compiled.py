"""Replaced derivatives under torch.compile: one graph, the rules of the block it runs in, no silent loss."""

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

from manualconv.autograd import Rules, exact_input
from manualconv.geometry import Window
from tests.autograd.test_rules import TENSORS, convolve, energy, no_gradient, sign_symmetric, small
from tests.layers import close, spread_out


class Feedback:
    """A rule that carries a tensor."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight

    def __call__(self, x: Tensor, w: Tensor, g: Tensor, window: Window) -> Tensor:
        """Through fixed weights."""
        return exact_input(x, self.weight, g, window)


def test_one_compiled_graph_follows_the_block_it_runs_in() -> None:
    torch._dynamo.reset()
    compiled = torch.compile(convolve, backend="aot_eager", fullgraph=True)
    tensors = small()
    feedback = spread_out(TENSORS[1], 9)
    blocks = [
        Rules(),
        Rules(input=sign_symmetric),
        Rules(),
        Rules(input=Feedback(feedback)),
        Rules(input=Feedback(2 * feedback), weight=no_gradient),
    ]
    cotangent = spread_out((2, 2, 2, 5))
    seen = []
    for block in blocks:
        with block:
            y = compiled(*tensors)
            expected = convolve(*tensors)
        got = grad(y, tensors, cotangent, allow_unused=True)
        close(got, grad(expected, tensors, cotangent, allow_unused=True))
        seen.append(got[0])
    assert torch.equal(seen[0], seen[2]) and not torch.allclose(seen[0], seen[1])
    close(seen[4], 2 * seen[3])


def test_a_block_inside_compiled_code_ends_where_it_ends() -> None:
    def inside(x: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        with Rules(input=sign_symmetric):
            y = convolve(x, w, b)
        return y, convolve(x, w, b)

    torch._dynamo.reset()
    tensors, cotangent = small(), spread_out((2, 2, 2, 5))
    compiled = torch.compile(inside, backend="aot_eager", fullgraph=True)
    for weights in ((1.0, 0.0), (0.0, 1.0)):  # of one graph's two outputs
        got, expected = (
            grad(sum(c * (y * cotangent).sum() for c, y in zip(weights, apply(*tensors))), tensors)
            for apply in (compiled, inside)
        )
        close(got, expected)


def test_compiling_inside_torch_func_never_loses_the_rules_in_silence() -> None:
    """There torch drops a custom backward and differentiates the forward: the exact gradient."""
    tensors = [t.detach() for t in small()]
    transforms = (
        (torch.func.grad(energy, (0, 1)), tensors),
        (torch.vmap(torch.func.grad(energy), (0, None, None)), [torch.stack([tensors[0]] * 2), *tensors[1:]]),
    )
    refused = "derivative rules cannot be compiled inside torch.func"
    for transform, inputs in transforms:
        torch._dynamo.reset()
        with pytest.raises(torch._dynamo.exc.Unsupported, match=rf"raised exception RuntimeError\(.{refused}"):
            torch.compile(transform, backend="aot_eager", fullgraph=True)(*inputs)
        torch._dynamo.reset()
        try:
            got = torch.compile(transform, backend="aot_eager")(*inputs)
        except RuntimeError as error:
            assert str(error).startswith(refused)  # noqa: PT017 (or it falls back to the uncompiled transform)
        else:
            close(got, transform(*inputs))
