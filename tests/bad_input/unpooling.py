"""Bad calls of max_unpool1d, max_unpool2d and max_unpool3d."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tests.bad_input.calls import Row, numbers, rows_of
from tests.bad_input.convolution import Entries

#: Of what was pooled, in windows of 2.
SIZE = (8, 6, 4)


def right(ndim: int) -> dict[str, Any]:
    """Arguments of a call that is all right: each entry was the first of its window."""
    size = torch.Size(SIZE[:ndim])
    places = torch.arange(size.numel()).reshape(size)[(slice(None, None, 2),) * ndim]
    indices = places.expand(2, 4, *places.shape).contiguous()
    return {
        "input": numbers(*indices.shape),
        "indices": indices,
        "kernel_size": 2,
        "stride": 2,
        "padding": 0,
        "output_size": None,
    }


def rows(ndim: int) -> Iterator[Row]:
    """Every bad call in `ndim` dimensions."""
    for entries in (_indices, _output_sizes, _ranks, _numbers, _signs, _types):
        yield from rows_of(f"max_unpool{ndim}d", right(ndim), entries(ndim))


def _indices(n: int) -> Entries:
    i = right(n)["indices"]
    size = (*SIZE[:n], 1) if n == 1 else SIZE[:n]
    count = torch.Size(size).numel()
    invalid = f"Found an invalid max index: {{}} (output volumes are of size {'x'.join(map(str, size))})"
    for value in (-1, count, 10**6, 2**40, -(2**40)):
        made = i.clone().fill_(0)
        made.view(-1)[-1] = value
        needed = f"0 <= index < {count}"
        yield 93, f"index {value}", {"indices": made}, invalid.format(value), needed, {"dangerous": True}
    yield 93, "stride 0", {"stride": 0}, "Found an invalid max index" if n < 3 else "strides should be", "[", "]"
    for dtype, name in ((torch.int32, "Int"), (torch.float32, "Float")):
        got = f" but got: {name}" if n < 3 else ""
        words = f"elements in indices should be type int64{got}"
        yield 93, f"indices of {dtype}", {"indices": i.to(dtype)}, words, "indices.long()"
    shape = "Expected shape of indices to be same as that of the input tensor ("
    for what, made in (("of one sample", i[:1]), ("without a batch", i[0])):
        yield 93, f"indices {what}", {"indices": made}, shape, "one index for every entry"


def _output_sizes(n: int) -> Entries:
    for count in (n + 1, n + 3, *((n - 1,) if n > 1 else ())):
        words = f"output_size should be a sequence containing {n} or {n + 2} elements, but it has a length of '{count}'"
        yield 94, f"{count} numbers", {"output_size": (8,) * count}, words, "output_size=(8,"
    for first in (10, 6, -1, 99):
        made = (first, *SIZE[1:n])
        words = f'invalid output_size "{made}" (dim 0 must be between 6 and 10)'
        yield 94, f"a size of {first}", {"output_size": made}, words, "s*(p-1) + k - 2*pad = 8"
    yield 94, "one number", {"output_size": 8}, "object of type 'int' has no len()", f"{n} ints"
    yield (
        94,
        "no numbers",
        {"output_size": (None,) * n},
        "'<' not supported between instances of 'int' and 'NoneT",
        "ints",
    )
    fractions = (
        f"max_unpool{max(n, 2)}d(): argument 'output_size' (position 3) must be tuple of ints, but found element "
    )
    made = tuple(v + 0.5 for v in SIZE[:n])
    yield 94, "fractions", {"output_size": made}, f"{fractions}of type float at pos 0", "ints"
    negative = "max_unpooling: output_size must contain non-negative spatial dimensions, but got output_size[0]="
    for what, changes, first in (
        ("kernel -9", {"kernel_size": -9}, -3),
        ("stride -3", {"stride": -3}, -7),
        ("padding 9", {"padding": 9}, -10),
    ):
        yield 94, what, changes, f"{negative}{first}", "0 or more"
    yield 94, "a size a stride away, short of it", {"output_size": (9, *SIZE[1:n])}, ""


def _ranks(n: int) -> Entries:
    y, i = right(n)["input"], right(n)["indices"]
    axes = max(n, 2)
    words = f"Input to max_unpooling{axes}d should be a {axes + 1}d or {axes + 2}d Tensor, but got a tensor with "
    for what, made in (
        ("an axis too few", {"input": y[0, 0], "indices": i[0, 0]}),
        ("an axis too many", {"input": y[None], "indices": i[None]}),
    ):
        rank = made["input"].dim() + (n == 1)
        yield 77, what, made, f"{words}{rank} dimensions.", "(N, C, *P)"
    none = {"input": numbers(), "indices": torch.tensor(0)}
    yield 77, "no axes", none, "tuple index out of range", "[]"
    empty = (
        f"max_unpooling{axes}d_forward_out_cpu(): Expected input to have non-zero size for non-batch dimensions, but"
    )
    for what, made, axis in (
        ("no channels", {"input": y[:, :0], "indices": i[:, :0]}, 1),
        ("no positions", {"input": y[:, :, :0], "indices": i[:, :, :0], "output_size": None}, 2),
    ):
        asked = {**made, "stride": 1} if axis == 2 else made
        yield 78, what, asked, f"{empty} got […] with dimension {axis} being empty.", "only the batch"


def _numbers(n: int) -> Entries:
    axes, word = max(n, 2), "two" if n < 3 else "three"
    exactly = f"There should be exactly {word} elements"
    yield 81, "a kernel too long", {"kernel_size": (2,) * (n + 1)}, "tuple index out of range", f"{n} axes"
    ours = {"ours": exactly}
    yield 81, "a kernel too short", {"kernel_size": (2,) * (n - 1)}, exactly, "kernel_size", ours
    if n == 1:  # torch reads the first number alone
        yield 82, "a stride too long", {"stride": (2, 3)}, ""
        yield 83, "a padding too long", {"padding": (0, 1)}, ""
    operand = "unsupported operand type(s) for …"
    text = {"ours": f"{operand}: 'str' and 'int'"}
    yield 84, "kernel_size='3'", {"kernel_size": "3"}, f"{operand}: 'int' and 'str'", "ints", text
    for key in ("kernel_size", "padding"):
        none = {"ours": f"{operand}: 'NoneType' and 'int'"}
        yield 84, f"{key}=None", {key: None}, operand, "ints", none
    yield 84, "stride='2'", {"stride": "2"}, "can only concatenate str", "ints", text
    name = f"max_unpool{axes}d()"
    blamed = {"ours": f"{name}: argument 'kernel_size' must be tuple of ints, but found element of type float"}
    words = f"{name}: argument 'output_size' (position 3) must be tuple of ints, but found element of type float"
    yield 84, "kernel_size=2.5", {"kernel_size": 2.5}, words, "2.5", blamed
    wide = f"{name}: argument 'output_size' failed to unpack the object at pos 1 with error \"Overflow when unpacking l"
    yield 46, "kernel_size=2**63", {"kernel_size": 2**63}, wide, "64 bits"
    if n > 1:
        over = "numel: integer multiplication overflow"
        yield 46, "kernel_size=2**40", {"kernel_size": 2**40}, over, "numbers", {"dangerous": True}
    unknown = f"max_unpool{n}d() got an unexpected keyword argument 'stide'"
    yield 64, "unknown argument", {"stide": 2}, unknown


def _signs(n: int) -> Entries:
    empty = {"ours": "Found an invalid max index: ", "refused": "indices point outside of an empty output"}
    yield 65, "an output without positions", {"kernel_size": (-6, -4, -2)[:n]}, "", "pass the output_size", empty
    if n == 3:
        words = "strides should be greater than zero, but got stride: [-1, -1, -1]"
        yield 70, "stride -1", {"stride": -1, "kernel_size": 9}, words, "1 or more"


def _types(n: int) -> Entries:
    y, i = right(n)["input"], right(n)["indices"]
    axes = max(n, 2)
    for called, t in (("Bool", y.bool()), ("Int", y.int()), ("Long", y.long()), ("ComplexFloat", y + 0j)):
        words = f"\"max_unpool{axes}d\" not implemented for '{called}'"
        yield 86, f"input of {t.dtype}", {"input": t}, words, "floating point"
    yield 47, "no input", {"input": None}, "'NoneType' object has no attribute 'size'", "torch.as_tensor"
    yield 48, "input of numpy", {"input": y.numpy()}, "'int' object is not callable", "torch.as_tensor"
    for value in (None, [0]):
        kind = type(value).__name__
        tensor = f"max_unpool{n}d(): argument 'indices' (position 2) must be Tensor, not {kind}"
        words = f"'{kind}' object has no attribute 'unsqueeze'" if n == 1 else tensor
        yield 48, f"{kind} for indices", {"indices": value}, words, "torch.as_tensor"
    device = "Tensor on device meta is not on the expected device cpu!"
    yield 24, "input on another device", {"input": y.to("meta")}, device, "both must be on one"
    yield (
        56,
        "sparse input",
        {"input": y.to_sparse()},
        f"Could not run 'aten::max_unpool{axes}d' with",
        {"theirs": True},
    )
    yield 95, "indices of another tensor", {"indices": i * 0}, ""
