"""What the fully connected layer takes."""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import listed
from manualconv.functional.refusals.convolution import one_device
from manualconv.functional.refusals.refusal import Refusal

#: What torch stores and cannot multiply.
_NO_PRODUCTS = frozenset({torch.bool, torch.uint16, torch.uint32, torch.uint64})


def check_linear(x: Tensor, w: Tensor, b: Tensor | None) -> None:
    """x ``(*, C)``, w ``(O, C)`` or ``(C,)``, b ``(O,)`` or what spreads over ``(*, O)``; one dtype, one device."""
    size, shape = x.shape, w.shape
    if len(size) == 0 or not 1 <= len(shape) <= 2:
        raise Refusal(
            f"input {listed(size)} is (*, in_features), weight {listed(shape)} is (out_features, in_features) or "
            "(in_features,)"
        )
    if w.device != x.device:  # torch's result may be memory that nothing was written to
        raise one_device(input=x, weight=w)
    if w.dtype is not x.dtype or (x.dtype in _NO_PRODUCTS and x.numel() > 0):
        raise Refusal(f"input is {x.dtype}, weight {w.dtype}: one dtype of numbers is needed, and .to(...) makes it")
    if size[-1] != shape[-1]:
        raise Refusal(
            f"the last axis of input must have in_features = weight.shape[-1] = {shape[-1]} entries, not {size[-1]}"
        )
    if b is None or (b.dtype is x.dtype and b.device == x.device and len(shape) == 2 and b.shape == shape[:1]):
        return
    if len(shape) == 1:
        _check_scalar(x, b)
        return
    if b.device != x.device:
        raise one_device(input=x, bias=b)
    target = (*((1,) * (len(size) == 1)), *size[:-1], shape[0])
    spreads = b.dim() <= len(target) and all(have in (1, n) for have, n in zip(reversed(b.shape), reversed(target)))
    if b.dtype is not x.dtype or not spreads:
        raise Refusal(
            f"bias is {b.dtype} {listed(b.shape)}, and {x.dtype} ({shape[0]},) is needed, one number per output, or "
            f"what spreads over the result {listed((*size[:-1], shape[0]))}"
        )


def _check_scalar(x: Tensor, b: Tensor) -> None:
    """What a 1-D weight takes for bias: a scalar of whatever the input's dtype can hold, and no rows to add it to."""
    if b.dim() == 0 and b.device != x.device and b.device.type != "cpu":
        raise one_device(input=x, bias=b)
    holds = b.dtype is x.dtype or torch.can_cast(torch.result_type(x, b), x.dtype)
    if b.dim() or x.dim() == 2 or not holds:
        raise Refusal(
            f"a weight of one axis takes a bias without axes that {x.dtype} holds, not {b.dtype} {listed(b.shape)}"
        )
