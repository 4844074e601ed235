"""What losses take: of residuals, of classes, of two classes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals import arguments
from manualconv.functional.refusals.arguments import listed, number_of
from manualconv.functional.refusals.refusal import Refusal, RefusalByValue
from manualconv.geometry import whole
from manualconv.torch_internals import assert_later, can_be_read, is_queued


def check_reduction(reduction: Any, weighted: bool = False) -> None:
    """One of the three, or the name that ``'mean'`` had once, where no weight is given."""
    if reduction not in ("none", "mean", "sum", *(() if weighted else ("elementwise_mean",))):
        raise Refusal(f"reduction={reduction!r} must be one of 'none', 'mean', 'sum'", ValueError)


def check_tensors(**tensors: Any) -> None:
    """Tensors on one device, the weights optional; a number on the CPU goes with any."""
    arguments.check_tensors(("weight", "pos_weight"), **tensors)
    given = {key: t for key, t in tensors.items() if t is not None and (t.dim() or t.device.type != "cpu")}
    if len({t.device for t in given.values()}) > 1:
        where = ", ".join(f"{key} is on {t.device}" for key, t in given.items())
        raise Refusal(f"{where}: move them to one by .to(device)")


def check_sizes(input: Any, target: Any, weight: Any) -> None:
    """Two tensors whose sizes broadcast, on one device; a weight in the size of the input."""
    check_tensors(input=input, target=target, weight=weight)
    if any(m != n and m != 1 and n != 1 for m, n in zip(reversed(input.shape), reversed(target.shape))):
        raise Refusal(f"give input and target one shape: {listed(input.shape)} against {listed(target.shape)}")
    if weight is not None and weight.shape != input.shape:
        got = f"weight is {listed(weight.shape)} and input {listed(input.shape)}"
        raise Refusal(f"{got}: weight.expand_as(input) broadcasts it")


def check_numbers(name: str, x: Tensor, t: Tensor, weight: Tensor | None) -> None:
    """Dtypes that the loss has arithmetic for."""
    dtype = torch.promote_types(x.dtype, t.dtype)
    # torch.can_cast, which a compiler does not trace.
    fits = x.is_complex() or (not dtype.is_complex and (x.is_floating_point() or not dtype.is_floating_point))
    if name == "huber_loss" and not fits:
        raise Refusal(f"the loss has the dtype of input: input.to({dtype}) makes room for it")
    plain = name == "l1_loss" or (name == "mse_loss" and weight is not None)
    if (plain and torch.bool in (x.dtype, t.dtype)) or not (plain or dtype.is_floating_point):
        raise Refusal(f"{dtype} has no such loss: l1_loss takes complex numbers, input.float() makes fractions")


def check_mean(loss: Tensor, reduction: str) -> None:
    """Integers have no mean in torch."""
    if reduction in ("mean", "elementwise_mean") and not loss.is_floating_point():
        raise Refusal(f"the loss is {loss.dtype}: input.float() has a mean, and reduction='sum' takes integers")


def positive(key: str, value: Any) -> float:
    """Where a parabola ends: a number above 0."""
    number: float = number_of(key, value)
    if not number > 0:
        raise Refusal(f"got {key}={number}, which must be above 0: the parabola ends at |r| = {key}")
    return number


def checked_index(input: Any, target: Any, weight: Any, ignore_index: Any) -> int:
    """The class number that does not count, beside tensors on one device."""
    ignored = None if isinstance(ignore_index, (tuple, list)) else whole(ignore_index)
    if ignored is None:
        raise Refusal(f"ignore_index={ignore_index!r} must be an int of 64 bits, a class or none", TypeError)
    check_tensors(input=input, target=target, weight=weight)
    return ignored  # type: ignore[no-any-return]


def check_cross_entropy(z: Tensor, t: Tensor, weight: Tensor | None, ignore_index: int, smoothing: float) -> bool:
    """Logits against class numbers, or against probabilities, which have the logits' shape; returns as `check_nll`."""
    if z.dim() == 0 or not z.is_floating_point():
        raise Refusal(f"input is {z.dtype} {listed(z.shape)}: (N, C, ...) or (C,), and logits are real: input.float()")
    if smoothing > 1:
        raise Refusal(f"label_smoothing={smoothing} is the part of the target, up to 1, that goes to all classes")
    if z.shape != t.shape:
        all_count = check_nll(z, t, weight, ignore_index, probabilities=True)
        if smoothing > 0:
            _check_weight(z, weight, True)  # which smoothing multiplies class by class
        return all_count
    if not t.is_floating_point():
        raise Refusal(f"target is {t.dtype}, and one of the input's shape, {listed(z.shape)}, holds probabilities")
    if ignore_index >= 0:
        raise Refusal(f"ignore_index={ignore_index} is for class numbers: give samples to ignore no probability at all")
    _check_weight(z, weight, True)
    return True


def _classes(x: Tensor) -> int:
    return x.shape[min(x.dim() - 1, 1)]


def check_nll(x: Tensor, target: Tensor, weight: Tensor | None, ignored: int, probabilities: bool = False) -> bool:
    """Log-probabilities ``(N, C, *S)``, targets ``(N, *S)`` in range; whether none is known to be `ignored`.

    The advice says whether the loss takes `probabilities` too.
    """
    _check_target(x, target, probabilities)
    _check_weight(x, weight, False)
    if not x.is_floating_point() or (weight is not None and weight.dtype != x.dtype):
        kinds = f"input is {x.dtype}" + (f" and weight {weight.dtype}" if weight is not None else "")
        # torch takes them in vmap alone.
        raise Refusal(f"{kinds}: input.float() is real, and weight.to(input.dtype) fits", NotImplementedError)
    if not can_be_read(target):
        return False
    classes = _classes(x)
    low, high = (int(t) for t in target.aminmax())
    if low >= 0 and high < classes:
        return not low <= ignored <= high
    outside = target[(target != ignored) & ((target < 0) | (target >= classes))]
    if outside.numel():
        rule = f"classes are 0 to {classes - 1}, but for ignore_index={ignored}"
        raise RefusalByValue(f"target {outside[0].item()}: {rule}", IndexError)
    return False


def _check_target(x: Tensor, target: Tensor, probabilities: bool) -> None:
    """A class number for each sample and place."""
    if x.dim() == 0:
        raise Refusal("input needs a class axis: (N, C, ...) or (C,)")
    fits = target.shape == x.shape[:1] + x.shape[2:] if x.dim() > 1 else tuple(target.shape) in ((), (1,))
    if fits and target.dtype in (torch.int64, torch.uint8):
        return
    classes, shape = _classes(x), listed(x.shape)  # for errors only: a compiler cannot print a symbolic size
    otherwise = (
        f"probabilities have the input's shape, {shape}" if probabilities else "only cross_entropy takes probabilities"
    )
    if target.shape == x.shape:
        otherwise = f"target.argmax({min(1, x.dim() - 1)}) of a one-hot target gives class numbers, {otherwise}"
    elif target.numel() == x.numel() // max(classes, 1):
        otherwise = f"target.flatten() removes axes of size 1, {otherwise}"
    got = f"target {listed(target.shape)} of {target.dtype}"
    needed = f"a class number for each of the input's {shape} without its axis of {classes} classes"
    raise Refusal(f"{got} must be {needed}; target.long() makes class numbers; {otherwise}")


def _check_weight(x: Tensor, weight: Tensor | None, one_axis: bool) -> None:
    """A factor per class; where there are places, torch's kernel counts the numbers and asks for no shape."""
    classes = _classes(x)
    if weight is not None and weight.shape != (classes,) and (one_axis or x.dim() <= 2 or weight.numel() != classes):
        raise Refusal(f"weight {listed(weight.shape)} must be one factor per class: ({classes},)")


def check_same_size(input: Any, target: Any, weight: Any, pos_weight: Any = None) -> None:
    """Tensors on one device, input and target of one size."""
    check_tensors(input=input, target=target, weight=weight, pos_weight=pos_weight)
    if target.shape != input.shape:
        raise Refusal("a probability, or logit, for each target: target.view_as(input) if only axes differ", ValueError)


def _check_factors(x: Tensor, **factors: Tensor | None) -> None:
    """Factors that broadcast to x, and x not to them."""
    for key, factor in factors.items():
        if factor is not None:
            pairs = zip(reversed(factor.shape), reversed(x.shape))
            if factor.dim() > x.dim() or any(n not in (1, m) for n, m in pairs):
                raise Refusal(f"{key} {listed(factor.shape)} must broadcast to the input's size, {listed(x.shape)}")


def check_binary(x: Tensor, t: Tensor, weight: Tensor | None) -> None:
    """Probabilities and targets of one dtype, from 0 to 1; a weight that broadcasts to them."""
    _check_factors(x, weight=weight)
    if t.dtype != x.dtype or not x.is_floating_point():
        raise Refusal(f"target is {t.dtype} and input {x.dtype}: target.to(input.dtype) fits, input.float() is real")
    for key, p in (("input", x), ("target", t)):
        if is_queued(p):
            assert_later(_are_probabilities(p))
        elif can_be_read(p) and not bool(_are_probabilities(p)):
            advice = "sigmoid makes one, and binary_cross_entropy_with_logits takes logits"
            raise RefusalByValue(f"{key} must be 0 or 1, or a probability; {advice}")


def _are_probabilities(p: Tensor) -> Tensor:
    return ((p >= 0) & (p <= 1)).all()


def check_logits(z: Tensor, t: Tensor, weight: Tensor | None, pos_weight: Tensor | None) -> None:
    """Real logits, a target that can hold the loss, weights that broadcast to them."""
    if not z.is_floating_point():
        raise Refusal(f"input is {z.dtype}, and logits are real: input.float()")
    if not (t.is_floating_point() or t.is_complex()):
        raise Refusal(f"target is {t.dtype}, and the loss has its dtype: target.float() makes room for it")
    _check_factors(z, weight=weight, pos_weight=pos_weight)
