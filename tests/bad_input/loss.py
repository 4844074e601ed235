"""Bad calls of losses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tests.bad_input.calls import Row, numbers, rows_of
from tests.bad_input.convolution import Entries

#: Losses have no number in the list of mistakes.
NONE = 0
#: But a tensor that lies elsewhere is the same mistake everywhere.
DEVICE = 24

NAMES = (
    *("cross_entropy", "nll_loss", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"),
    *("binary_cross_entropy", "binary_cross_entropy_with_logits"),
)
CLASSES = torch.tensor([0, 2])
PLACES = torch.tensor([[0, 2, 1, 1], [2, 1, 0, 0]])


def right(name: str) -> dict[str, Any]:
    """Arguments of a call that is all right."""
    if name in ("cross_entropy", "nll_loss"):
        return {"input": numbers(2, 3), "target": CLASSES, "weight": numbers(3)}
    if name.startswith("binary"):
        return {"input": numbers(2, 3) / 8 + 0.5, "target": numbers(2, 3) / 8 + 0.5}
    return {"input": numbers(2, 3), "target": numbers(2, 3) + 1}


def rows() -> Iterator[Row]:
    """Every bad call."""
    for name in ("cross_entropy", "nll_loss"):
        for entries in (_class_sizes, _class_types, _class_numbers, _class_weights):
            yield from rows_of(name, right(name), entries(f"{name}_loss" if name == "cross_entropy" else "nll_loss_nd"))
    yield from rows_of("cross_entropy", right("cross_entropy"), _probabilities())
    for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
        yield from rows_of(name, right(name), _residuals(name))
    yield from rows_of("smooth_l1_loss", right("smooth_l1_loss"), _bends("smooth_l1_loss", "beta", "negative"))
    yield from rows_of("huber_loss", right("huber_loss"), _bends("huber_loss", "delta", "non-positive"))
    for name in ("binary_cross_entropy", "binary_cross_entropy_with_logits"):
        yield from rows_of(name, right(name), _coins(name))
    yield from rows_of("binary_cross_entropy", right("binary_cross_entropy"), _probabilities_of_coins())
    name = "binary_cross_entropy_with_logits"
    yield from rows_of(name, right(name), _logits(name))


def _class_sizes(name: str) -> Entries:
    batch = "Expected input batch_size (2) to match target batch_size ({})."
    yield NONE, "more targets", {"target": torch.tensor([0, 1, 2])}, batch.format(3), "without its class axis"
    yield NONE, "a target without axes", {"target": CLASSES[0]}, batch.format(0), "[2, 3]"
    several = "0D or 1D target tensor expected, multi-target not supported"
    yield NONE, "a column of targets", {"target": CLASSES[:, None]}, several, "[2, 1]"
    one = "For 1D input, 1D target must have size 1, but got target size: 2"
    yield NONE, "two targets of one sample", {"input": numbers(3)}, one, "3 classes"
    places = {"input": numbers(2, 3, 4), "weight": None}
    sizes = "Expected target size [2, 4], got {}"
    yield NONE, "places without an axis", {**places, "target": CLASSES}, sizes.format("[2]"), "[2, 3, 4]"
    yield NONE, "fewer places", {**places, "target": PLACES[:, :3]}, sizes.format("[2, 3]"), "[2, 3, 4]"
    image = {"input": numbers(2, 3, 4, 5), "weight": None}
    flat = "only batches of spatial targets supported (3D tensors) but got targets of dimension: 1"
    yield NONE, "an image with flat targets", {**image, "target": CLASSES}, flat, "[2, 3, 4, 5]"
    other = "size mismatch (got input: [2, 3, 4, 5] , target: [2, 4, 6]"
    yield NONE, "a narrower image", {**image, "target": torch.zeros(2, 4, 6).long()}, other, "class number"


def _class_types(name: str) -> Entries:
    tensor = name + "(): argument '{}' (position {}) must be Tensor, not {}"
    for place, (key, value, kind) in enumerate(
        (("input", [1.0], "list"), ("target", [0, 1], "list"), ("weight", 0.5, "float")), 1
    ):
        yield NONE, f"{key} no tensor", {key: value}, tensor.format(key, place, kind)
    for key in ("input", "target"):
        yield NONE, f"no {key}", {key: None}, tensor.format(key, 1 if key == "input" else 2, "NoneType")
    index = name + "(): argument 'ignore_index' (position 5) must be int, not "
    for value, kind in ((1.5, "float"), (None, "NoneType"), ("1", "str")):
        yield NONE, f"ignore_index={value!r}", {"ignore_index": value}, index + kind
    dtype = "expected target dtype to be Long or Byte, but got "
    for made, kind in ((CLASSES.int(), "Int"), (CLASSES.bool(), "Bool"), (CLASSES.float(), "Float")):
        yield NONE, f"classes of {made.dtype}", {"target": made}, dtype + kind, "target.long()"
    kernel = '"log_softmax_lastdim_kernel_impl"' if name.startswith("cross") else '"nll_loss_out_frame"'
    for made, kind in ((numbers(2, 3).long(), "Long"), (numbers(2, 3) + 0j, "ComplexFloat")):
        changes = {"input": made, "weight": None}
        yield NONE, f"input of {made.dtype}", changes, f"{kernel} not implemented for '{kind}'", "input.float()"
    device = {"ours": "Expected all tensors to be on the same device, but got "}
    yield DEVICE, "target on another device", {"target": CLASSES.to("meta")}, "Tensor on device ", "meta", device
    median = "median is not a valid value for reduction"
    yield NONE, "an unknown reduction", {"reduction": "median"}, median, "'none', 'mean', 'sum'"


def _class_numbers(name: str) -> Entries:
    outside = "Target {} is out of bounds"
    for value in (3, -1, 2**40):
        yield NONE, f"class {value}", {"target": torch.tensor([0, value])}, outside.format(value), "0 to 2"
        places = {"input": numbers(2, 3, 4), "target": PLACES.clone().fill_(value), "reduction": "none"}
        yield NONE, f"class {value} at every place", places, outside.format(value), "0 to 2"
    one = {"input": numbers(3), "target": torch.tensor(3)}
    yield NONE, "class 3 of one sample", one, outside.format(3), "ignore_index=-100"
    bytes_ = {"target": torch.tensor([0, 200], dtype=torch.uint8)}
    yield NONE, "class 200 as a byte", bytes_, outside.format(200), "ignore_index"
    none = {"input": numbers(2, 0), "weight": None, "target": torch.tensor([0, 0])}
    yield NONE, "no classes", none, outside.format(0)
    yield NONE, "an ignored class", {"target": torch.tensor([0, -100])}, ""


def _class_weights(name: str) -> Entries:
    lengths = "weight tensor should be defined either for all 3 classes or no classes but got weight…shape: {}"
    for made, size in ((numbers(4), "[4]"), (numbers(1, 3), "[1, 3]"), (numbers(), "[]")):
        yield NONE, f"weight {size}", {"weight": made}, lengths.format(size), "(3,)"
    short = "weight tensor should be defined either for all or no classes"
    places = {"input": numbers(2, 3, 4), "target": PLACES, "weight": numbers(2)}
    yield NONE, "two weights for places", places, short, "[2]"
    for made, kind in ((numbers(3).double(), "Double"), (numbers(3).long(), "Long")):
        found = f"expected scalar type Float but found {kind}"
        yield NONE, f"weight of {made.dtype}", {"weight": made}, found, "weight.to(input.dtype)"


def _probabilities() -> Entries:
    made = {"target": numbers(2, 3)}
    floating = "Expected floating point type for target with class probabilities, got "
    yield NONE, "probabilities, whole", {"target": numbers(2, 3).long()}, floating + "Long", "[2, 3]"
    yield NONE, "probabilities, complex", {"target": numbers(2, 3) + 0j}, floating + "ComplexFloat"
    ignored = "ignore_index is not supported for floating point target"
    yield NONE, "probabilities, one ignored", {**made, "ignore_index": 1}, ignored, "ignore_index=1"
    lengths = "cross_entropy: weight tensor should be defined either for all 3 classes or no classes but got weight"
    yield NONE, "probabilities, four weights", {**made, "weight": numbers(4)}, lengths, "[4]"
    several = "0D or 1D target tensor expected, multi-target not supported"
    yield NONE, "probabilities, another size", {"target": numbers(2, 4)}, several, "probabilities"
    axis = {"input": numbers(), "target": numbers(), "weight": None}
    yield NONE, "probabilities, no axes", axis, "Dimension specified as 1 but tensor has no dimensions", "(N, C)"
    smooth = "label_smoothing must be between 0.0 and 1.0. Got: 1.1"
    for name, target in (("classes", CLASSES), ("probabilities", numbers(2, 3))):
        yield NONE, f"{name}, label_smoothing=1.1", {"target": target, "label_smoothing": 1.1}, smooth
    word = "cross_entropy_loss(): argument 'label_smoothing' (position 6) must be float, not "
    for value, kind in (("0", "str"), (None, "NoneType")):
        yield NONE, f"label_smoothing={value!r}", {"label_smoothing": value}, word + kind, "0 to 1"
    scalar = {"input": numbers(), "weight": None}
    yield (
        NONE,
        "no axes",
        scalar,
        "Dimension out of range (expected to be in range of [-1, 0], but got 1)",
        "(N, C, ...)",
    )


def _residuals(name: str) -> Entries:
    for key, value, kind in (("input", [1.0], "list"), ("target", 1.0, "float"), ("input", None, "NoneType")):
        words = f"'{kind}' object has no attribute 'size'"
        yield NONE, f"{key} a {kind}", {key: value}, words, f"argument '{key}' must be a Tensor"
    sizes = "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1"
    yield NONE, "four columns", {"target": numbers(2, 4)}, sizes, "[2, 4]"
    device = {"ours": "Expected all tensors to be on the same device, but got "}
    yield DEVICE, "target on another device", {"target": numbers(2, 3).to("meta")}, "Tensor on device ", "meta", device
    weighted = {} if name == "smooth_l1_loss" else {"weight": numbers(2, 3)}
    yield NONE, "an unknown reduction", {"reduction": "median"}, "median is not a valid value for reduction"
    if weighted:
        unknown = {**weighted, "reduction": "median"}
        yield NONE, "an unknown reduction, weighted", unknown, "Invalid reduction mode: median. Expected one of 'none'"
        size = "Weights and input must have the same size."
        yield NONE, "three weights", {"weight": numbers(3)}, size, "[3]"
        yield NONE, "weight no tensor", {"weight": [1.0]}, "'list' object has no attribute 'size'", "'weight'"
    if name == "l1_loss":
        whole = {"input": numbers(2, 3).long(), "target": numbers(2, 3).long()}
        yield NONE, "the mean of integers", whole, "mean(): could not infer output dtype.", "reduction='sum'"
        truths = {"input": numbers(2, 3).bool(), "target": numbers(2, 3).bool()}
        yield NONE, "truth values", truths, "Subtraction, the `-` operator, with two bool tensors is not supported."
        return
    kernel = {"mse_loss": "mse", "smooth_l1_loss": "smooth_l1", "huber_loss": "huber"}[name]
    for dtype, kind in ((torch.int64, "Long"), (torch.bool, "Bool"), (torch.complex64, "ComplexFloat")):
        both = {key: numbers(2, 3).to(dtype) for key in ("input", "target")}
        yield NONE, f"numbers of {dtype}", both, f"\"{kernel}_cpu\" not implemented for '{kind}'"
    if name == "huber_loss":
        cast = "result type Float can't be cast to the desired output type Long"
        yield NONE, "a whole input", {"input": numbers(2, 3).long()}, cast, "input.to(torch.float32)"


def _bends(name: str, key: str, signs: str) -> Entries:
    for value in (-1.0, float("nan"), *([0] if key == "delta" else [])):
        words = f"{name} does not support {signs} values for {key}."
        yield NONE, f"{key}={value}", {key: value}, words, f"{key}={value}"
    for value, kind in (("1", "str"), (None, "NoneType"), ([1.0], "list")):
        words = f"{name}(): argument '{key}' (position 4) must be float, not {kind}"
        yield NONE, f"{key}={value!r}", {key: value}, words


def _coins(name: str) -> Entries:
    for key, value, kind in (("input", [1.0], "list"), ("target", 1.0, "float"), ("target", None, "NoneType")):
        words = f"'{kind}' object has no attribute 'size'"
        yield NONE, f"{key} a {kind}", {key: value}, words, f"argument '{key}' must be a Tensor"
    size = "torch.Size([1, 3])"
    words = f"Using a target size ({size})" if name == "binary_cross_entropy" else f"Target size ({size})"
    yield NONE, "one row of targets", {"target": numbers(1, 3) / 8 + 0.5}, words, "view_as"
    kernel = '"binary_cross_entropy"' if name == "binary_cross_entropy" else '"log_sigmoid_cpu"'
    for dtype, kind in ((torch.int64, "Long"), (torch.complex64, "ComplexFloat")):
        both = {key: torch.ones(2, 3).to(dtype) for key in ("input", "target")}
        yield NONE, f"numbers of {dtype}", both, f"{kernel} not implemented for '{kind}'", "input.float()"
    yield NONE, "an unknown reduction", {"reduction": "median"}, "median is not a valid value for reduction"
    larger = "output with shape [2, 3] doesn't match the broadcast shape [5, 2, 3]"
    yield NONE, "more weights", {"weight": numbers(5, 2, 3)}, larger, "broadcasts"


def _probabilities_of_coins() -> Entries:
    all_of = "all elements of {} should be between 0 and 1"
    for value in (1.5, -0.1, float("nan")):
        for key in ("input", "target"):
            if key == "input" or value == value:
                yield NONE, f"{key} {value}", {key: torch.full((2, 3), value)}, all_of.format(key)
    for dtype, kind in ((torch.float64, "Double"), (torch.int64, "Long")):
        other = {"target": torch.ones(2, 3, dtype=dtype)}
        yield NONE, f"target of {dtype}", other, f"Found dtype {kind} but expected Float", "target.to(input.dtype)"
    yield NONE, "four weights", {"weight": numbers(4)}, "Attempting to broadcast a dimension of length 4 at -1!"
    yield NONE, "weight no tensor", {"weight": [1.0]}, "'list' object has no attribute 'size'"


def _logits(name: str) -> Entries:
    for place, key in enumerate(("weight", "pos_weight"), 3):
        words = f"{name}(): argument '{key}' (position {place}) must be Tensor, not list"
        yield NONE, f"{key} no tensor", {key: [1.0]}, words
    size = "The size of tensor a ({}) must match the size of tensor b ({}) at non-singleton dimension 1"
    yield NONE, "four weights", {"weight": numbers(4)}, size.format(3, 4), "broadcasts"
    yield NONE, "four positive weights", {"pos_weight": numbers(4)}, size.format(4, 3), "broadcasts"
    larger = "output with shape [2, 3] doesn't match the broadcast shape [5, 2, 3]"
    yield NONE, "more positive weights", {"pos_weight": numbers(5, 2, 3)}, larger, "broadcasts"
    cast = "result type Float can't be cast to the desired output type Long"
    yield NONE, "whole targets", {"target": torch.ones(2, 3).long()}, cast, "target.to(input.dtype)"
    truths = {"target": torch.ones(2, 3).bool()}
    yield (
        NONE,
        "truth values as targets",
        truths,
        "Subtraction, the `-` operator, with two bool tensors is not supported.",
    )
