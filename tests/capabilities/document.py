"""The table: its cells in a data file, and the page of marks that is written from them."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase

import torch

from tests.capabilities.modes import MODES
from tests.capabilities.operations import OPERATIONS
from tests.capabilities.proofs import (
    NOT_ASKED,
    OURS,
    RIGHT,
    SHORT,
    SIDES,
    TORCH,
    WRONG,
    columns,
    outcomes,
    text,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "CAPABILITIES.md"
DATA = PAGE.with_name("capabilities.json")
#: Rows whose slow cells `make test` proves again; all others are proved by `make capabilities` alone.
SAMPLED = ("conv2d", "linear")

Cells = dict[tuple[str, str, str, str], str]
Found = dict[tuple[str, str, str, str], dict[str, str]]

ABOUT = {
    "Values": "the result and the gradient, in f16, bf16, f32, f64, c64, c128 and int64",
    "Derivatives": "through `torch.autograd`, in f16, bf16, f32, f64, c64 and c128",
    "torch.func": "in f16, bf16, f32, f64, c64 and c128; jacrev, jacfwd and hessian in the real ones, linearize in f32",
    "vmap": "in f16, bf16, f32, f64, c64 and c128, along a mapped last axis; *of grad, over input* is per-sample "
    "gradients: of every tensor, the first one mapped",
    "Settings": "in f32, value and gradients (value alone for meta and inference mode)",
    "Compilers": "in f64, with the backend `aot_eager` and `fullgraph=True`: forward and backward, static and symbolic "
    "sizes; the compiled `torch.func.grad`; `torch.export`",
}

#: Of torch, where it is as manualconv.
SAME = "·"
LEGEND = f"""\
- {RIGHT}: right, equal to the oracle within rounding, in every dtype asked
- {NOT_ASKED}: the question does not arise: one tensor only, or no image
- a small letter: right, with the reserve that its note below names
- a capital: right in no dtype, or numbers that came out, silently, and are not right
- {SAME}: torch as manualconv; operations where torch is alike throughout have no line for it

In the notes an error's name says that it is raised; *one by one* that vmap has no rule and takes one sample at a time;
*format lost* that channels_last goes in and does not come out; *truncated* is an integer mean without its fraction.
"""
INTRODUCTION = f"""\
# What works, cell by cell

Every mark below is the outcome of proofs, for manualconv and for torch alike: the operation is run in that mode and
dtype and compared with an *oracle*, the same operation written out in plain arithmetic
(`manualconv/testing/catalogue/`) and evaluated in float64 or complex128.  `make capabilities` runs all proofs and
writes [capabilities.json](capabilities.json), a cell for each operation, mode and side, and from it this page.
`make test` runs them again and compares every cell, except that what traces for seconds, linearize and the compilers,
is sampled there ({" and ".join(f"`{row}`" for row in SAMPLED)}), and torch's half on every eighth row.
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


def as_written(cells: Cells) -> Found:
    """Every cell as it stands in the data file, dtype by dtype: what `text` makes a cell of."""
    whole: Found = {}
    for (group, row, column, side), cell in cells.items():
        dtypes = [SHORT[dtype] for dtype in columns(group)[column].dtypes]
        found: dict[str, str] = {}
        for part in cell.split("; "):
            words = part.split(" ")
            named = [word for word in words if word in dtypes]
            kind = " ".join(word for word in words if word not in dtypes)
            found |= dict.fromkeys(named or dtypes, kind)
        whole[group, row, column, side] = {dtype: found[dtype] for dtype in dtypes}
    return whole


def read(data: str) -> Cells:
    """Every cell of the data file: (group, operation, column, side) → what is written."""
    return {
        (group, row, column, side): cell
        for group, table in json.loads(data)["groups"].items()
        for row, sides in table["rows"].items()
        for side, line in sides.items()
        for column, cell in zip(table["columns"], line, strict=True)
    }


def written(found: Found) -> str:
    """The data file: JSON with a line for each operation and side."""

    def line(group: str, row: str, side: str) -> str:
        return json.dumps([text(found[group, row, column, side]) for column in columns(group)], ensure_ascii=False)

    tables = []
    for group in MODES:
        rows = ",\n".join(
            f'   "{row}": {{' + ",\n    ".join(f'"{side}": {line(group, row, side)}' for side in SIDES) + "}"
            for row in OPERATIONS
        )
        tables.append(f'  "{group}": {{"columns": {json.dumps(list(columns(group)))}, "rows": {{\n{rows}\n  }}}}')
    about = {"torch": torch.__version__.partition("+")[0], "python": ".".join(platform.python_version_tuple()[:2])}
    return json.dumps(about)[:-1] + ', "groups": {\n' + ",\n".join(tables) + "\n}}\n"


def version_of(data: str) -> str:
    """The torch that the cells speak of."""
    version: str = json.loads(data)["torch"]
    return version


# ------------------------------------------------------------------------------------------------------------ the page


def _torch_alone(found: Found) -> Iterator[str]:
    """Where torch is right in dtypes in which manualconv is not."""
    for (group, row, column, side), ours in found.items():
        if side == OURS:
            theirs = found[group, row, column, TORCH]
            more = [dtype for dtype in ours if theirs[dtype] == RIGHT != ours[dtype]]
            if more:
                yield f"{row}, {group}, {column} ({' '.join(more)})"


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
        f"Torch alone is right in: {'; '.join(_torch_alone(found)) or 'nothing'}.",
        "",
    ]


def _by_mode(found: Found, row: str, group: str, side: str) -> Iterator[dict[str, str]]:
    """What each mode of a group comes to, in all its dtypes: one mark each."""
    for mode in MODES[group]:
        parts = [column for column in columns(group) if column == mode or column.startswith(f"{mode} ")]
        yield {dtype: status for column in parts for dtype, status in found[group, row, column, side].items()}


class Marks:
    """A mark for each outcome of a mode: its sign, or a letter that is explained when all are made."""

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}
        self._small, self._capital = iter(ascii_lowercase), iter(ascii_uppercase)

    def of(self, found: dict[str, str]) -> str:
        """The mark of what a mode came to."""
        note = text(found)
        if note in (RIGHT, NOT_ASKED):
            return note
        if note not in self.notes:
            good = WRONG not in found.values() and any(status.startswith(RIGHT) for status in found.values())
            self.notes[note] = next(self._small if good else self._capital)
        return self.notes[note]

    def explained(self) -> list[str]:
        """A line a letter."""
        return [
            f"- {mark}: {note}"
            for mark, note in sorted(((m, n) for n, m in self.notes.items()), key=lambda pair: pair[0].swapcase())
        ]


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(found: Found, marks: Marks) -> list[str]:
    """A row for operations that are alike in all, and one for torch where it differs."""
    alike: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for row in OPERATIONS:
        lines = tuple(
            tuple("".join(marks.of(cell) for cell in _by_mode(found, row, group, side)) for group in MODES)
            for side in SIDES
        )
        alike.setdefault(lines, []).append(row)
    written = [_line("operation", "by", *MODES), _line(*["---"] * (len(MODES) + 2))]
    for (ours, theirs), rows in alike.items():
        written.append(_line("; ".join(rows), OURS, *(f"`{marks}`" for marks in ours)))
        if theirs != ours:
            differing = ("".join(SAME if a == b else b for a, b in zip(*pair)) for pair in zip(ours, theirs))
            written.append(_line("", TORCH, *(f"`{marks}`" for marks in differing)))
    return written


def page(data: str) -> str:
    """The page that a data file makes."""
    about, found, marks = json.loads(data), as_written(read(data)), Marks()
    table = _table(found, marks)
    modes = [f"- **{group}** ({ABOUT[group]}): {', '.join(f'*{mode}*' for mode in MODES[group])}" for group in MODES]
    parts = (
        [INTRODUCTION],
        [f"torch {about['torch']}, Python {about['python']}, CPU.", "", *_summary(found)],
        [LEGEND, "The columns hold a mark for each mode, in this order:", "", *modes, ""],
        [*table, "", *marks.explained(), ""],
    )
    return "\n".join(line for part in parts for line in part)


def main(rows: Sequence[str] = ()) -> None:
    """Prove every cell, or those of some rows and leave the others as they stand, and write data and page."""
    torch.set_num_threads(1)
    before = as_written(read(DATA.read_text(encoding="utf-8"))) if rows else {}
    DATA.write_text(data := written(before | proved(rows or OPERATIONS)), encoding="utf-8")
    PAGE.write_text(page(data), encoding="utf-8")
    print(f"{PAGE.relative_to(PAGE.parents[1])}: {len(read(data)):,} cells")
