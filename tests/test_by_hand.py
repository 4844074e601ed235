"""By hand means by hand: no operation of torch's that is a layer, or a layer's backward, runs under any of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import forward_ad, grad
from torch.utils._python_dispatch import TorchDispatchMode

from manualconv import functional, nn
from tests.layers import FUNCTIONS, MEASUREMENTS, MODULES, Example, spread_out

#: No operator whose name holds one of these may run.
FORBIDDEN = (
    "convolution",
    "aten.conv",
    "mkldnn",
    "slow_conv",
    "thnn_conv",
    "_pool",
    "im2col",
    "col2im",
    "unfold_backward",
    "unpool",
    "batch_norm",
    "layer_norm",
    "group_norm",
    "_softmax",
    "nll_loss",
    "mse_loss",
    "smooth_l1",
    "huber_loss",
    "binary_cross_entropy",
    "native_dropout",
    "reflection_pad",
    "replication_pad",
    "threshold_",
    "sigmoid_",
    "tanh_",
    "gelu_",
    "silu_",
    "hardswish_",
    "hardsigmoid_backward",
    "shrink",
    "scaled_dot_product",
)


class Operators(TorchDispatchMode):
    """The names of all operators that ran, from Python or from autograd's engine."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(str(func))
        return func(*args, **(kwargs or {}))

    @property
    def forbidden(self) -> set[str]:
        """Those on the list."""
        return {name for name in self.names if any(part in name for part in FORBIDDEN)}


def exercise(apply: Callable[..., Tensor], inputs: Sequence[Tensor]) -> Operators:
    """Forward, first order with and without a graph, second order and forward mode, watched."""
    with Operators() as ran:
        y = apply(*inputs)
        grad(y, inputs, spread_out(y.shape).to(y.dtype), retain_graph=True)  # the slopes that nothing records
        cotangent = spread_out(y.shape).to(y.dtype).requires_grad_()
        first = grad(y, inputs, cotangent, create_graph=True)
        curved = sum((g * g).sum() for g in first)
        grad(curved, [*inputs, cotangent], materialize_grads=True)
        with forward_ad.dual_level():
            duals = [forward_ad.make_dual(t.detach(), spread_out(t.shape, 1).to(t.dtype)) for t in inputs]
            assert forward_ad.unpack_dual(apply(*duals)).tangent is not None
    return ran


@pytest.mark.parametrize("example", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_no_function_runs_a_layer_of_torch_s(example: Example, dtype: torch.dtype) -> None:
    ran = exercise(example.by_hand, example.leaves(dtype=dtype))
    assert ran.names
    assert not ran.forbidden


@pytest.mark.parametrize(("make", "shape"), MODULES.values(), ids=MODULES)
def test_no_module_runs_a_layer_of_torch_s(make: Callable[[], torch.nn.Module], shape: tuple[int, ...]) -> None:
    module = make().double()
    parameters = dict(module.named_parameters())

    def apply(x: Tensor, *values: Tensor) -> Tensor:
        return torch.func.functional_call(module, dict(zip(parameters, values)), (x,))

    ran = exercise(apply, [spread_out(shape).requires_grad_(), *parameters.values()])
    assert ran.names
    assert not ran.forbidden


def test_every_public_layer_is_watched() -> None:
    ours = {
        name
        for name in nn.__all__
        if isinstance(getattr(nn, name), type) and getattr(nn, name).__module__.startswith("manualconv.")
    }
    assert set(MODULES) == ours
    assert set(FUNCTIONS) | MEASUREMENTS == set(functional.__all__)


def test_relu_in_place_is_by_hand_too() -> None:
    for apply in (lambda z: functional.relu(z * 1, inplace=True), lambda z: nn.ReLU(inplace=True)(z * 1)):
        assert not exercise(apply, [spread_out((3, 4)).requires_grad_()]).forbidden


@pytest.mark.parametrize(
    ("apply", "shapes", "seen"),
    [
        (lambda x, w: F.conv2d(x, w), ((1, 2, 5, 5), (3, 2, 3, 3)), {"convolution", "convolution_backward"}),
        (
            lambda x: F.max_pool2d(x, 2),
            ((1, 2, 4, 4),),
            {"max_pool2d_with_indices", "max_pool2d_with_indices_backward"},
        ),
        (lambda x: F.avg_pool2d(x, 2), ((1, 2, 4, 4),), {"avg_pool2d", "avg_pool2d_backward"}),
        (torch.relu, ((3,),), {"threshold_backward"}),
        (torch.tanh, ((3,),), {"tanh_backward"}),
        (lambda z: F.log_softmax(z, 0), ((3,),), {"_log_softmax", "_log_softmax_backward_data"}),
    ],
    ids=["conv2d", "max_pool2d", "avg_pool2d", "relu", "tanh", "log_softmax"],
)
def test_the_watch_sees_torch_s_own_layers(
    apply: Callable[..., Tensor], shapes: tuple[tuple[int, ...], ...], seen: set[str]
) -> None:
    forbidden = exercise(apply, [spread_out(s, n).requires_grad_() for n, s in enumerate(shapes)]).forbidden
    assert {name.split(".")[1] for name in forbidden} >= seen
