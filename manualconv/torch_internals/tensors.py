"""What a tensor is, and who computes with it: ours, torch's operators alone, or a handler of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from manualconv.torch_internals.modes import TRACING, mode_count, mode_of
from manualconv.torch_internals.optional import private
from manualconv.torch_internals.transforms import forward_mode_active, is_of_old_vmap, is_transformed, is_wrapped


def shaped(y: Tensor, size: tuple[int, ...]) -> Tensor:
    """A contiguous temporary under another shape, not counted as a view.

    A view made inside a Function's forward may not be edited in place by the next layer (``ReLU(inplace=True)``);
    torch's own kernels hand out their temporaries by the same operation.
    """
    fresh: Tensor = _reshaped(y, size)
    return fresh


_reshaped = private("torch.ops.aten._unsafe_view.default", lambda y, size: y.reshape(size).clone())


def is_plain(*tensors: Tensor) -> bool:
    """Whether all are ordinary tensors run eagerly, whose sizes may be branched on and whose slices written to."""
    if torch.compiler.is_compiling():
        return False
    # The number of modes first: usually there are none, and it is asked at every step of a layer.
    if mode_count() and any(mode is None or mode_of(mode) is not None for mode in TRACING):
        return False
    for t in tensors:
        # As `is_wrapped` and `handles_operators` say; no calls for ordinary tensors.
        if is_transformed(t) or is_of_old_vmap(t) or (type(t) is not Tensor and handles_operators(t)):
            return False
    return True


def is_traced(t: Tensor) -> bool:
    """Whether what is computed with t becomes a graph, which must not grow with the taps, nor branch on sizes."""
    # Dynamo does not trace what asks for a wrapper, nor needs it: all that it sees becomes a graph.
    return not is_plain(t) and (torch.compiler.is_dynamo_compiling() or not is_wrapped(t))


#: Ends the work of a device where a condition does not hold, without waiting for it.
assert_later = private("torch._assert_async")
#: Devices that run behind the program: reading an entry waits for all that is queued.
QUEUED = {"cuda"} if assert_later else set()


def is_queued(t: Tensor) -> bool:
    """Whether t is an ordinary tensor on a device that runs behind the program."""
    return t.device.type in QUEUED and is_plain(t)


def can_be_read(t: Tensor) -> bool:
    """Whether a check may look at the entries of t: an ordinary tensor's, where that waits for nothing."""
    return is_plain(t) and t.device.type not in QUEUED and not t.is_meta and t.numel() > 0


def is_unrecorded(*tensors: Tensor) -> bool:
    """Whether plain tensors are computed with for their values alone: no mode of differentiation looks on."""
    return not (torch.is_grad_enabled() or forward_mode_active()) and is_plain(*tensors)


def channels_last_format(t: Tensor) -> torch.memory_format:
    """The memory format torch's layers give to the output of an input like t: channels_last or contiguous.

    Steps must grow in the order channels, width, height, depth, samples; one channel of one position decides nothing
    and is contiguous.  The old vmap of gradcheck hides steps from view.
    """
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    hidden = not torch.compiler.is_compiling() and is_of_old_vmap(t)
    if hidden or t.dim() not in formats or t.stride(1) == 0:
        return torch.contiguous_format
    reached = 0
    for axis in (1, *range(t.dim() - 1, 1, -1), 0):
        size, step = t.shape[axis], t.stride(axis)
        if size == 0 or step < reached or (axis == 0 and reached == t.stride(1)):
            return torch.contiguous_format
        reached = step * size if size > 1 else step
    return formats[t.dim()]


#: What stands where a class has no handler of its own: a parameter has none, a plain tensor no dispatch.
_NO_HANDLER, _NO_DISPATCH = torch.nn.Parameter.__torch_function__, Tensor.__torch_dispatch__
_handlers_are_asked = private("torch._C._is_torch_function_enabled", lambda: True)


def handles_itself(value: Any) -> bool:
    """Whether torch's functions would hand themselves to this argument; modes apart, which are no arguments."""
    if type(value) is Tensor or getattr(value, "__torch_function__", _NO_HANDLER) is _NO_HANDLER:
        return False
    return bool(_handlers_are_asked())


def has_handlers(types: Iterable[type]) -> bool:
    """Whether a mode is told of types that handle functions themselves, and would be asked next."""
    for k in types:
        if k is not Tensor and getattr(k, "__torch_function__", _NO_HANDLER) is not _NO_HANDLER:
            return bool(_handlers_are_asked())
    return False


def handles_operators(value: Any) -> bool:
    """Whether a tensor is of a subclass with a ``__torch_dispatch__`` of its own: its memory may hold nothing."""
    kind = type(value)
    if kind is Tensor or kind is torch.nn.Parameter:
        return False
    return isinstance(value, Tensor) and getattr(kind, "__torch_dispatch__", _NO_DISPATCH) is not _NO_DISPATCH


def is_known_to_torch_alone(value: Any) -> bool:
    """Whether torch's operators are defined for this tensor and the steps that ours are made of may not be.

    Tensors of torch's own tracing (``torch._subclasses``: FakeTensor, FunctionalTensor) take every step.
    """
    if not isinstance(value, Tensor):
        return False
    if value.layout is not torch.strided or value.is_nested or value.is_quantized:
        return True
    return handles_operators(value) and not type(value).__module__.startswith("torch._subclasses.")
