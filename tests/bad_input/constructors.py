"""What torch's constructors of convolution and linear layers refuse, and what they let pass until the layer runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tests.bad_input.calls import ANY, Row, numbers

_GROUPS = "groups must be a positive integer"
_TUPLE = "empty(): argument 'size' (position 1) must be tuple of ints"
_UNPACK = "empty(): argument 'size' failed to unpack"
_NEGATIVE = "Trying to create tensor with negative dimension"
_INTEGERS = "Only Tensors of floating point and complex dtype can require gradients"

#: Number, what is wrong, how torch's message opens, and the arguments that differ from `Conv(4, 6, 3)`.
_MADE: tuple[tuple[int, str, str, dict[str, Any]], ...] = (
    (1, "no groups", _GROUPS, {"groups": 0}),
    (2, "negative groups", _GROUPS, {"groups": -1}),
    (3, "channels left over", "in_channels must be divisible by groups", {"in_channels": 5, "groups": 2}),
    (4, "outputs left over", "out_channels must be divisible by groups", {"out_channels": 5, "groups": 2}),
    (5, "padding in capitals", "Invalid padding string 'SAME'", {"padding": "SAME"}),
    (5, "a mode for padding", "Invalid padding string 'reflect'", {"padding": "reflect"}),
    (6, "same at a stride", "padding='same' is not supported for strided conv", {"padding": "same", "stride": 2}),
    (7, "an unknown padding mode", "padding_mode must be one of", {"padding_mode": "xyz"}),
    (8, "a number for padding mode", "padding_mode must be one of", {"padding_mode": 3}),
    (10, "half a kernel", _UNPACK, {"kernel_size": 3.5}),
    (11, "outputs as a float", _TUPLE, {"out_channels": 6.0}),
    (12, "negative channels", _NEGATIVE, {"in_channels": -1}),
    (17, "an integer dtype", _INTEGERS, {"dtype": torch.int32}),
)

_LINEAR: tuple[tuple[int, str, str, dict[str, Any]], ...] = (
    (114, "half a feature", _UNPACK, {"in_features": 2.5}),
    (114, "outputs as a float", _TUPLE, {"out_features": 3.0}),
    (114, "negative features", _NEGATIVE, {"in_features": -1}),
    (114, "an integer dtype", _INTEGERS, {"dtype": torch.int32}),
)


def _layer(name: str, right: dict[str, Any], changes: dict[str, Any]) -> Any:
    """A call that makes the layer."""
    return lambda library: getattr(library.nn, name)(**{**right, **changes})


def rows() -> Iterator[Row]:
    """Convolutions, and the fully connected layer."""
    for ndim in (1, 2, 3):
        yield from _convolutions(ndim)
    for number, what, words, changes in _LINEAR:
        make = _layer("Linear", {"in_features": 4, "out_features": 3}, changes)
        yield Row(number, f"Linear, {what}", make, words, theirs=True)


def _convolutions(ndim: int) -> Iterator[Row]:
    right = {"in_channels": 4, "out_channels": 6, "kernel_size": 3}
    name = f"Conv{ndim}d"
    for number, what, words, changes in _MADE:
        yield Row(number, f"{name}, {what}", _layer(name, right, changes), words, theirs=True)
    transposed = f"ConvTranspose{ndim}d"
    reflect = _layer(transposed, right, {"padding_mode": "reflect"})
    yield Row(9, f"{transposed}, reflect", reflect, 'Only "zeros" padding mode is supported', theirs=True)

    x = numbers(2, 4, *(8, 9, 7)[:ndim])
    combination = {"ours": f"conv{ndim}d() received an invalid combination of arguments"}
    no_taps = {"ours": "kernel size should be greater than zero, but got kernel_size=(0", "dangerous": True}
    for number, what, changes, says, options in (
        (13, "another rank", {"kernel_size": (3,) * (ndim + 1)}, ("a weight of size [6, 4, 3",), {}),
        (14, "a word for stride", {"stride": "2"}, ("stride=(", " must be", "'2'"), combination),
        (14, "a word for dilation", {"dilation": "2"}, ("dilation=(", " must be", "'2'"), combination),
        (15, "half a padding", {"padding": 1.5}, ("padding=(1.5", " must be"), combination),
        (50, "reflection past the input", {"padding": 9, "padding_mode": "reflect"}, ("padding (9, 9)",), {}),
        (51, "twice round", {"padding": 9, "padding_mode": "circular"}, ("(9, 9) at dimension 2 of input [2, 4",), {}),
        (16, "no taps", {"kernel_size": 0}, (), no_taps),
    ):
        make = _layer(name, right, changes)
        yield Row(number, f"{name} runs, {what}", lambda m, make=make: make(m)(x), ANY, says, **options)
