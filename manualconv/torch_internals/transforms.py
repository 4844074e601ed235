"""Levels of ``torch.func``, of forward mode and of the old vmap: what a tensor stands for, and who may ask for more."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from manualconv.torch_internals.optional import needed, private


def _inner(t: Tensor) -> Tensor:
    """The tensor that t of ``torch.func`` stands for; t itself if it stands for none."""
    return torch.func.debug_unwrap(t, recurse=False)


def _has_no_memory(t: Tensor) -> bool:
    try:
        t.untyped_storage()
    except (RuntimeError, NotImplementedError):
        return True
    return False


_unwrapped = private("torch._C._functorch.get_unwrapped", _inner)
is_transformed = private("torch._C._functorch.is_functorch_wrapped_tensor", lambda t: _inner(t) is not t)
is_of_old_vmap = private("torch._C._functorch.is_legacy_batchedtensor", _has_no_memory)
# A sample's tensor has one axis less than what it stands for; under grad and jvp it has as many.
_is_mapped = private("torch._C._functorch.is_batchedtensor", lambda t: _inner(t).dim() > t.dim())
_level = needed("torch._C._functorch.maybe_get_level", "batch normalisation inside torch.func.vmap")


def is_wrapped(t: Tensor) -> bool:
    """Whether t stands for another tensor, of ``torch.func`` or of the old vmap, whose memory is not to be seen."""
    return bool(is_transformed(t) or is_of_old_vmap(t))


def hides_memory(*tensors: Tensor) -> bool:
    """Whether a transform hides from view how one of them lies in memory; while compiling, nothing does."""
    if not torch.compiler.is_compiling():
        for t in tensors:
            if is_transformed(t) or is_of_old_vmap(t):
                return True
    return False


def mapped_levels(t: Tensor) -> set[int]:
    """The levels of ``torch.func.vmap`` at which t has a value for each sample; none known while compiling."""
    levels: set[int] = set()
    if torch.compiler.is_compiling():
        return levels
    while is_transformed(t):
        if _is_mapped(t):
            levels.add(_level(t))
        t = _unwrapped(t)
    return levels


def overwrite(kept: Tensor, new: Tensor) -> None:
    """``kept ← new`` for statistics that are no part of a derivative.

    ``torch.func`` refuses to write to a tensor its function captured, but torch's own batch norm does: at the bottom of
    all levels, where there is nothing to differentiate.  Samples of a vmap stay at their level.
    """
    if torch.compiler.is_compiling() or not transforms_active() or mapped_levels(kept) or mapped_levels(new):
        kept.copy_(new)
        return
    kept, new = _innermost(kept), _innermost(new)
    with _below_all_levels():
        kept.copy_(new)


_below_all_levels = needed(
    "torch._functorch.pyfunctorch.temporarily_clear_interpreter_stack", "keeping statistics inside torch.func"
)


def _innermost(t: Tensor) -> Tensor:
    while is_transformed(t):
        t = _unwrapped(t)
    return t


def transforms_active() -> bool:
    """Whether this runs inside ``torch.func.grad``, ``jvp`` or ``vmap``; Dynamo knows it while tracing, too."""
    return bool(_transforms_active())


_innermost_transform = private("torch._C._functorch.peek_interpreter_stack", lambda: True)
_transforms_active = private("torch._C._are_functorch_transforms_active", lambda: _innermost_transform() is not None)


def forward_mode_active() -> bool:
    """Whether this runs inside ``torch.autograd.forward_ad.dual_level``; if torch does not say, as if it did."""
    return getattr(forward_ad, "_current_level", 0) >= 0


def maps_active() -> bool:
    """Whether this runs inside ``torch.func.vmap``, at whatever level, of whatever tensors."""
    return transforms_active() and (
        _levels is None or _MAP is None or any(level.key() == _MAP for level in _levels() or ())
    )


# Without these no level is known to be one of vmap.
_levels, _MAP = (
    private("torch._C._functorch.get_interpreter_stack", tuple),
    private("torch._C._functorch.TransformType.Vmap"),
)


def has_tangent(t: Tensor | None) -> bool:
    """Whether t carries a tangent of the current level of forward mode."""
    return forward_mode_active() and t is not None and forward_ad.unpack_dual(t, level=0).tangent is not None


def is_moving(t: Tensor) -> bool:
    """Whether t carries a derivative: in reverse, or as a tangent of this level of ``torch.func`` or an outer one."""
    if t.requires_grad or has_tangent(t):
        return True
    if torch.compiler.is_compiling() or not transforms_active():
        return False
    with _one_level_out():
        return is_moving(t)


_one_level_out = needed(
    "torch._functorch.pyfunctorch.temporarily_pop_interpreter_stack", "a norm_type in a tensor inside torch.func"
)


def forward_mode_on() -> AbstractContextManager[Any]:
    """Forward mode switched on again inside a jvp rule, where torch has it off."""
    on: AbstractContextManager[Any] = _set_forward_mode(True)
    return on


_set_forward_mode = needed("torch.autograd.forward_ad._set_fwd_grad_enabled", "forward mode")


def without_tangent(t: Tensor | None) -> Tensor | None:
    """The primal of a tensor at the current level of forward mode; the levels around it keep theirs."""
    return None if t is None else forward_ad.unpack_dual(t, level=0).primal


def backward_is_dropped() -> bool:
    """Whether Dynamo traces inside ``torch.func``, where it drops a Function's backward and derives its forward."""
    return torch.compiler.is_compiling() and transforms_active()


def may_be_differentiated(*tensors: Tensor | None) -> bool:
    """Whether a derivative by these tensors can be asked for, at this or an outer level of ``torch.func``."""
    if transforms_active():
        return True
    return torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)
