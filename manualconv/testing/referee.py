"""torch.nn.functional as the referee: the same layers, given the same description.

It gets contiguous operands.  Where an axis of length 1 leaves open how a tensor lies, torch 2.14.1 reads x as one
memory format and w as another: its convolution then raises ("slow_conv2d: grad_weight must be contiguous", as in
pytorch/vision#6001) or, with groups, sums the wrong numbers in silence.  tests/functional/test_layout.py has the cases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.geometry import Window
from manualconv.testing.cases import TransposedConvolution
from manualconv.testing.cases.tensors import behind

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
TRANSPOSED_BY_HAND = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}
BY_HAND = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


def convolution(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """torch's convolution in the window's dimension; one-sided padding, which torch lacks, is put on beforehand."""
    if window.ndim == 0:
        return F.linear(x, w, b)
    frame = [side for pair in reversed(window.padding) for side in pair]
    x, w = F.pad(x, frame).contiguous(), w.contiguous()
    return CONVOLUTIONS[window.ndim](x, w, b, window.stride, 0, window.dilation, window.groups)


def by_hand(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """manualconv's public function for the same layer."""
    if window.ndim == 0:
        return functional.linear(x, w, b)
    layer = BY_HAND[window.ndim]
    return layer(x, w, b, window.stride, window.padding, window.dilation, window.groups)


def transposed(x: Tensor, w: Tensor, b: Tensor | None, case: TransposedConvolution) -> Tensor:
    """torch's transposed convolution; one-sided padding, which torch lacks, is cut off afterwards."""
    window = case.of.window
    layer, ndim = TRANSPOSED[window.ndim], window.ndim
    options = (case.output_padding, window.groups, window.dilation)
    x, w = x.contiguous(), w.contiguous()
    if all(lo == hi for lo, hi in case.padding):
        return layer(x, w, b, window.stride, tuple(lo for lo, _ in case.padding), *options)
    y = layer(x, w, b, window.stride, 0, *options)
    return y[behind(*(slice(lo, size - hi) for size, (lo, hi) in zip(y.shape[-ndim:], case.padding)))]


def transposed_by_hand(x: Tensor, w: Tensor, b: Tensor | None, case: TransposedConvolution) -> Tensor:
    """manualconv's public function for the same layer."""
    window = case.of.window
    options = (window.stride, case.padding, case.output_padding, window.groups, window.dilation)
    return TRANSPOSED_BY_HAND[window.ndim](x, w, b, *options)


def leaves(*tensors: Tensor | None) -> list[Tensor]:
    """Those that are there, as they lie in memory, asking for gradients."""
    return [t.detach().requires_grad_() for t in tensors if t is not None]


def first_gradients(y: Tensor, inputs: Sequence[Tensor], cotangent: Tensor) -> list[Tensor]:
    """∂⟨y, cotangent⟩/∂inputs, differentiable again; zeros where y does not depend on an input."""
    return list(torch.autograd.grad(y, inputs, cotangent, create_graph=True, materialize_grads=True))


def second_gradients(
    gradients: Sequence[Tensor], inputs: Sequence[Tensor], directions: Sequence[Tensor]
) -> list[Tensor]:
    """∂Σ⟨gradient, direction⟩/∂inputs."""
    total = torch.stack([(g * v).sum() for g, v in zip(gradients, directions, strict=True)]).sum()
    return list(torch.autograd.grad(total, inputs, create_graph=True, materialize_grads=True))


def two_orders(
    layer: Callable[..., Tensor],
    tensors: Sequence[Tensor | None],
    cotangent: Tensor,
    directions: Sequence[Tensor | None],
) -> list[Tensor]:
    """y, its gradients by the tensors that there are, and theirs along the directions, by the tensors and ȳ."""
    inputs, cotangent = leaves(*tensors), cotangent.clone().requires_grad_()
    y = layer(*inputs)
    first = first_gradients(y, inputs, cotangent)
    return [y, *first, *second_gradients(first, [*inputs, cotangent], [v for v in directions if v is not None])]


def refused_alike(ours: Callable[[], object], theirs: Callable[[], object], opening: int = 40) -> None:
    """Both raise, one type of error, and its first line opens with the same letters."""
    mine, referee = raised(ours), raised(theirs)
    assert type(mine) is type(referee)
    assert str(mine).startswith(str(referee).split("\n")[0][:opening])


def raised(call: Callable[[], object]) -> Exception:
    """What a call raises."""
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("accepted")
