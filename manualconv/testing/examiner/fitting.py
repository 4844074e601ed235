"""A drawn case brought into the part of an operation that a partial implementation has."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import is_dataclass, replace
from typing import Any

from manualconv.geometry import Window
from manualconv.testing.cases import Convolution, Pooling, TransposedConvolution
from manualconv.testing.cases.convolution import transposed

#: What a case can be brought to do without.
FITTED = frozenset(
    {
        "bias",
        "ceil_mode",
        "unbatched",
        "empty batch",
        "groups",
        "several channels a group",
        "several filters a group",
        "stride",
        "dilation",
        "padding",
        "asymmetric padding",
        "output_padding",
        "weight",
        "channels-last",
        "pos_weight",
        "label_smoothing",
        "reduction",
        "mode",
        "count_include_pad",
        "divisor_override",
    }
)
#: Fields, the feature that each is of, and what it is without.
PLAIN: dict[str, tuple[str, Any]] = {
    "count_include_pad": ("count_include_pad", True),
    "divisor_override": ("divisor_override", None),
    "weighted": ("weight", False),
    "smoothing": ("label_smoothing", 0.0),
    "weight": ("weight", "none"),
    "positive": ("pos_weight", "none"),
    "reduction": ("reduction", "mean"),
    "mode": ("mode", "constant"),
}
#: Of a transposed convolution its own window says these.
OF_WINDOWS = frozenset({"stride", "dilation", "padding", "asymmetric padding"})


def fitted(case: Any, lacking: Set[str]) -> Any:
    """The case without what is lacking, as far as numbers of its own say it; nothing else of it is changed."""
    if not lacking or not is_dataclass(case):
        return case
    if isinstance(case, TransposedConvolution):
        return _transposed(case, lacking)
    changes: dict[str, Any] = {}
    if hasattr(case, "window"):
        changes["window"] = window = _window(case.window, lacking)
        if "stride" in lacking and isinstance(case, Pooling):
            changes["window"] = replace(window, stride=window.kernel_size)  # where nobody says any
    if isinstance(case, Convolution):
        for name, size in (("channels", "several channels a group"), ("outputs", "several filters a group")):
            if size in lacking:
                changes[name] = 1
    if "bias" in lacking and getattr(case, "biased", False):
        changes["biased"] = False
    if "ceil_mode" in lacking and getattr(case, "ceil_mode", False):
        changes["ceil_mode"] = False
    batch = getattr(case, "batch", 1)
    if ("unbatched" in lacking and batch is None) or ("empty batch" in lacking and batch == 0):
        changes["batch"] = 2
    changes |= {name: plain for name, (feature, plain) in PLAIN.items() if feature in lacking and name in vars(case)}
    if changes.get("batch", batch) == 0:
        changes.pop("reduction", None)  # a mean of nothing is NaN
    if hasattr(case, "affine"):
        changes["affine"] = tuple(has and name not in lacking for has, name in zip(case.affine, ("weight", "bias")))
    if "channels-last" in lacking and hasattr(case, "layouts"):
        changes["layouts"] = tuple("contiguous" if name == "channels_last" else name for name in case.layouts)
    return replace(case, **changes)  # type: ignore[type-var]


def _transposed(case: TransposedConvolution, lacking: Set[str]) -> TransposedConvolution:
    # The layer's input is y, and its filters are x's channels.
    swapped = {
        "several channels a group": "several filters a group",
        "several filters a group": "several channels a group",
    }
    of = fitted(case.of, {swapped.get(name, name) for name in lacking} - OF_WINDOWS)
    window = _window(replace(of.window, padding=case.padding), lacking & {"stride", "dilation", "asymmetric padding"})
    none = (0,) * window.ndim
    padding = tuple(zip(none, none)) if "padding" in lacking else window.padding
    more = none if "output_padding" in lacking else case.output_padding
    sizes = (case.of.window.output_size, window.kernel_size, window.stride, window.dilation)
    return transposed(of, sizes, padding, more)


def _window(window: Window, lacking: Set[str]) -> Window:
    ones = (1,) * window.ndim
    numbers: dict[str, Any] = {name: ones for name in ("stride", "dilation") if name in lacking}
    window = replace(window, groups=1 if "groups" in lacking else window.groups, **numbers)
    if "padding" in lacking:
        return window.unpadded()
    if "asymmetric padding" in lacking:
        return replace(window, padding=tuple((max(pair), max(pair)) for pair in window.padding))
    return window
