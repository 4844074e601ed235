"""Failures of torch that are known: named in a report, and failures all the same.

docs/TORCH_BUGS.md has a program for each, under the same title; the operations stand before the colon.
"""

from __future__ import annotations

import re

from manualconv.testing.catalogue.dropout import NAMES as DROPOUTS

#: The torch that the programs were written for.
TORCH = "2.14.1"
#: By their titles: what the law, or the ability, and its words look like.
BUGS = {
    "conv2d: the gradient of the weight is wrong in silence": r"\bdW\b.* wrong",
    "conv2d: in bfloat16 the gradient of the weight holds what nobody wrote": r"^bfloat16 .*\bdW\b",
    "instance_norm: the gradient of one sample is wrong in silence": r"\bdX\b.* wrong",
    "batch_norm: the gradient of one sample is wrong in silence": r"\bdX\b.* wrong",
    "hardsigmoid: the slope of a float64 is that of a float32": r"\bdX\b.* wrong",
    "layer_norm: the third derivative is wrong": r"^(order 3|the third derivative)\b",
    "instance_norm: no samples and a bias raise an IndexError": r"IndexError",
    "batch_norm: with a bias and no weight the second derivative is wrong": (
        r"^(order [23]|the (second|third) derivative)\b"
    ),
    "nll_loss: the gradient raises for channels-last scores": r"RuntimeError",
    "max_unpool2d, max_unpool3d: the gradient raises where the places are not contiguous": r"RuntimeError",
    f"{', '.join(DROPOUTS)}: without effect they return their operand": r"shares its memory|when an operand is edited",
}


def known(operation: str, law: str, words: str) -> str:
    """The title of the bug that a failure of torch's looks like; "" if it is none of them."""
    for title, looks in BUGS.items():
        if operation in title.partition(":")[0].split(", ") and re.search(looks, f"{law}: {words}"):
            return title
    return ""
