"""What losses against classes take."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import kind, listed, overflow, read, real, scalar_type, whole
from manualconv.functional.refusals.loss import check_broadcast, check_devices, check_sized, check_widest
from manualconv.torch_internals import is_plain


def check_arguments(name: str, input: Any, target: Any, weight: Any, ignore_index: Any) -> int:
    """Tensors and an int, as torch's argument parser wants them; the int."""
    for place, (key, value) in enumerate((("input", input), ("target", target), ("weight", weight)), 1):
        if not isinstance(value, Tensor) and not (key == "weight" and value is None):
            raise TypeError(
                f"{name}(): argument '{key}' (position {place}) must be Tensor, not {kind(value)} [torch.as_tensor "
                "makes one]"
            )
    ignored = None if isinstance(ignore_index, (tuple, list)) else read(ignore_index)
    if ignored is None:
        raise TypeError(
            f"{name}(): argument 'ignore_index' (position 5) must be int, not {kind(ignore_index)} [a class number, or "
            "one that no class has]"
        )
    if whole(ignored) is None:
        raise overflow(name, "ignore_index", ignored) or AssertionError
    check_devices(input=input, target=target, weight=weight)
    return ignored  # type: ignore[no-any-return]


def smoothing(label_smoothing: Any) -> float:
    """A number; `check_cross_entropy` asks later whether it is at most 1."""
    return real("cross_entropy_loss", "label_smoothing", 6, label_smoothing, why="a number from 0 to 1")


def check_cross_entropy(z: Tensor, t: Tensor, weight: Tensor | None, ignore_index: int, label_smoothing: float) -> bool:
    """Logits against class numbers, or against probabilities, which have the logits' shape; returns as `check_nll`."""
    probabilities = z.shape == t.shape
    if probabilities:
        _check_probabilities(z, t, ignore_index)
        if weight is not None:
            _check_weight(z, weight, "cross_entropy: ")
        _check_logits(z)
    if label_smoothing > 1:
        raise RuntimeError(
            f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing} [it is the part of the target that "
            "is spread over all classes]"
        )
    if not probabilities:
        _check_logits(z)
        if z.dim() == 0:
            raise IndexError(
                "Dimension out of range (expected to be in range of [-1, 0], but got 1) [input needs a class axis: "
                "(N, C, ...) or (C,)]"
            )
        all_count = check_nll(z, t, weight, ignore_index, probabilities=True)
        if weight is not None and label_smoothing > 0:
            _check_weight(z, weight, "cross_entropy: ")  # which smoothing multiplies class by class
        return all_count
    return True


def _check_logits(z: Tensor) -> None:
    if not z.is_floating_point():
        last = "lastdim_" if z.dim() <= 2 else ""
        raise NotImplementedError(
            f"\"log_softmax_{last}kernel_impl\" not implemented for '{scalar_type(z)}' [logits are real: input.float()]"
        )


def _check_probabilities(z: Tensor, t: Tensor, ignore_index: int) -> None:
    if not t.is_floating_point():
        raise RuntimeError(
            f"Expected floating point type for target with class probabilities, got {scalar_type(t)} [a target of the "
            f"input's shape, {listed(z.shape)}, holds probabilities; class numbers have no class axis]"
        )
    if ignore_index >= 0:
        raise RuntimeError(
            f"ignore_index is not supported for floating point target [got ignore_index={ignore_index}: give the "
            "samples to ignore no probability at all]"
        )
    if z.dim() == 0:
        raise IndexError("Dimension specified as 1 but tensor has no dimensions [input needs a class axis: (N, C)]")


def _classes(x: Tensor) -> int:
    return x.shape[min(x.dim() - 1, 1)]


def check_nll(
    x: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    probabilities: bool = False,
) -> bool:
    """Log-probabilities ``(N, C, *S)``, targets ``(N, *S)`` of class numbers in range.

    Args:
        probabilities: whether the loss takes these too, as the advice then says.

    Returns:
        Whether it is known that every target counts, none being `ignore_index`.
    """
    _check_target_size(x, target, probabilities)
    _check_class_numbers(x, target, probabilities)
    if weight is not None:
        _check_weight(x, weight, "")
    if not x.is_floating_point():
        kernel = "nll_loss_out_frame" if x.dim() <= 2 else "nll_loss2d_forward_out_frame"
        raise NotImplementedError(
            f"\"{kernel}\" not implemented for '{scalar_type(x)}' [log-probabilities are real: input.float()]"
        )
    if weight is not None and weight.dtype != x.dtype:
        raise RuntimeError(
            f"expected scalar type {scalar_type(x)} but found {scalar_type(weight)} [weight.to(input.dtype) makes one "
            "that fits]"
        )
    if not is_plain(target) or target.is_meta or not target.numel():
        return False
    classes = _classes(x)
    low, high = (int(t) for t in target.aminmax())
    if low >= 0 and high < classes:
        return not low <= ignore_index <= high
    outside = target[(target != ignore_index) & ((target < 0) | (target >= classes))]
    if outside.numel():
        raise IndexError(
            f"Target {outside[0].item()} is out of bounds. [classes are 0 to {classes - 1}; only "
            f"ignore_index={ignore_index} may lie outside]"
        )
    return False


def _otherwise(x: Tensor, probabilities: bool) -> str:
    """What else a target can be.  For errors only: a compiler cannot print a symbolic size."""
    return (
        f"probabilities have the input's shape, {listed(x.shape)}"
        if probabilities
        else "only cross_entropy takes probabilities"
    )


def _check_class_numbers(x: Tensor, target: Tensor, probabilities: bool) -> None:
    if target.dtype not in (torch.int64, torch.uint8):
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {scalar_type(target)} [class numbers: target.long() "
            f"makes them; {_otherwise(x, probabilities)}]"
        )


def _class_axis(x: Tensor, target: Tensor, probabilities: bool) -> str:
    """What to do with a target that has more axes than class numbers have."""
    if target.shape == x.shape:
        classes = f"target.argmax({min(1, x.dim() - 1)}) of a one-hot target gives class numbers"
        return f"{classes}, {_otherwise(x, probabilities)}"
    if target.numel() == x.numel() // max(_classes(x), 1):
        return "target.flatten() removes axes of size 1"
    return _otherwise(x, probabilities)


def _check_target_size(x: Tensor, target: Tensor, probabilities: bool) -> None:
    if x.dim() == 0:
        raise ValueError("Expected 1 or more dimensions (got 0) [input needs a class axis: (N, C, ...) or (C,)]")
    if x.dim() > 1 and (target.dim() == 0 or target.shape[0] != x.shape[0]):
        raise ValueError(
            f"Expected input batch_size ({x.shape[0]}) to match target batch_size "
            f"({target.shape[0] if target.dim() else 0}). [{_expected(x)}]"
        )
    if x.dim() <= 2 and target.dim() > 1:
        raise RuntimeError(
            f"0D or 1D target tensor expected, multi-target not supported [got {listed(target.shape)}: {_expected(x)}; "
            f"{_class_axis(x, target, probabilities)}]"
        )
    if x.dim() == 1:
        _check_class_numbers(x, target, probabilities)
        if target.dim() == 1 and target.shape[0] != 1:
            raise ValueError(
                f"For 1D input, 1D target must have size 1, but got target size: {target.shape[0]} [one sample of "
                f"{x.shape[0]} classes has one class number]"
            )
        return
    if x.dim() == 4 and target.dim() != 3:
        raise RuntimeError(
            "only batches of spatial targets supported (3D tensors) but got targets of dimension: "
            f"{target.dim()} [{_expected(x)}]"
        )
    expected = (*x.shape[:1], *x.shape[2:])
    if tuple(target.shape) != expected:
        if x.dim() == 4:
            raise RuntimeError(
                f"size mismatch (got input: {listed(x.shape)} , target: {listed(target.shape)} [{_expected(x)}]"
            )
        raise RuntimeError(f"Expected target size {listed(expected)}, got {listed(target.shape)} [{_expected(x)}]")


def _expected(x: Tensor) -> str:
    return f"a class number for each of the input's {listed(x.shape)} without its class axis"


def _check_weight(x: Tensor, weight: Tensor, whose: str) -> None:
    classes, places = _classes(x), not whose and x.dim() > 2
    # Where there are places, torch's kernel counts the numbers and asks for no shape.
    if tuple(weight.shape) == (classes,) or (places and weight.numel() == classes):
        return
    if not places:
        raise RuntimeError(
            f"{whose}weight tensor should be defined either for all {classes} classes or no classes but got weight "
            f"tensor of shape: {listed(weight.shape)} [one factor per class: ({classes},)]"
        )
    raise RuntimeError(
        f"weight tensor should be defined either for all or no classes [got {listed(weight.shape)} for {classes} "
        f"classes: one factor per class is ({classes},)]"
    )


# ------------------------------------------------------------------------------------------------------ two classes


def check_same_size(name: str, input: Any, target: Any) -> None:
    """Tensors of one size and one device."""
    check_sized(name, target=target, input=input)
    if target.shape != input.shape:
        words = (
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            "Please ensure they have the same size."
            if name == "binary_cross_entropy"
            else f"Target size ({target.shape}) must be the same as input size ({input.shape})"
        )
        raise ValueError(
            f"{words} [a probability, or logit, for each target: target.view_as(input) if only axes differ]"
        )
    check_devices(input=input, target=target)


def check_binary(x: Tensor, t: Tensor, weight: Any) -> None:
    """Probabilities and targets of one dtype, from 0 to 1; a weight that broadcasts to them."""
    if weight is not None:
        check_sized("binary_cross_entropy", weight=weight)
        check_devices(input=x, weight=weight)
        fix = "weight broadcasts to the input's size"
        for back, (m, n) in enumerate(zip(reversed(x.shape), reversed(weight.shape)), 1):
            if m != n and m != 1 and n != 1:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {n} at -{back}! Mismatching argument at index 1 "
                    f"had {weight.shape}; but expected shape should be broadcastable to {listed(x.shape)} [{fix}]"
                )
    if t.dtype != x.dtype:
        raise RuntimeError(
            f"Found dtype {scalar_type(t)} but expected {scalar_type(x)} [target.to(input.dtype) makes one that fits]"
        )
    if not x.is_floating_point():
        raise NotImplementedError(
            f"\"binary_cross_entropy\" not implemented for '{scalar_type(x)}' [probabilities are real: input.float()]"
        )
    if weight is not None:
        check_widest("weight broadcasts to the input's size", x, weight)
    for key, probability in (("input", x), ("target", t)):
        if (
            is_plain(probability)
            and not probability.is_meta
            and not bool(((probability >= 0) & (probability <= 1)).all())
        ):
            fix = (
                "sigmoid makes probabilities; binary_cross_entropy_with_logits takes logits"
                if key == "input"
                else "0 or 1, or a probability"
            )
            raise RuntimeError(f"all elements of {key} should be between 0 and 1 [{fix}]")


def check_logits(z: Tensor, t: Tensor, weight: Any, pos_weight: Any) -> None:
    """Real logits, a target that can hold the loss, weights that broadcast to them."""
    name = "binary_cross_entropy_with_logits"
    for place, (key, factor) in enumerate((("weight", weight), ("pos_weight", pos_weight)), 3):
        if factor is not None and not isinstance(factor, Tensor):
            raise TypeError(
                f"{name}(): argument '{key}' (position {place}) must be Tensor, not {kind(factor)} [torch.as_tensor "
                "makes one]"
            )
    if not z.is_floating_point():
        raise NotImplementedError(
            f"\"log_sigmoid_{z.device.type}\" not implemented for '{scalar_type(z)}' [logits are real: input.float()]"
        )
    if pos_weight is not None:
        check_devices(input=z, pos_weight=pos_weight)
        fix = "pos_weight broadcasts to the input's size"
        check_broadcast(fix, pos_weight, z)
        check_widest(fix, z, pos_weight)
    if not t.is_floating_point() and not t.is_complex():
        if t.dtype == torch.bool:
            raise NotImplementedError(
                "Subtraction, the `-` operator, with two bool tensors is not supported. [target.float() makes numbers]"
            )
        raise RuntimeError(
            f"result type {scalar_type(z)} can't be cast to the desired output type {scalar_type(t)} [the loss has the "
            "dtype of target: target.to(input.dtype) makes room for it]"
        )
    if weight is not None:
        check_devices(input=z, weight=weight)
        check_widest("weight broadcasts to the input's size", z, weight)
