"""The table as a document: written from the proofs, read back by the test that holds it to them."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from tests.capabilities.modes import MODES
from tests.capabilities.operations import OPERATIONS
from tests.capabilities.proofs import (
    FORMAT,
    LOOPS,
    NOT_ASKED,
    OURS,
    RIGHT,
    SHORT,
    SIDES,
    TORCH,
    TRUNCATED,
    WRONG,
    columns,
    outcomes,
    text,
)

PATH = Path(__file__).resolve().parents[2] / "docs" / "CAPABILITIES.md"
#: Rows whose slow cells `make test` proves again; all others are proved by `make capabilities` alone.
SAMPLED = ("conv2d", "linear")

Cells = dict[tuple[str, str, str, str], str]
Found = dict[tuple[str, str, str, str], dict[str, str]]

ABOUT = {
    "Values": "The result and the gradient, one column for every dtype.",
    "Derivatives": "Through `torch.autograd`, in f16, bf16, f32, f64, c64 and c128.",
    "torch.func": "In f16, bf16, f32, f64, c64 and c128; jacrev, jacfwd and hessian in the real ones, linearize in "
    "f32.",
    "vmap": "In f16, bf16, f32, f64, c64 and c128, along a mapped last axis.  *Of grad, over input* is per-sample "
    "gradients: of every tensor, the first one mapped.",
    "Settings": "In f32, value and gradients (value alone for meta and inference mode).",
    "Compilers": "In f64, with the backend `aot_eager` and `fullgraph=True`: forward and backward, static and symbolic "
    "sizes; the compiled `torch.func.grad`; `torch.export`.",
}

LEGEND = {
    RIGHT: "right: equal to the oracle within rounding, in every dtype named",
    LOOPS: "right, but vmap has no rule for it and takes one sample at a time",
    FORMAT: "right, but channels_last goes in and does not come out",
    TRUNCATED: "an integer mean without its fraction",
    WRONG: "numbers came out, silently, and they are not right",
    NOT_ASKED: "the question does not arise: one tensor only, or no image",
    "an error's name": "that error is raised",
}

INTRODUCTION = f"""\
# What works, cell by cell

Every cell below is the outcome of a proof, for manualconv and for torch alike: the operation is run in that mode and
dtype and compared with an *oracle*, the same operation written out in plain arithmetic
(`manualconv/testing/catalogue/`) and evaluated in float64 or complex128.  `make capabilities` runs all proofs and
writes this file; `make test` runs them again and compares every cell with what is written here, except that what
traces for seconds, linearize and the compilers, is sampled there ({" and ".join(f"`{row}`" for row in SAMPLED)}), and
torch's half on every eighth row.
Speed is not asked here but for one thing: whether vmap takes the samples one by one.
"""


def proved(rows: Iterable[str]) -> Found:
    """Every cell of these rows."""
    return {
        (group, row, column, side): outcomes(side, row, mode)
        for group in MODES
        for row in rows
        for column, mode in columns(group).items()
        for side in SIDES
    }


def as_written(document: str) -> Found:
    """Every cell as it stands there, dtype by dtype: what `text` makes a cell of."""
    cells: Found = {}
    for (group, row, column, side), cell in parsed(document).items():
        dtypes = [SHORT[dtype] for dtype in columns(group)[column].dtypes]
        found: dict[str, str] = {}
        for part in cell.split("; "):
            words = part.split(" ")
            named = [word for word in words if word in dtypes]
            kind = " ".join(word for word in words if word not in dtypes)
            found |= dict.fromkeys(named or dtypes, kind)
        cells[group, row, column, side] = {dtype: found[dtype] for dtype in dtypes}
    return cells


def _rights(found: dict[str, str]) -> set[str]:
    """The dtypes in which a cell is right without reserve."""
    return {dtype for dtype, status in found.items() if status == RIGHT}


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _differences(found: Found) -> list[str]:
    """Column by column, where one side is right in more dtypes than the other."""
    lines = {
        "manualconv is right where torch is not": (OURS, TORCH),
        "torch is right where manualconv is not": (TORCH, OURS),
    }
    written = []
    for title, (better, worse) in lines.items():
        written += [f"### Where {title}", ""]
        items = []
        for group in MODES:
            for column in columns(group):
                more: dict[str, list[str]] = {}
                for row in OPERATIONS:
                    one, other = found[group, row, column, better], found[group, row, column, worse]
                    only = _rights(one) - _rights(other)
                    if only:
                        kinds = dict.fromkeys(other[dtype] for dtype in other if dtype in only)
                        named = (
                            "" if group == "Values" or len(one) == 1 else f" {' '.join(d for d in one if d in only)}"
                        )
                        more.setdefault(f"{' or '.join(kinds)}{named}", []).append(row)
                items += [f"- {group}, {column}: {', '.join(rows)} ({worse}: {kind})" for kind, rows in more.items()]
        written += items or ["Nowhere."]
        written.append("")
    return written


def _summary(found: Found) -> list[str]:
    """How many proofs, and how they came out."""
    pairs = [(found[key], found[(*key[:3], TORCH)]) for key in found if key[3] == OURS]
    asked = [(a[d], b[d]) for a, b in pairs for d in a if NOT_ASKED not in (a[d], b[d])]
    counts = {
        "both right": sum(a == RIGHT == b for a, b in asked),
        "manualconv alone": sum(a == RIGHT != b for a, b in asked),
        "torch alone": sum(b == RIGHT != a for a, b in asked),
        "neither": sum(RIGHT not in (a, b) for a, b in asked),
    }
    wrong = sum(a == WRONG for a, _ in asked), sum(b == WRONG for _, b in asked)
    return [
        f"{len(asked):,} questions (operation, mode, dtype), each put to both: "
        + ", ".join(f"{name} {count:,}" for name, count in counts.items())
        + ".",
        f"Silently wrong: manualconv {wrong[0]:,}, torch {wrong[1]:,}.",
        "",
    ]


def rendered(found: Found) -> str:
    """The whole document."""
    version = torch.__version__.partition("+")[0]
    lines = [
        INTRODUCTION,
        f"torch {version}, Python {'.'.join(platform.python_version_tuple()[:2])}, CPU.",
        "",
        *_summary(found),
        *(f"- {mark}: {meaning}" for mark, meaning in LEGEND.items()),
        "",
        *_differences(found),
    ]
    for group in MODES:
        names = list(columns(group))
        lines += [f"## {group}", "", ABOUT[group], ""]
        lines += [_line("operation", "by", *names), _line(*["---"] * (len(names) + 2))]
        for row in OPERATIONS:
            lines += [_line(row, side, *(text(found[group, row, name, side]) for name in names)) for side in SIDES]
        lines.append("")
    return "\n".join(lines)


def parsed(document: str) -> Cells:
    """Every cell of the tables: (group, operation, column, side) → what is written."""
    cells: Cells = {}
    group, names = "", []
    for line in document.splitlines():
        if line.startswith("## "):
            group, names = line[3:], []
        elif line.startswith("| "):
            first, side, *entries = (part.strip() for part in line.strip("| ").split(" | "))
            if first == "operation":
                names = entries
            elif first != "---":
                cells.update({(group, first, name, side): entry for name, entry in zip(names, entries, strict=True)})
    return cells


def version_of(document: str) -> str:
    """The torch that the document speaks of."""
    found = re.search(r"^torch (\S+), Python", document, re.MULTILINE)
    assert found is not None
    return found[1]


def main(rows: Sequence[str] = ()) -> None:
    """Prove every cell, or those of some rows and leave the others as they stand, and write the document."""
    torch.set_num_threads(1)
    PATH.parent.mkdir(exist_ok=True)
    before = as_written(PATH.read_text(encoding="utf-8")) if rows else {}
    PATH.write_text(rendered(before | proved(rows or OPERATIONS)), encoding="utf-8")
    print(f"{PATH.relative_to(PATH.parents[1])}: {len(parsed(PATH.read_text(encoding='utf-8'))):,} cells")
