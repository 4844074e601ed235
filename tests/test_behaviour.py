"""What a layer must survive inside PyTorch, shown on a convolution and a max pooling whose axes all differ.

One test each: gradient checks of every order, in-place operations on the output, no reference cycles, autocast,
``torch.compile``.  What happens inside ``torch.func`` stands in test_transforms.py.
"""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad, gradcheck, gradgradcheck

from manualconv import nn
from tests.layers import PAIRS, Pair, close, loss, spread_out


@pytest.fixture(params=PAIRS.values(), ids=PAIRS)
def layer(request: pytest.FixtureRequest) -> Pair:
    """Each layer in turn."""
    return request.param


# ---------------------------------------------------------------------------------------- derivatives, numerically


def test_gradients_in_reverse_forward_and_batched_mode(layer: Pair) -> None:
    assert gradcheck(
        layer.by_hand,
        layer.leaves(),
        check_forward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=True,
        check_undefined_grad=True,
        check_grad_dtypes=True,
        nondet_tol=0.0,
    )


def test_gradients_without_any_tolerance(layer: Pair) -> None:
    """The layer is linear in each tensor between ties, so a difference quotient with step 1 on integers is exact."""
    integers = tuple((t.argsort().argsort() if t.dim() == 1 else t).double() for t in layer.tensors())
    integers = tuple((3 * (t * t.numel() / 2).round()).requires_grad_() for t in integers)
    assert gradcheck(layer.by_hand, integers, eps=1.0, atol=0, rtol=0)


def test_second_order_also_for_the_cotangent_and_forward_over_reverse(layer: Pair) -> None:
    assert gradgradcheck(
        layer.by_hand, layer.leaves(), gen_non_contig_grad_outputs=True, check_fwd_over_rev=True, nondet_tol=0.0
    )


def test_third_order(layer: Pair) -> None:
    inputs = layer.leaves()

    def second(last: Tensor) -> Tensor:
        tensors = (*inputs[:-1], last) if len(inputs) == 1 else (inputs[0], last, *inputs[2:])
        y = layer.by_hand(*tensors).pow(2)
        (first,) = grad(y.pow(2).sum(), tensors[0], create_graph=True)
        return grad(first.pow(2).sum(), last, create_graph=True)[0]

    assert gradcheck(second, (inputs[min(1, len(inputs) - 1)],))


# ------------------------------------------------------------------------------------------------- graph and memory


def test_no_reference_cycle_keeps_the_graph_alive(layer: Pair) -> None:
    gc.collect()
    gc.disable()
    try:
        y = layer.by_hand(*layer.leaves())
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_the_output_may_be_edited_in_place(layer: Pair) -> None:
    gradients = []
    for apply in (layer.by_hand, layer.referee):
        inputs = layer.leaves()
        y = apply(*inputs)
        assert not y._is_view()
        F.relu_(y).pow(2).sum().backward()
        gradients.append([t.grad for t in inputs])
    close(*gradients)


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
