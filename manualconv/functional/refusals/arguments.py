"""What arguments are: tensors, numbers, flags; and how sizes are printed in errors.  Geometry reads whole numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.refusal import Refusal
from manualconv.geometry import LARGEST as LARGEST
from manualconv.geometry import LEAST as LEAST
from manualconv.geometry import Axes
from manualconv.geometry import is_int as is_int
from manualconv.geometry import is_pairs as is_pairs
from manualconv.geometry import read as read
from manualconv.geometry import whole as whole

#: What a size of its pooling can hold.
LARGEST_INT = 2**31 - 1
#: Dtypes of whole numbers, as torch counts them.
_WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def listed(size: Sequence[int]) -> str:
    """A size as torch prints it: ``[2, 4, 8, 9]``."""
    return "[" + ", ".join(str(s) for s in size) + "]"


def crossed(size: Sequence[int]) -> str:
    """A size as torch prints it in geometry errors: ``8 x 9``."""
    return " x ".join(str(s) for s in size)


def scalar_type(t: Tensor) -> str:
    """The dtype of a tensor as torch's messages name it: ``Float``, ``Long``, ``ComplexDouble``."""
    return t.type().rsplit(".", 1)[-1].removesuffix("Tensor")


def kind(value: Any) -> str:
    """The type of an argument as torch's argument parser names it."""
    named = type(value)
    return f"numpy.{named.__name__}" if named.__module__ == "numpy" else named.__name__


def is_int_or_ints(value: Any) -> bool:
    """An int, or a non-empty tuple or list of ints."""
    return is_int(value) or (isinstance(value, (tuple, list)) and all(is_int(v) for v in value))


def is_of_numpy(value: Any, kinds: str) -> bool:
    """One of NumPy's numbers, no array, whose kind is among the letters: b, i, u, f, c."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.generic) and value.dtype.kind in kinds


def real(name: str, key: str, place: int, value: Any, wanted: str = "float", why: str = "one real number") -> float:
    """A real number as torch's argument parser reads it: NumPy's too, and a tensor without axes or gradient.

    Where a `Number` is wanted, a complex one without an imaginary part is one.
    """
    if type(value) is float or isinstance(value, (float, torch.SymFloat, torch.SymInt)):
        return value  # type: ignore[return-value]
    if isinstance(value, int):
        if wanted == "Number" and not LEAST <= value < 2**64:
            raise OverflowError(f"int too big to convert [{key} of {name}: 64 bits hold {LEAST} to {2**64 - 1}]")
        return value if wanted == "Number" else float(value)
    number = value
    if isinstance(value, Tensor):
        number = value.item() if value.dim() == 0 and not value.requires_grad else None
    elif is_of_numpy(value, "biuf" if wanted == "float" else "biufc"):
        number = value.item()
    elif wanted == "float" or not isinstance(value, complex):
        number = None
    if isinstance(number, complex):
        if number.imag:
            raise RuntimeError(
                f"value cannot be converted to type {'double' if wanted == 'float' else 'float'} without overflow "
                f"[{key}={value} of {name} must be real]"
            )
        return number.real
    if number is None:
        raise TypeError(f"{name}(): argument '{key}' (position {place}) must be {wanted}, not {kind(value)} [{why}]")
    return number  # type: ignore[no-any-return]


def integer(name: str, key: str, place: int, value: Any, why: str) -> int:
    """An int as torch's argument parser reads one alone: NumPy's too, and a tensor of one; place 0 is not said."""
    if type(value) is not int and not isinstance(value, torch.SymInt):
        of_tensor = isinstance(value, Tensor) and value.dim() == 0 and value.dtype in _WHOLE
        if not (of_tensor or is_of_numpy(value, "iu") or is_int(value)):
            where = f" (position {place})" if place else ""
            raise TypeError(f"{name}(): argument '{key}'{where} must be int, not {kind(value)} [{why}]")
        value = int(value)
    if not LEAST <= value <= LARGEST:
        raise overflow(name, key, value) or AssertionError(key)
    return value  # type: ignore[no-any-return]


def int_of(key: str, value: Any) -> int:
    """An int of 64 bits, NumPy's too, and a tensor of one."""
    if type(value) is not int and not isinstance(value, torch.SymInt):
        of_tensor = isinstance(value, Tensor) and value.dim() == 0 and value.dtype in _WHOLE
        if not (of_tensor or is_of_numpy(value, "iu") or is_int(value)):
            raise Refusal(f"{key}={value!r} must be an int", TypeError)
        value = int(value)
    if not LEAST <= value <= LARGEST:
        raise Refusal(f"{key}={value}: 64 bits hold {LEAST} to {LARGEST}", ValueError)
    return value  # type: ignore[no-any-return]


def spelled(value: Any) -> Any:
    """A tuple of whatever can be iterated over, as torch's Python reads numbers per axis; another value as it is."""
    return tuple(value) if isinstance(value, Iterable) else value


def overflow(name: str, key: str, value: Any) -> Exception | None:
    """The error torch has for a number of more than 64 bits: another one inside a tuple."""
    numbers = read(value)
    for place, v in enumerate(numbers if isinstance(numbers, tuple) else (numbers,), 1):
        if not LEAST <= v <= LARGEST:
            wide = "Overflow when unpacking long long"
            hint = f"[{key}={value}: 64 bits hold {LEAST} to {LARGEST}]"
            if not isinstance(numbers, tuple):
                return ValueError(f"{wide} {hint}")
            return TypeError(
                f"{name}(): argument '{key}' failed to unpack the object at pos {place} with error \"{wide}\" {hint}"
            )
    return None


def not_ints(name: str, key: str, place: int, value: Any) -> TypeError:
    """torch's TypeError for what is neither an int nor a tuple of ints; of a tuple's entries it names the first."""
    argument = f"{name}(): argument '{key}'"
    if not isinstance(value, (tuple, list)):
        return TypeError(
            f"{argument} (position {place}) must be tuple of ints, not {kind(value)} [an int, or a tuple of ints, one "
            f"per axis]"
        )
    at = next(n for n, v in enumerate(value) if read((0, v) if n else (v,)) is None)
    if at:
        words = f'failed to unpack the object at pos {at + 1} with error "type must be tuple of ints,but got '
        return TypeError(f'{argument} {words}{kind(value[at])}" [{key}={value!r} must be ints]')
    return TypeError(
        f"{argument} (position {place}) must be tuple of ints, but found element of type {kind(value[0])} at pos 0 "
        f"[{key}={value!r} must be ints]"
    )


def no_tensor(name: str, place: int, key: str, value: Any) -> TypeError:
    """The TypeError torch's argument parser has for what is no Tensor."""
    return TypeError(
        f"{name}(): argument '{key}' (position {place}) must be Tensor, not {kind(value)} [torch.as_tensor makes one]"
    )


def no_method(name: str, value: Any, method: str) -> Exception:
    """What Python says where torch calls a method of what is no Tensor; numpy has an attribute of the same name."""
    hint = f"[{name}() takes a Tensor: torch.as_tensor makes one]"
    if hasattr(value, method):
        return TypeError(f"'{kind(getattr(value, method))}' object is not callable {hint}")
    return AttributeError(f"'{kind(value)}' object has no attribute '{method}' {hint}")


def check_reach(**sizes: Any) -> None:
    """Numbers of 32 bits, which torch's kernels for windows count in."""
    for key, value in sizes.items():
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int) and not -LARGEST_INT - 1 <= number <= LARGEST_INT:
                raise RuntimeError(
                    f"value cannot be converted to type int without overflow [{key}={value} must be at most "
                    f"{LARGEST_INT}]"
                )


def reject_arguments(name: str, got: Sequence[tuple[str, Any]], rule: str) -> TypeError:
    """The TypeError that torch's argument parser raises, with the argument named."""
    types = ", ".join(f"{key}={kind(value)}" for key, value in got)
    return TypeError(f"{name}() received an invalid combination of arguments - got ({types}), but {rule}")


def check_tensor(name: str, value: Any, key: str = "input") -> None:
    """A Tensor, or torch's TypeError."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}(): argument '{key}' must be Tensor, not {kind(value)}")


def check_input(value: Any, key: str = "input") -> None:
    """A Tensor."""
    if not isinstance(value, Tensor):
        raise Refusal(f"{key} is a {kind(value)}: torch.as_tensor makes a Tensor", TypeError)


def check_tensors(optional: tuple[str, ...], **named: Any) -> None:
    """Tensors; the optional ones may be None."""
    for key, t in named.items():
        if not isinstance(t, Tensor) and (t is not None or key not in optional):
            raise Refusal(f"{key} must be a Tensor, not {kind(t)}: torch.as_tensor(...) makes one", TypeError)


def check_flags(**flags: Any) -> None:
    """True or False."""
    for key, value in flags.items():
        if not isinstance(value, bool):
            raise Refusal(f"{key}={value!r} must be True or False", TypeError)


def axes(ndim: int, limit: int, **values: Any) -> list[Axes]:
    """Each an int or a tuple of one or of `ndim`, as one number per axis; below what torch can count to."""
    read_, found = {}, []
    for key, value in values.items():
        numbers = read_[key] = value if type(value) is int and LEAST <= value <= LARGEST else whole(value)
        if numbers is None:
            raise Refusal(
                f"{key}={value!r} must be an int, or a tuple of ints, one per axis, of 64 bits each", TypeError
            )
    for key, numbers in read_.items():
        for number in numbers if isinstance(numbers, tuple) else (numbers,):
            if isinstance(number, int) and not -limit <= number < limit:  # some torch has crashed on it
                raise RuntimeError(
                    f"value cannot be converted to type int without overflow [{key}={numbers} <= {limit - 1} is needed]"
                )
    for key, numbers in read_.items():
        if not isinstance(numbers, tuple):
            numbers = (numbers,) * ndim
        elif len(numbers) == 1:
            numbers = numbers * ndim
        elif len(numbers) != ndim:
            raise Refusal(f"{key}={numbers} must be one number, or {ndim}, one per axis")
        found.append(numbers)
    return found


def check_ranks(input: Tensor, ndim: int) -> None:
    """``(N, C, *I)`` or ``(C, *I)``, of which only the batch may be empty."""
    rank = input.dim()
    if rank not in (ndim + 1, ndim + 2) or 0 in input.shape[rank - ndim - 1 :]:
        raise Refusal(
            f"input {listed(input.shape)} must be (N, C, *I) or (C, *I) with {ndim} spatial axes; only the batch "
            "may be empty"
        )
