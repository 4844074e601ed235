"""Bad calls of losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from tests.bad_input.calls import Mistakes, Row, bad_calls, numbers

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
#: Of which residuals are no fractions.
DTYPES = (torch.int64, torch.bool, torch.complex64)


def right(name: str) -> dict[str, Any]:
    """Arguments of a call that is all right."""
    if name in ("cross_entropy", "nll_loss"):
        return {"input": numbers(2, 3), "target": CLASSES, "weight": numbers(3)}
    if name.startswith("binary"):
        return {"input": numbers(2, 3) / 8 + 0.5, "target": numbers(2, 3) / 8 + 0.5}
    return {"input": numbers(2, 3), "target": numbers(2, 3) + 1}


RIGHT = {name: right(name) for name in NAMES}


def rows() -> Iterator[Row]:
    """Every bad call."""
    classes = (_class_sizes, _class_types, _class_numbers, _class_weights)
    families: dict[str, tuple[Callable[[], Mistakes], ...]] = {
        "cross_entropy": (*classes, _probabilities),
        "nll_loss": classes,
        **{name: (partial(_residuals, name),) for name in ("mse_loss", "l1_loss")},
        "smooth_l1_loss": (partial(_residuals, "smooth_l1_loss"), partial(_bends, "beta")),
        "huber_loss": (partial(_residuals, "huber_loss"), partial(_bends, "delta")),
        "binary_cross_entropy": (_coins, _probabilities_of_coins),
        "binary_cross_entropy_with_logits": (_coins, _logits),
    }
    for name, mistakes in families.items():
        yield from bad_calls(name, right(name), *(make() for make in mistakes))


def _class_sizes() -> Mistakes:
    yield NONE, "more targets", {"target": torch.tensor([0, 1, 2])}, "without its axis of 3 classes"
    yield NONE, "a target without axes", {"target": CLASSES[0]}, "[2, 3]"
    yield NONE, "a column of targets", {"target": CLASSES[:, None]}, "[2, 1]"
    yield NONE, "two targets of one sample", {"input": numbers(3)}, "3 classes"
    places = {"input": numbers(2, 3, 4), "weight": None}
    yield NONE, "places without an axis", {**places, "target": CLASSES}, "[2, 3, 4]"
    yield NONE, "fewer places", {**places, "target": PLACES[:, :3]}, "[2, 3, 4]"
    image = {"input": numbers(2, 3, 4, 5), "weight": None}
    yield NONE, "an image with flat targets", {**image, "target": CLASSES}, "[2, 3, 4, 5]"
    yield NONE, "a narrower image", {**image, "target": torch.zeros(2, 4, 6).long()}, "class number"


def _class_types() -> Mistakes:
    for value in (1.5, None, "1"):
        yield NONE, f"ignore_index={value!r}", {"ignore_index": value}, f"ignore_index={value!r}"
    for made in (CLASSES.int(), CLASSES.bool(), CLASSES.float()):
        yield NONE, f"classes of {made.dtype}", {"target": made}, "target.long()"
    for made in (numbers(2, 3).long(), numbers(2, 3) + 0j):
        yield NONE, f"input of {made.dtype}", {"input": made, "weight": None}, "input.float()"
    yield DEVICE, "target on another device", {"target": CLASSES.to("meta")}, "meta"
    yield NONE, "an unknown reduction", {"reduction": "median"}, "'none', 'mean', 'sum'"


def _class_numbers() -> Mistakes:
    for value in (3, -1, 2**40):
        yield NONE, f"class {value}", {"target": torch.tensor([0, value])}, "0 to 2"
        places = {"input": numbers(2, 3, 4), "target": PLACES.clone().fill_(value), "reduction": "none"}
        yield NONE, f"class {value} at every place", places, "0 to 2"
    one = {"input": numbers(3), "target": torch.tensor(3)}
    yield NONE, "class 3 of one sample", one, "ignore_index=-100"
    yield NONE, "class 200 as a byte", {"target": torch.tensor([0, 200], dtype=torch.uint8)}, "ignore_index"
    yield NONE, "no classes", {"input": numbers(2, 0), "weight": None, "target": torch.tensor([0, 0])}, "0 to -1"


def _class_weights() -> Mistakes:
    for made in (numbers(4), numbers(1, 3), numbers()):
        yield NONE, f"weight {list(made.shape)}", {"weight": made}, "(3,)", str(list(made.shape))
    places = {"input": numbers(2, 3, 4), "target": PLACES, "weight": numbers(2)}
    yield NONE, "two weights for places", places, "[2]"
    for made in (numbers(3).double(), numbers(3).long()):
        yield NONE, f"weight of {made.dtype}", {"weight": made}, "weight.to(input.dtype)"


def _probabilities() -> Mistakes:
    made = {"target": numbers(2, 3)}
    yield NONE, "probabilities, whole", {"target": numbers(2, 3).long()}, "[2, 3]"
    yield NONE, "probabilities, complex", {"target": numbers(2, 3) + 0j}, "probabilities"
    yield NONE, "probabilities, one ignored", {**made, "ignore_index": 1}, "ignore_index=1"
    yield NONE, "probabilities, four weights", {**made, "weight": numbers(4)}, "[4]"
    yield NONE, "probabilities, another size", {"target": numbers(2, 4)}, "probabilities"
    yield NONE, "probabilities, no axes", {"input": numbers(), "target": numbers(), "weight": None}, "(N, C, ...)"
    for name, target in (("classes", CLASSES), ("probabilities", numbers(2, 3))):
        smoothed = {"target": target, "label_smoothing": 1.1}
        yield NONE, f"{name}, label_smoothing=1.1", smoothed, "label_smoothing=1.1"
    for value in ("0", None):
        yield NONE, f"label_smoothing={value!r}", {"label_smoothing": value}, "one real number"
    yield NONE, "no axes", {"input": numbers(), "weight": None}, "(N, C, ...)"


def _residuals(name: str) -> Mistakes:
    yield NONE, "four columns", {"target": numbers(2, 4)}, "[2, 4]"
    yield DEVICE, "target on another device", {"target": numbers(2, 3).to("meta")}, "meta"
    yield NONE, "an unknown reduction", {"reduction": "median"}, "'none', 'mean', 'sum'"
    if name != "smooth_l1_loss":
        unknown = {"weight": numbers(2, 3), "reduction": "median"}
        yield NONE, "an unknown reduction, weighted", unknown, "'none', 'mean', 'sum'"
        yield NONE, "three weights", {"weight": numbers(3)}, "[3]"
        yield NONE, "weight no tensor", {"weight": [1.0]}, "weight is a"
    both = {dtype: dict.fromkeys(("input", "target"), numbers(2, 3).to(dtype)) for dtype in DTYPES}
    if name == "l1_loss":
        yield NONE, "the mean of integers", both[torch.int64], "reduction='sum'"
        yield NONE, "truth values", both[torch.bool], "input.float()"
        return
    for dtype, changes in both.items():
        yield NONE, f"numbers of {dtype}", changes, "input.float()"
    if name == "huber_loss":
        yield NONE, "a whole input", {"input": numbers(2, 3).long()}, "input.to(torch.float32)"


def _bends(key: str) -> Mistakes:
    for value in (-1.0, float("nan"), *([0] if key == "delta" else [])):
        yield NONE, f"{key}={value}", {key: value}, f"{key}={float(value)}"
    for value in ("1", None, [1.0]):
        yield NONE, f"{key}={value!r}", {key: value}, f"{key}={value!r}"


def _coins() -> Mistakes:
    yield NONE, "one row of targets", {"target": numbers(1, 3) / 8 + 0.5}, "view_as"
    for dtype in (torch.int64, torch.complex64):
        both = {key: torch.ones(2, 3).to(dtype) for key in ("input", "target")}
        yield NONE, f"numbers of {dtype}", both, "input.float()"
    yield NONE, "an unknown reduction", {"reduction": "median"}, "'none', 'mean', 'sum'"
    yield NONE, "more weights", {"weight": numbers(5, 2, 3)}, "[5, 2, 3] must broadcast"
    yield NONE, "four weights", {"weight": numbers(4)}, "[4] must broadcast"
    yield NONE, "weight no tensor", {"weight": [1.0]}, "weight is a"


def _probabilities_of_coins() -> Mistakes:
    for value in (1.5, -0.1, float("nan")):
        for key in ("input", "target"):
            if key == "input" or value == value:
                yield NONE, f"{key} {value}", {key: torch.full((2, 3), value)}, f"{key} must be"
    for dtype in (torch.float64, torch.int64):
        yield NONE, f"target of {dtype}", {"target": torch.ones(2, 3, dtype=dtype)}, "target.to(input.dtype)"


def _logits() -> Mistakes:
    yield NONE, "pos_weight no tensor", {"pos_weight": [1.0]}, "pos_weight is a"
    yield NONE, "four positive weights", {"pos_weight": numbers(4)}, "[4] must broadcast"
    yield NONE, "more positive weights", {"pos_weight": numbers(5, 2, 3)}, "[5, 2, 3] must broadcast"
    for dtype in (torch.int64, torch.bool):
        yield NONE, f"targets of {dtype}", {"target": torch.ones(2, 3, dtype=dtype)}, "target.float()"
