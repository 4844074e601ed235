"""What a figure prints, read back: every line of arithmetic is computed again, and its result is found by its name."""

from __future__ import annotations

import re
from math import exp, log, sqrt

from torch import Tensor

from manualconv.explain import Figure

NAMES = {"exp": exp, "log": log, "sqrt": sqrt, "max": max}
LINE = re.compile(r"^    ([^ =]+|<[^>]*>) = (.+)$")


def computed(terms: str) -> float:
    """The value of what stands between two signs of equality."""
    return float(eval(terms, {"__builtins__": {}}, NAMES))  # the package's own text


def results(figure: Figure) -> list[tuple[str, float]]:
    """Name and value of each line, whose parts are all equal but for the six digits that they are printed with."""
    found = []
    for line in figure.text.splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        name, shown = match.groups()
        *parts, value = map(computed, shown.split(" = "))
        size = max(map(abs, [float(n) for n in re.findall(r"\d+\.?\d*(?:e[+-]\d+)?", shown)] + [1.0]))
        assert all(abs(part - value) <= 2e-5 * size**2 for part in parts), line
        found.append((name, value))
    return found


def tensors(figure: Figure) -> dict[str, list[float]]:
    """The values of a tensor's entries in the order of their lines, by the tensor's letters."""
    found: dict[str, list[float]] = {}
    for name, value in results(figure):
        found.setdefault(name.partition("[")[0], []).append(value)
    return found


def same(printed: list[float], expected: Tensor) -> bool:
    """Whether six printed digits are those of a tensor's entries."""
    values = expected.detach().double().flatten().tolist()
    return len(printed) == len(values) and all(
        abs(a - b) <= 1e-5 * max(abs(b), 1e-3) for a, b in zip(printed, values, strict=True)
    )
