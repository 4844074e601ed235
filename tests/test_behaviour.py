"""Under autocast and ``torch.compile`` a layer gives what torch's gives."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import grad

from manualconv import nn
from tests.layers import PAIRS, Pair, close, loss, spread_out


@pytest.fixture(params=["conv2d", "max_pool2d"])
def layer(request: pytest.FixtureRequest) -> Pair:
    """Each layer in turn."""
    return PAIRS[request.param]


# --------------------------------------------------------------------------------------------- autocast and compile


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("backward_inside", [True, False])
def test_autocast_gives_torch_s_dtypes_and_float32_gradients(dtype: torch.dtype, backward_inside: bool) -> None:
    x = spread_out((2, 4, 8, 9)).float()
    for ours, theirs in (
        (nn.Conv2d(4, 6, 3), torch.nn.Conv2d(4, 6, 3)),
        (nn.MaxPool2d(2), torch.nn.MaxPool2d(2)),
        (nn.Linear(9, 4), torch.nn.Linear(9, 4)),
        (nn.AvgPool2d(2), torch.nn.AvgPool2d(2)),
    ):
        theirs.load_state_dict(ours.state_dict())
        outputs = []
        for module in (ours, theirs):
            leaf = x.clone().requires_grad_()
            with torch.autocast("cpu", dtype):
                y = module(leaf)
                if backward_inside:
                    y.float().pow(2).sum().backward()
            if not backward_inside:
                y.float().pow(2).sum().backward()
            outputs.append((y, leaf.grad, *(p.grad for p in module.parameters())))
        for got, expected in zip(*outputs):
            assert got.dtype == expected.dtype
        assert {g.dtype for g in outputs[0][1:]} == {torch.float32}


def test_autocast_leaves_float64_alone(layer: Pair) -> None:
    inputs = layer.leaves()
    with torch.autocast("cpu", torch.bfloat16):
        y = layer.by_hand(*inputs)
    assert y.dtype == layer.referee(*inputs).dtype == torch.float64
    close(y, layer.referee(*inputs))


@pytest.mark.parametrize("dynamic", [False, True])
def test_compile_in_one_graph_forward_and_backward(layer: Pair, dynamic: bool) -> None:
    torch._dynamo.reset()
    compiled = torch.compile(layer.by_hand, backend="aot_eager", fullgraph=True, dynamic=dynamic)
    parameters = layer.leaves()[1:]
    for parameter in parameters:
        torch._dynamo.mark_static(parameter)  # as a module's are
    for more in (0, 2):
        shape = (layer.shapes[0][0] + more, layer.shapes[0][1], *(n + more for n in layer.shapes[0][2:]))
        inputs = (spread_out(shape).requires_grad_(), *parameters)
        ours, theirs = compiled(*inputs), layer.referee(*inputs)
        cotangent = spread_out(theirs.shape, 3)
        close((ours, *grad(ours, inputs, cotangent)), (theirs, *grad(theirs, inputs, cotangent)))


def test_compile_of_func_grad(layer: Pair) -> None:
    torch._dynamo.reset()
    inputs = layer.tensors()
    slots = tuple(range(len(inputs)))
    compiled = torch.compile(torch.func.grad(loss(layer.by_hand), slots), backend="aot_eager")
    close(compiled(*inputs), torch.func.grad(loss(layer.referee), slots)(*inputs))
