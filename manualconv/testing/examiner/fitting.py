"""A drawn case brought into the part of an operation that a partial implementation has."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import is_dataclass, replace
from typing import Any

from manualconv.geometry import Window

#: What a case can be brought to do without.
FITTED = frozenset(
    {
        "bias",
        "ceil_mode",
        "unbatched",
        "empty batch",
        "groups",
        "stride",
        "dilation",
        "padding",
        "asymmetric padding",
    }
)


def fitted(case: Any, lacking: Set[str]) -> Any:
    """The case without what is lacking, as far as numbers of its own say it; nothing else of it is changed."""
    if not lacking or not is_dataclass(case):
        return case
    changes: dict[str, Any] = {}
    if hasattr(case, "window"):
        changes["window"] = _window(case.window, lacking)
    if "bias" in lacking and getattr(case, "biased", False):
        changes["biased"] = False
    if "ceil_mode" in lacking and getattr(case, "ceil_mode", False):
        changes["ceil_mode"] = False
    batch = getattr(case, "batch", 1)
    if ("unbatched" in lacking and batch is None) or ("empty batch" in lacking and batch == 0):
        changes["batch"] = 2
    if hasattr(case, "of"):
        changes["of"] = fitted(case.of, lacking & {"groups", "bias", "unbatched", "empty batch"})
    return replace(case, **changes)  # type: ignore[type-var]


def _window(window: Window, lacking: Set[str]) -> Window:
    ones = (1,) * window.ndim
    numbers: dict[str, Any] = {name: ones for name in ("stride", "dilation") if name in lacking}
    window = replace(window, groups=1 if "groups" in lacking else window.groups, **numbers)
    if "padding" in lacking:
        return window.unpadded()
    if "asymmetric padding" in lacking:
        return replace(window, padding=tuple((max(pair), max(pair)) for pair in window.padding))
    return window
