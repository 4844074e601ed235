"""The one place that looks at what came: below it shapes are trusted.

Every error has the type and the opening words of torch's own for the same mistake, then what came, the rule with its
numbers, and the fix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from manualconv.geometry import Axes, Pair, Window, full_padding, per_axis, same_padding
from manualconv.torch_internals import is_transformed


def listed(size: Sequence[int]) -> str:
    """A size as torch prints it: ``[2, 4, 8, 9]``."""
    return "[" + ", ".join(str(s) for s in size) + "]"


def crossed(size: Sequence[int]) -> str:
    """A size as torch prints it in geometry errors: ``8 x 9``."""
    return " x ".join(str(s) for s in size)


def kind(value: Any) -> str:
    """The type of an argument as torch's argument parser names it."""
    return type(value).__name__


def _is_int(value: Any) -> bool:
    return isinstance(value, (int, torch.SymInt)) and not isinstance(value, bool)


def is_int_or_ints(value: Any) -> bool:
    """An int, or a non-empty tuple or list of ints."""
    return _is_int(value) or (isinstance(value, (tuple, list)) and all(_is_int(v) for v in value))


def is_pairs(value: Any) -> bool:
    """A tuple of ``(lo, hi)`` pairs, one per axis: manualconv's own way to say one-sided padding."""
    return (
        isinstance(value, (tuple, list))
        and len(value) > 0
        and all(isinstance(v, (tuple, list)) and len(v) == 2 and all(_is_int(side) for side in v) for v in value)
    )


def reject_arguments(name: str, got: Sequence[tuple[str, Any]], rule: str) -> TypeError:
    """The TypeError that torch's argument parser raises, with the argument named."""
    types = ", ".join(f"{key}={kind(value)}" for key, value in got)
    return TypeError(f"{name}() received an invalid combination of arguments - got ({types}), but {rule}")


def check_convolution_types(name: str, ndim: int, tensors: dict[str, Any], numbers: dict[str, Any]) -> None:
    """Tensors are tensors, numbers are ints: what torch's argument parser sees to."""
    got = [*tensors.items(), *numbers.items()]
    for key, value in tensors.items():
        if not isinstance(value, Tensor) and not (key == "bias" and value is None):
            fix = "; torch.as_tensor(...) makes one" if value is not None else ""
            raise reject_arguments(name, got, f"{key} must be a Tensor, not {kind(value)}{fix}")
    for key, value in numbers.items():
        if key == "groups":
            if not _is_int(value):
                raise reject_arguments(name, got, f"groups must be an int, got {value!r}")
        elif key == "padding" and (isinstance(value, str) or is_pairs(value)):
            continue
        elif not is_int_or_ints(value):
            raise reject_arguments(name, got, f"{key} must be an int or a tuple of {ndim} ints, got {value!r}")


def _spread(key: str, value: Any, ndim: int) -> Axes:
    """An int or tuple over the axes; torch's RuntimeError where the length is off."""
    try:
        return per_axis(value, ndim)
    except ValueError:
        raise RuntimeError(
            f"expected {key} to be a single integer value or a list of {ndim} values to match the convolution "
            f"dimensions, but got {key}={listed(value)} [{len(value)} values for {ndim} spatial axes]"
        ) from None


def convolution_numbers(ndim: int, stride: Any, dilation: Any, groups: int) -> tuple[Axes, Axes]:
    """Stride and dilation per axis, all positive."""
    stride, dilation = _spread("stride", stride, ndim), _spread("dilation", dilation, ndim)
    if groups <= 0:
        raise RuntimeError(f"non-positive groups is not supported: expected groups to be greater than 0, got {groups}")
    if any(s <= 0 for s in stride):
        raise RuntimeError(f"non-positive stride is not supported: every stride must be at least 1, got {stride}")
    if any(d <= 0 for d in dilation):
        raise RuntimeError(f"dilation should be greater than zero, but got {dilation}: 1 means neighbouring taps")
    return stride, dilation


def convolution_padding(padding: Any, kernel_size: Axes, stride: Axes, dilation: Axes) -> tuple[Pair, ...]:
    """Padding in any of its spellings as ``(lo, hi)`` per axis."""
    ndim = len(kernel_size)
    if isinstance(padding, str):
        if padding == "same":
            if any(s != 1 for s in stride):
                raise RuntimeError(
                    f"padding='same' is not supported for strided convolutions [stride is {stride}: give the padding "
                    f"as numbers]"
                )
            return same_padding(kernel_size, dilation)
        if padding == "full":
            return full_padding(kernel_size, dilation)
        if padding == "valid":
            return ((0, 0),) * ndim
        raise RuntimeError(f"Invalid padding string: '{padding}' [it must be 'valid', 'same' or 'full']")
    pairs: tuple[Pair, ...]
    if is_pairs(padding):
        if len(padding) != ndim:
            raise RuntimeError(
                f"expected padding to be a single integer value or a list of {ndim} values to match the convolution "
                f"dimensions, but got {len(padding)} (lo, hi) pairs"
            )
        pairs = tuple((lo, hi) for lo, hi in padding)
    else:
        pairs = tuple((p, p) for p in _spread("padding", padding, ndim))
    if any(side < 0 for pair in pairs for side in pair):
        raise RuntimeError(f"negative padding is not supported: got padding={padding} [crop the input instead]")
    largest = 2**62 - 1
    for axis, pair in enumerate(pairs):
        if max(pair) > largest:
            raise RuntimeError(
                f"Given padding={max(pair)} at dimension {axis} , expected padding to be at most {largest}"
            )
    return pairs


def check_same_kind(input: Tensor, **others: Tensor | None) -> None:
    """One dtype, one device, dense: the rule torch states as 'types should be the same'."""
    for key, t in others.items():
        if t is None:
            continue
        if t.layout != torch.strided or input.layout != torch.strided or t.is_quantized or input.is_quantized:
            raise RuntimeError(
                f"Input type ({input.type()}) and {key} type ({t.type()}) should be the same [{key} and input must be "
                f"dense strided tensors: .to_dense() or .dequantize() makes one]"
            )
        if t.dtype != input.dtype or t.device != input.device:
            raise RuntimeError(
                f"Input type ({input.type()}) and {key} type ({t.type()}) should be the same [input is {input.dtype} "
                f"on {input.device}, {key} is {t.dtype} on {t.device}: .to() one of them]"
            )


def check_convolution_shapes(
    name: str, input: Tensor, weight: Tensor, bias: Tensor | None, ndim: int, groups: int
) -> None:
    """Ranks and channel counts of x ``(N, C, *I)`` or ``(C, *I)``, w ``(O, C/g, *K)``, b ``(O,)``."""
    if weight.dim() < 3:
        raise RuntimeError(
            f"weight should have at least three dimensions, but got weight of size {listed(weight.shape)} "
            f"[{name} needs (out_channels, in_channels/groups, *kernel_size), {ndim + 2} dimensions]"
        )
    if input.dim() not in (ndim + 1, ndim + 2):
        raise RuntimeError(
            f"Expected {ndim + 1}D (unbatched) or {ndim + 2}D (batched) input to {name}, but got input of size: "
            f"{listed(input.shape)} [unsqueeze(0) adds a missing channel axis]"
        )
    if weight.dim() != ndim + 2:
        raise RuntimeError(
            f"Expected {weight.dim()}-dimensional input for {weight.dim()}-dimensional weight {listed(weight.shape)}, "
            f"but got {ndim + 2}-dimensional input of size {listed(input.shape)} instead [{name} needs a weight of "
            f"(out_channels, in_channels/groups, *kernel_size), {ndim + 2} dimensions]"
        )
    _check_groups(weight, groups)
    channels = input.shape[input.dim() - ndim - 1]
    if channels != weight.shape[1] * groups:
        layout = "; did you pass NHWC?" if input.shape[-1] == weight.shape[1] * groups else ""
        raise RuntimeError(
            f"Given groups={groups}, weight of size {listed(weight.shape)}, expected input{listed(input.shape)} to "
            f"have {weight.shape[1] * groups} channels, but got {channels} channels instead [input channels must be "
            f"weight.shape[1]*groups = {weight.shape[1]}*{groups} = {weight.shape[1] * groups}{layout}]"
        )
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise RuntimeError(
            f"Given weight of size {listed(weight.shape)}, expected bias to be 1-dimensional with {weight.shape[0]} "
            f"elements, but got bias of size {listed(bias.shape)} instead"
        )


def _check_groups(weight: Tensor, groups: int) -> None:
    """At least one output channel a group, and as many in each."""
    if weight.shape[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{listed(weight.shape)} instead"
        )
    if weight.shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size {listed(weight.shape)} instead [{weight.shape[0]} mod {groups} = {weight.shape[0] % groups}]"
        )


def check_kernel_fits(size: Axes, padding: tuple[Pair, ...], kernel_size: Axes, dilation: Axes) -> None:
    """Every window has at least one placement: d·(k−1)+1 ≤ i + lo + hi on every axis."""
    padded = tuple(i + a + b for i, (a, b) in zip(size, padding))
    extent = tuple(d * (k - 1) + 1 for k, d in zip(kernel_size, dilation))
    if any(k == 0 for k in kernel_size):
        raise RuntimeError(f"kernel size should be greater than zero, but got {kernel_size}")
    if any(e > i for e, i in zip(extent, padded)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({crossed(padded)}). Kernel size: ({crossed(extent)}). Kernel "
            f"size can't be greater than actual input size [d*(k-1)+1 with k={kernel_size}, d={dilation} against "
            f"i+lo+hi with i={size}, (lo, hi)={padding}]"
        )


def check_linear_types(input: Any, weight: Any, bias: Any) -> None:
    """Tensors are tensors."""
    for place, (key, t) in enumerate((("input", input), ("weight", weight), ("bias", bias)), 1):
        if not isinstance(t, Tensor) and not (key == "bias" and t is None):
            raise TypeError(f"linear(): argument '{key}' (position {place}) must be Tensor, not {kind(t)}")


def check_linear_shapes(x: Tensor, w: Tensor, b: Tensor | None) -> None:
    """x ``(*, C)``, w ``(O, C)`` or ``(C,)``, b ``(O,)`` or ``()``."""
    if x.dim() == 0 or w.dim() == 0:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {x.dim()}D and {w.dim()}D")
    if w.dim() > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but weight is {w.dim()}D: {listed(w.shape)}")
    for key, t in (("weight", w), ("bias", b)):
        if t is not None and t.device != x.device:
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but got input on {x.device} and {key} on {t.device}"
            )
        if t is not None and t.dtype != x.dtype:
            raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {x.dtype} and {t.dtype} ({key})")
    if x.shape[-1] != w.shape[-1]:
        if x.dim() == 1 or w.dim() == 1:
            raise RuntimeError(
                f"size mismatch, got input ({x.shape[-1]}), weight {listed(w.shape)} [the last axis of input must "
                f"have weight.shape[-1] = {w.shape[-1]} entries]"
            )
        rows = x[..., 0].numel()
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{x.shape[-1]} and {w.shape[1]}x{w.shape[0]}) [the last "
            f"axis of input must have in_features = weight.shape[1] = {w.shape[1]} entries]"
        )
    expected = (w.shape[0],) if w.dim() == 2 else ()
    if b is not None and tuple(b.shape) not in (expected, (1,)):
        raise RuntimeError(
            f"The expanded size of the tensor ({w.shape[0] if w.dim() == 2 else 1}) must match the existing size "
            f"({b.shape[-1] if b.dim() else 1}): bias of size {listed(b.shape)} for weight {listed(w.shape)}"
        )


def check_tensor(name: str, value: Any, key: str = "input") -> None:
    """A Tensor, or torch's TypeError."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}(): argument '{key}' must be Tensor, not {kind(value)}")


def check_pooling(name: str, ndim: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> None:
    """Types, tuple lengths, ranks and signs of a pooling layer's arguments."""
    check_tensor(name, input)
    for place, (key, value) in enumerate(
        (("kernel_size", kernel_size), ("stride", stride), ("padding", padding), ("dilation", dilation)), 2
    ):
        if value is None and key == "stride":
            continue
        if not is_int_or_ints(value):
            raise TypeError(f"{name}(): argument '{key}' (position {place}) must be tuple of ints, not {kind(value)}")
        if isinstance(value, (tuple, list)) and len(value) not in (1, ndim) and not (key == "stride" and not value):
            raise RuntimeError(
                f"{name}: {key} must either be a single int, or a tuple of {_COUNT[ndim]}, but got {tuple(value)}"
            )
    if input.dim() not in (ndim + 1, ndim + 2):
        raise RuntimeError(
            f"non-empty {ndim + 1}D or {ndim + 2}D (batch mode) tensor expected for input, but got "
            f"{listed(input.shape)}"
        )
    if any(size == 0 for size in input.shape[input.dim() - ndim - 1 :]):
        raise RuntimeError(
            f"Expected {ndim + 1}D or {ndim + 2}D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got: {listed(input.shape)}"
        )


_COUNT = {1: "one int", 2: "two ints", 3: "three ints"}


def check_pooling_window(name: str, input: Tensor, window: Window, padding: Axes) -> None:
    """Positive kernel, stride and dilation, padding at most half the window, at least one placement."""
    if any(k <= 0 for k in window.kernel_size):
        raise RuntimeError(f"kernel size should be greater than zero, but got kernel_size={window.kernel_size}")
    if any(s <= 0 for s in window.stride):
        raise RuntimeError(f"stride should not be zero or negative, but got stride={window.stride}")
    if any(d <= 0 for d in window.dilation):
        raise RuntimeError(f"dilation should be greater than zero, but got dilation={window.dilation}")
    if any(p < 0 for p in padding):
        raise RuntimeError(f"pad must be non-negative, but got pad={padding}")
    if any(p > e // 2 for p, e in zip(padding, window.extent)):
        raise RuntimeError(
            f"pad should be at most half of effective kernel size, but got pad={padding}, kernel_size="
            f"{window.kernel_size} and dilation={window.dilation} [2*pad <= d*(k-1)+1 = {window.extent}]"
        )
    if any(p > k // 2 for p, k in zip(padding, window.kernel_size)):
        raise RuntimeError(
            f"pad should be smaller than or equal to half of kernel size, but got pad={padding} and kernel_size="
            f"{window.kernel_size} [dilation={window.dilation} widens the window, not the padding allowed]"
        )
    if any(p < 1 for p in window.output_size):
        raise RuntimeError(
            f"Given input size: ({crossed(input.shape[-window.ndim - 1 :])}). Calculated output size: "
            f"({crossed(window.output_size)}). Output size is too small [i+2*pad >= d*(k-1)+1 is needed on every axis]"
        )
    # The first tap inside, of a window that starts at s·p − a < 0, reads position (s·p − a) mod d.
    for i, s, d, a in zip(window.input_size, window.stride, window.dilation, padding):
        if any((s * p - a) % d >= i for p in range(-(-a // s))):
            raise RuntimeError(
                f"a window sees nothing but padding: input of size {i} with padding={a} lies between two taps, "
                f"dilation={d} apart [torch returns -inf here and its backward writes outside the tensor]"
            )


def check_reduction(size_average: Any, reduce: Any, reduction: str) -> None:
    """One of the three reductions; the arguments they replaced in 2018 are refused."""
    if size_average is not None or reduce is not None:
        raise NotImplementedError("size_average and reduce are deprecated and not taken here: use reduction=...")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction: it must be 'none', 'mean' or 'sum'")


def check_nll(input: Any, target: Any, weight: Any, ignore_index: int) -> None:
    """Log-probabilities ``(N, C, *S)``, targets ``(N, *S)`` of class numbers in range."""
    check_tensor("nll_loss", input)
    check_tensor("nll_loss", target, "target")
    if input.dim() < 1:
        raise RuntimeError("input tensor should be 1D or 2D: got a scalar where (N, C) log-probabilities are needed")
    expected = (*input.shape[:1], *input.shape[2:]) if input.dim() > 1 else ()
    if input.dim() > 1 and target.dim() > 0 and target.shape[0] != input.shape[0]:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]})."
        )
    if tuple(target.shape) != expected:
        raise RuntimeError(
            f"Expected target size {listed(expected)}, got {listed(target.shape)} [one class number for each of the "
            f"input's {listed(input.shape)} without its class axis]"
        )
    if target.dtype not in (torch.int64, torch.uint8):
        raise RuntimeError(f"expected scalar type Long but found {target.dtype} for target [target.long() makes one]")
    classes = input.shape[1] if input.dim() > 1 else input.shape[0]
    if weight is not None and tuple(weight.shape) != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {listed(weight.shape)}"
        )
    if torch.compiler.is_compiling() or is_transformed(target) or target.is_meta:
        return
    outside = target[(target != ignore_index) & ((target < 0) | (target >= classes))]
    if outside.numel():
        raise IndexError(f"Target {outside[0].item()} is out of bounds: classes are 0 to {classes - 1}.")
