"""The picture of a step: the grids that are read, the grid that is written, and the sum with its numbers.  Pillow.

A `Board` lays a trace out once; `Board.frame` draws one of its steps.  It decides nothing: which cells are read, which
are written and what the numbers are stands in the trace.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from manualconv.explain.animation.cells import FAINT, INK, LOOKS, PAPER, QUIET, cell, font
from manualconv.explain.animation.layout import MARGIN, Layout, Plane
from manualconv.explain.tracing.layer import Index
from manualconv.explain.tracing.operands import Number
from manualconv.explain.tracing.trace import Step, Term, Trace
from manualconv.explain.tracing.words import description, equation, number, relation, sentence

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

#: Height of a line of words, lines of a sum before it is cut short, cells from which a small number can be read.
LINE, LINES, CORNERED = 22, 5, 34
Reading = dict[Index, list[Term]]


class Board:
    """The steps of a trace, or some of them, as pictures of one size."""

    def __init__(self, trace: Trace, steps: range | None = None) -> None:
        self.trace, self.layout = trace, Layout(trace)
        self.steps = range(len(trace.steps)) if steps is None else steps
        self.last = len(trace.read)
        self.width = max(self.layout.right + MARGIN, 720)
        self.never = [trace.never(which) for which in (*range(self.last), -1)]
        self.is_max = trace.layer.kind == "max_pool"

    @cached_property
    def sentences(self) -> dict[int, list[str]]:
        """The words of every step, in lines."""
        width = self.width - 2 * MARGIN
        return {n: _wrapped(sentence(self.trace, self.trace.steps[n]), width) for n in self.steps}

    @cached_property
    def running(self) -> dict[int, dict[Index, Number]]:
        """What stands in the written grid after each step: of a gathered pass only the cells that are done."""
        trace, now, states = self.trace, dict(self.trace.written.cells), {}
        gathers = trace.scatter is None
        if gathers:
            now.clear()
        for term in () if gathers else (term for step in trace.steps for term in step.terms):
            if term.to in now:
                now[term.to] -= term.product  # back to what is there before the first step
        for n, step in enumerate(trace.steps[: self.steps[-1] + 1]):
            for term in step.terms:
                if gathers:
                    now[step.at] = trace.written.cells[step.at]
                elif term.to in now:
                    now[term.to] += term.product
            if n in self.steps:
                states[n] = now.copy()
        return states

    @cached_property
    def legend(self) -> list[str]:
        """The states that some step shows."""
        found = {state for n in self.steps for state, *_ in self._states(n).values()}
        return [state for state, look in LOOKS.items() if look.words and state in found]

    def _states(self, n: int) -> dict[tuple[Plane, Index], tuple[str, str, str]]:
        """State, number and small number of every cell."""
        step = self.trace.steps[n]
        reading = [_by_cell(step, which) for which in range(self.last)]
        writing = _by_cell(step, None)
        found = {}
        for plane in self.layout.planes:
            is_mask = self.layout.grids[plane.which].letter == "mask"
            lead = step.terms[0].read[1][: -self.layout.ndim] if is_mask else ()
            for at, _, _ in self.layout.cells(plane):
                written = plane.which == self.last
                found[plane, at] = (
                    self._written(at, writing, self.running[n])
                    if written
                    else self._read(plane.which, lead + at, reading[plane.which])
                )
        return found

    def _read(self, which: int, at: Index, reading: Reading) -> tuple[str, str, str]:
        grid, terms = self.trace.read[which], reading.get(at, [])
        state = ("first", "second")[which] if terms else "plain"
        if at not in grid.cells:
            return ("padding read" if terms else "padding"), "−∞" if self.is_max else "0", self._factor(which, terms)
        if at in grid.stuffed:
            state = "stuffed read" if terms else "stuffed"
        elif not terms and at in self.never[which]:
            state = "never"
        elif self.is_max and which == 0 and self.trace.scatter is None and terms and terms[0].factors[1]:
            state = "winner"
        return state, number(grid.cells[at]), self._factor(which, terms)

    def _factor(self, which: int, terms: list[Term]) -> str:
        """What a cell's number is multiplied by, where that is one number."""
        one = which == 0 and len(terms) == 1 and len(terms[0].factors) == 2 and not self.is_max
        return f"×{number(terms[0].factors[1])}" if one and self.layout.size >= CORNERED else ""

    def _written(self, at: Index, writing: Reading, now: dict[Index, Number]) -> tuple[str, str, str]:
        terms, text = writing.get(at, []), number(now[at]) if at in now else ""
        if self.is_max and self.trace.scatter is not None:
            terms = [term for term in terms if term.factors[1]]
        if at not in self.trace.written.cells:
            return ("lost" if terms else "padding"), "", ""
        if not terms:
            return ("never" if at in self.never[-1] else "plain" if text else "empty"), text, ""
        adds = self.trace.scatter is not None and self.layout.size >= CORNERED
        added = number(sum(term.product for term in terms))
        return "written", text, (added if added.startswith("−") else f"+{added}") if adds else ""

    @cached_property
    def _below(self) -> int:
        return self.layout.bottom + MARGIN

    @cached_property
    def _empty(self) -> Image:
        """What is the same in all steps."""
        from PIL import Image, ImageDraw

        legend_top = self._below + max(map(len, self.sentences.values())) * LINE + 8
        rows = _rows(self.legend, self.width)
        image = Image.new("RGB", (self.width, legend_top + len(rows) * LINE + MARGIN), PAPER)
        draw = ImageDraw.Draw(image)
        draw.text((MARGIN, 12), self.trace.title, INK, font(19, bold=True))
        draw.text((MARGIN, 42), equation(self.trace), INK, font(15))
        draw.text((MARGIN, 68), f"{description(self.trace.layer)};  {relation(self.trace.layer)}", QUIET, font(12))
        for plane in self.layout.planes:
            self._label(draw, plane)
        self._signs(draw)
        for row, states in enumerate(rows):
            for state, left in states:
                top = legend_top + row * LINE
                image.paste(cell(18, state), (left, top))
                draw.text((left + 25, top + 9), LOOKS[state].words, INK, font(12), "lm")
        return image

    def frame(self, n: int) -> Image:
        """Step n."""
        from PIL import ImageDraw

        image, states = self._empty.copy(), self._states(n)
        draw = ImageDraw.Draw(image)
        last = len(self.trace.steps) - 1
        draw.text((self.width - MARGIN, 14), f"step {n} / {last}", INK, font(15), "ra")
        for row, line in enumerate(self.sentences[n]):
            draw.text((MARGIN, self._below + row * LINE), line, INK, font(15))
        for plane in self.layout.planes:
            for at, _, place in self.layout.cells(plane):
                image.paste(cell(self.layout.size - 1, *states[plane, at]), place)
        return image

    def _label(self, draw: ImageDraw, plane: Plane) -> None:
        """The grid's letter with the axes in front, and the numbers of its rows and columns."""
        grid = self.layout.grids[plane.which]
        kept = ",".join(str(i) for i, size in zip(plane.lead, grid.size) if size > 1)
        draw.text(
            (plane.left, plane.top - 15), f"{grid.letter}[{kept}]" if kept else grid.letter, INK, font(16, True), "lb"
        )
        axes = len(self.layout.spatial(plane.which))
        half, own = self.layout.size // 2, (1, *self.layout.spatial(plane.which))[-2:]
        for _, (row, column), (left, top) in self.layout.cells(plane):
            if axes and top == plane.top and 0 <= column < own[-1]:
                draw.text((left + half, top - 2), str(column), FAINT, font(10), "mb")
            if axes == 2 and left == plane.left and 0 <= row < own[0]:
                draw.text((left - 4, top + half), str(row), FAINT, font(10), "rm")

    def _signs(self, draw: ImageDraw) -> None:
        """Between two grids that are multiplied, and in front of the written one."""
        for which in range(1, len(self.layout.grids)):
            plane = next(plane for plane in self.layout.planes if plane.which == which)
            middle = plane.top + self.layout.size * self.layout.frame(which)[0][0] // 2
            sign = "→" if which == self.last else "×"
            draw.text((plane.left - 32, middle), sign, INK, font(26), "mm")


def _rows(states: list[str], width: int) -> list[list[tuple[str, int]]]:
    """The legend in rows: a state, and where its sample is."""
    rows: list[list[tuple[str, int]]] = [[]]
    left = MARGIN
    for state in states:
        length = int(font(12).getlength(LOOKS[state].words)) + 48
        if left + length > width:
            rows.append([])
            left = MARGIN
        rows[-1].append((state, left))
        left += length
    return rows


def _by_cell(step: Step, which: int | None) -> Reading:
    """The terms of a step by the cell that they read in a grid, or that they are added to."""
    found: Reading = defaultdict(list)
    for term in step.terms:
        found[term.to if which is None else term.read[which]].append(term)
    return found


def _wrapped(words: str, width: int) -> list[str]:
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if font(15).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], f"… {lines[-1]}"]
