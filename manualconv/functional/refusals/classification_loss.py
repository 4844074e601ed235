"""What losses against classes take."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import listed
from manualconv.functional.refusals.loss import check_factor, check_tensors
from manualconv.functional.refusals.refusal import Refusal, RefusalByValue
from manualconv.geometry import whole
from manualconv.torch_internals import is_plain


def checked_index(input: Any, target: Any, weight: Any, ignore_index: Any) -> int:
    """The class number that does not count, beside tensors on one device."""
    ignored = None if isinstance(ignore_index, (tuple, list)) else whole(ignore_index)
    if ignored is None:
        raise Refusal(
            f"ignore_index={ignore_index!r} must be a class number of 64 bits, or one that no class has", TypeError
        )
    check_tensors(input=input, target=target, weight=weight)
    return ignored  # type: ignore[no-any-return]


def check_cross_entropy(z: Tensor, t: Tensor, weight: Tensor | None, ignore_index: int, smoothing: float) -> bool:
    """Logits against class numbers, or against probabilities, which have the logits' shape; returns as `check_nll`."""
    if z.dim() == 0:
        raise Refusal("input needs a class axis: (N, C, ...) or (C,)")
    if not z.is_floating_point():
        raise Refusal(f"input is {z.dtype}, and logits are real: input.float()")
    if smoothing > 1:
        raise Refusal(
            f"label_smoothing={smoothing} is the part of the target, up to 1, that is spread over all classes"
        )
    if z.shape == t.shape:
        if not t.is_floating_point():
            raise Refusal(
                f"target is {t.dtype}, and a target of the input's shape, {listed(z.shape)}, holds probabilities; "
                "class numbers have no class axis"
            )
        if ignore_index >= 0:
            raise Refusal(
                f"ignore_index={ignore_index} is for class numbers: give samples to ignore no probability at all"
            )
        if weight is not None:
            _check_weight(z, weight, True)
        return True
    all_count = check_nll(z, t, weight, ignore_index, probabilities=True)
    if weight is not None and smoothing > 0:
        _check_weight(z, weight, True)  # which smoothing multiplies class by class
    return all_count


def _classes(x: Tensor) -> int:
    return x.shape[min(x.dim() - 1, 1)]


def check_nll(x: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, probabilities: bool = False) -> bool:
    """Log-probabilities ``(N, C, *S)``, targets ``(N, *S)`` of class numbers in range.

    Args:
        probabilities: whether the loss takes these too, as the advice then says.

    Returns:
        Whether it is known that every target counts, none being `ignore_index`.
    """
    _check_target(x, target, probabilities)
    if weight is not None:
        _check_weight(x, weight, False)
        if weight.dtype != x.dtype:
            raise Refusal(f"weight is {weight.dtype} and input {x.dtype}: weight.to(input.dtype) makes one that fits")
    if not x.is_floating_point():
        raise Refusal(f"input is {x.dtype}, and log-probabilities are real: input.float()")
    if not is_plain(target) or target.is_meta or not target.numel():
        return False
    classes = _classes(x)
    low, high = (int(t) for t in target.aminmax())
    if low >= 0 and high < classes:
        return not low <= ignore_index <= high
    outside = target[(target != ignore_index) & ((target < 0) | (target >= classes))]
    if outside.numel():
        raise RefusalByValue(
            f"target {outside[0].item()}: classes are 0 to {classes - 1}, but for ignore_index={ignore_index}",
            IndexError,
        )
    return False


def _check_target(x: Tensor, target: Tensor, probabilities: bool) -> None:
    """A class number for each sample and place."""
    if x.dim() == 0:
        raise Refusal("input needs a class axis: (N, C, ...) or (C,)")
    if x.dim() == 1:
        fits = target.dim() == 0 or tuple(target.shape) == (1,)
    else:
        fits = target.shape == x.shape[:1] + x.shape[2:]
    if fits and target.dtype in (torch.int64, torch.uint8):
        return
    # For errors only: a compiler cannot print a symbolic size.
    otherwise = (
        f"probabilities have the input's shape, {listed(x.shape)}"
        if probabilities
        else "only cross_entropy takes probabilities"
    )
    if target.shape == x.shape:
        otherwise = f"target.argmax({min(1, x.dim() - 1)}) of a one-hot target gives class numbers, {otherwise}"
    elif target.numel() == x.numel() // max(_classes(x), 1):
        otherwise = f"target.flatten() removes axes of size 1, {otherwise}"
    raise Refusal(
        f"target {listed(target.shape)} of {target.dtype} must be a class number for each of the input's "
        f"{listed(x.shape)} without its axis of {_classes(x)} classes; target.long() makes class numbers; "
        f"{otherwise}"
    )


def _check_weight(x: Tensor, weight: Tensor, one_axis: bool) -> None:
    """A factor per class; where there are places, torch's kernel counts the numbers and asks for no shape."""
    classes = _classes(x)
    if tuple(weight.shape) != (classes,) and (one_axis or x.dim() <= 2 or weight.numel() != classes):
        raise Refusal(f"weight {listed(weight.shape)} must be one factor per class: ({classes},)")


# ------------------------------------------------------------------------------------------------------ two classes


def check_same_size(input: Any, target: Any, weight: Any, pos_weight: Any = None) -> None:
    """Tensors on one device, input and target of one size."""
    check_tensors(input=input, target=target, weight=weight, pos_weight=pos_weight)
    if target.shape != input.shape:
        raise Refusal("a probability, or logit, for each target: target.view_as(input) if only axes differ", ValueError)


def check_binary(x: Tensor, t: Tensor, weight: Tensor | None) -> None:
    """Probabilities and targets of one dtype, from 0 to 1; a weight that broadcasts to them."""
    if weight is not None:
        check_factor("weight", weight, x)
    if t.dtype != x.dtype or not x.is_floating_point():
        raise Refusal(
            f"target is {t.dtype} and input {x.dtype}: target.to(input.dtype) makes one that fits, and probabilities "
            "are real: input.float()"
        )
    for key, p in (("input", x), ("target", t)):
        if is_plain(p) and not p.is_meta and not bool(((p >= 0) & (p <= 1)).all()):
            raise RefusalByValue(
                f"{key} must be 0 or 1, or a probability; sigmoid makes probabilities, and "
                "binary_cross_entropy_with_logits takes logits"
            )


def check_logits(z: Tensor, t: Tensor, weight: Tensor | None, pos_weight: Tensor | None) -> None:
    """Real logits, a target that can hold the loss, weights that broadcast to them."""
    if not z.is_floating_point():
        raise Refusal(f"input is {z.dtype}, and logits are real: input.float()")
    if not (t.is_floating_point() or t.is_complex()):
        raise Refusal(
            f"target is {t.dtype}, and the loss has the dtype of target: target.to(input.dtype) makes room for it, "
            "target.float() numbers"
        )
    for key, factor in (("weight", weight), ("pos_weight", pos_weight)):
        if factor is not None:
            check_factor(key, factor, z)
