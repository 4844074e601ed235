"""What arguments are: tensors, ints, tuples of ints, numbers, flags; and how sizes are printed in hints."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import LARGEST, LEAST, Axes, Numbers, is_int, whole
from manualconv.torch_internals import is_moving

#: Dtypes of whole numbers, and of fractions, that torch computes with.
WHOLE = frozenset({torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64})
FRACTIONS = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})


def listed(size: Sequence[int]) -> str:
    """A size as torch prints it: ``[2, 4, 8, 9]``."""
    return "[" + ", ".join(str(s) for s in size) + "]"


def kind(value: Any) -> str:
    """The type of an argument as torch's argument parser names it."""
    named = type(value)
    return f"numpy.{named.__name__}" if named.__module__ == "numpy" else named.__name__


def is_of_numpy(value: Any, kinds: str) -> bool:
    """One of NumPy's numbers, no array, whose kind is among the letters: b, i, u, f, c."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.generic) and value.dtype.kind in kinds


def spelled(value: Any) -> Any:
    """A tuple of whatever can be iterated over, as torch's Python reads numbers per axis; another value as it is."""
    return tuple(value) if isinstance(value, Iterable) else value


def int_of(key: str, value: Any) -> int:
    """An int of 64 bits, NumPy's too, and a tensor of one."""
    if type(value) is not int and not isinstance(value, torch.SymInt):
        of_tensor = isinstance(value, Tensor) and value.dim() == 0 and value.dtype in WHOLE
        if not (of_tensor or is_of_numpy(value, "iu") or is_int(value)):
            raise Refusal(f"{key}={value!r} must be an int", TypeError)
        value = int(value)
    if not LEAST <= value <= LARGEST:
        raise Refusal(f"{key}={value}: 64 bits hold {LEAST} to {LARGEST}", ValueError)
    return value  # type: ignore[no-any-return]


def number_of(key: str, value: Any, exactly: bool = False) -> Any:
    """A real number as torch reads it: NumPy's too, and a tensor without axes or derivative, whose tangent torch drops.

    As a float; `exactly` leaves an int of 64 bits as it is, and takes a complex number without an imaginary part.
    """
    if isinstance(value, (float, torch.SymFloat, torch.SymInt)):
        return value
    number = value
    if isinstance(value, Tensor):
        number = value.item() if value.dim() == 0 and not is_moving(value) else None
    elif is_of_numpy(value, "biufc" if exactly else "biuf"):
        number = value.item()
    elif isinstance(value, int) and exactly and not LEAST <= value < 2**64:
        raise Refusal(f"{key}={value}: 64 bits hold {LEAST} to {2**64 - 1}", OverflowError)
    elif not isinstance(value, (int, complex) if exactly else int):
        number = None
    if isinstance(number, complex):
        number = None if number.imag else number.real
    if number is None:
        raise Refusal(f"{key}={value!r} must be one real number, without a derivative", TypeError)
    return number if exactly else float(number)


def check_input(value: Any, key: str = "input") -> None:
    """A Tensor."""
    if not isinstance(value, Tensor):
        raise Refusal(f"{key} is a {kind(value)}: torch.as_tensor makes a Tensor", TypeError)


def check_floating(input: Any, complex_too: bool = False) -> None:
    """A tensor of floating point numbers."""
    check_input(input)
    if not (input.is_floating_point() or (complex_too and input.is_complex())):
        raise Refusal(f"input is {input.dtype}: input.float() first")


def check_tensors(optional: tuple[str, ...], **named: Any) -> None:
    """Tensors; the optional ones may be None."""
    for key, t in named.items():
        if not isinstance(t, Tensor) and (t is not None or key not in optional):
            check_input(t, key)


def check_flags(**flags: Any) -> None:
    """True or False."""
    for key, value in flags.items():
        if not isinstance(value, bool):
            raise Refusal(f"{key}={value!r} must be True or False", TypeError)


def numbers_of(key: str, value: Any, several: bool = True) -> Numbers:
    """An int, or `several` of them in a tuple, of 64 bits each."""
    # An array without axes is one int to torch where one is wanted, and none where several may be.
    array = several and not isinstance(value, (int, tuple)) and kind(value) == "numpy.ndarray"
    numbers: Numbers | None = None if array else whole(value)
    if numbers is None or (isinstance(numbers, tuple) and not several):
        rule = "an int, or a tuple of ints, one per axis," if several else "an int"
        raise Refusal(f"{key}={value!r} must be {rule} of 64 bits", TypeError)
    return numbers


def axes(ndim: int, limit: int, one_for_all: bool = True, **values: Any) -> list[Axes]:
    """Each an int or a tuple of one or of `ndim`, as one number per axis; below what torch can count to."""
    found, read_ = [], {key: numbers_of(key, value) for key, value in values.items()}
    for key, numbers in read_.items():
        for number in numbers if isinstance(numbers, tuple) else (numbers,):
            if isinstance(number, int) and not -limit <= number < limit:  # some torch has crashed on it
                words = "value cannot be converted to type int without overflow"
                raise RuntimeError(f"{words} [{key}={numbers} <= {limit - 1} is needed]")
    for key, numbers in read_.items():
        if not isinstance(numbers, tuple):
            numbers = (numbers,)
        elif len(numbers) not in ((1, ndim) if one_for_all else (ndim,)):
            raise Refusal(f"{key}={numbers} must be one number, or {ndim}, one per axis")
        found.append(numbers if len(numbers) == ndim else numbers * ndim)
    return found


def check_ranks(input: Tensor, ndim: int, first: int | None = None) -> None:
    """``(N, C, *I)`` or ``(C, *I)``, no axis from `first` on empty, which is the one of channels."""
    rank = input.dim()
    if rank not in (ndim + 1, ndim + 2) or 0 in input.shape[rank - ndim - 1 if first is None else first :]:
        needed = f"(N, C, *I) or (C, *I) with {ndim} spatial axes; only the batch may be empty"
        raise Refusal(f"input {listed(input.shape)} must be {needed}")
