"""How numbers are printed: six digits, matrices in columns, and each result as the sum that it is.

Arithmetic is written as one would type it, ``Z[0,0] = 10 + 1*1 + 2*2 + 4*0 + 5*(-1) = 10``: a reader can check any
line, and the tests do.  Positions count from 0, as in the equations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor


def number(value: Tensor | float) -> str:
    """Six significant digits; no −0."""
    return f"{float(value) + 0.0:.6g}"


def factor(value: Tensor | float) -> str:
    """The number as a later factor: −0.4 becomes (-0.4)."""
    text = number(value)
    return f"({text})" if text.startswith("-") else text


def product(left: Tensor | float, right: Tensor | float) -> str:
    """``2*(-3)``."""
    return f"{number(left)}*{factor(right)}"


def cell(name: str, at: Iterable[int]) -> str:
    """``Z[0,1]``, or the name alone where there is no axis."""
    text = ",".join(map(str, at))
    return f"{name}[{text}]" if text else name


def total(terms: Iterable[str]) -> str:
    """The terms with + and − between; 0 where there are none."""
    return " + ".join(terms).replace("+ -", "- ") or "0"


def equal(name: str, *shown: str) -> str:
    """A line ``name = … = value``; what is written twice stands once."""
    return "    " + " = ".join(dict.fromkeys((name, *shown)))


def line(name: str, at: Iterable[int], shown: str | Iterable[str], value: Tensor | float) -> str:
    """`equal` of one entry: what its value is, as words or as the terms of a sum."""
    return equal(cell(name, at), shown if isinstance(shown, str) else total(shown), number(value))


def rows(t: Tensor) -> list[list[str]]:
    """A tensor's rows: a number is one row, a vector too."""
    return [[number(value) for value in row] for row in t.detach().reshape(-1, t.shape[-1] if t.dim() else 1)]


def matrix(t: Tensor) -> list[str]:
    """Its `rows`, the columns aligned."""
    texts = rows(t)
    widths = [max(map(len, column)) for column in zip(*texts)]
    return [" ".join(text.rjust(width) for text, width in zip(row, widths)) for row in texts]


def beside(*named: tuple[str, Tensor]) -> Iterator[str]:
    """Tensors side by side, ``A = …   W = …``; leading axes below each other with a line between."""
    columns = []
    for name, t in named:
        planes = t.detach().reshape(-1, *t.shape[-2:]) if t.dim() > 2 else t.detach().unsqueeze(0)
        lines: list[str] = []
        for plane in planes:
            lines += ([""] if lines else []) + matrix(plane)
        lead = f"{name} = "
        columns.append([lead + lines[0], *(" " * len(lead) + line for line in lines[1:])])
    height = max(map(len, columns))
    widths = [max(map(len, column)) for column in columns]
    for n in range(height):
        line = "    ".join((c[n] if n < len(c) else "").ljust(width) for c, width in zip(columns, widths))
        yield f"  {line}".rstrip()
