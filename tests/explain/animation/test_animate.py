"""What is shown of a trace: its words compute it, its pictures mark its cells, its page says what it opens with."""

from __future__ import annotations

import json
import re
from io import BytesIO
from itertools import pairwise

import pytest
import torch
from PIL import Image, ImageChops, ImageSequence

from manualconv.explain import Layer, animate, make, trace
from manualconv.explain.animation.animate import gif, sheet
from manualconv.explain.animation.cells import LOOKS
from manualconv.explain.animation.drawing import Board
from manualconv.explain.animation.explorer import fields, page
from manualconv.explain.tracing.operands import operands
from manualconv.explain.tracing.passes import keys_of
from manualconv.explain.tracing.trace import Trace
from manualconv.explain.tracing.words import pass_line, torch_line
from tests.browser.layers import layers
from tests.browser.numbers import by_torch, faults_of_cards, faults_of_numbers

SMALL = make("conv", (5, 5), (3, 3))
UNEVEN = make("conv", (6, 5), (3, 2), stride=(2, 1), padding=((1, 0), (0, 2)), dilation=(1, 2), channels=2, filters=2)
KINDS = (
    SMALL,
    UNEVEN,
    make("conv", 9, 3, stride=2, padding=((1, 0),), flip=True),
    make("conv_transpose", (3, 2), (2, 3), stride=2, padding=((1, 0), (1, 1))),
    make("max_pool", (5, 4), 2, padding=((1, 0), (0, 0))),
    make("avg_pool", (4, 5), (2, 3), stride=2),
)


def frames(image: bytes) -> list[Image.Image]:
    """The pictures of an animation."""
    with Image.open(BytesIO(image)) as opened:
        assert opened.format == "GIF"
        return [frame.convert("RGB") for frame in ImageSequence.Iterator(opened)]


@pytest.mark.parametrize("seed", range(3))
def test_the_pytorch_lines_compute_what_the_trace_shows(seed: int) -> None:
    for layer in layers(12, seed):
        over = layer.window.taps if layer.kind == "avg_pool" else 1
        tensors = {letter: tensor.double() * over for letter, tensor in operands(layer, {}, seed).items()}
        for key, value in by_torch(layer, tensors).items():
            assert trace(layer, key, tensors).tensor().equal(value), (torch_line(layer), pass_line(layer, key))


def test_a_wrong_number_of_the_page_is_found() -> None:
    held = operands(UNEVEN, {}, 0)
    state = {
        "error": "",
        "line": torch_line(UNEVEN),
        "operands": {letter: {"size": list(t.shape), "values": t.flatten().tolist()} for letter, t in held.items()},
        "passes": {
            key: {
                "size": list(found.written.size),
                "values": [*found.written.cells.values()],
                "steps": len(found.steps),
                "line": pass_line(UNEVEN, key),
            }
            for key in keys_of(UNEVEN)
            for found in [trace(UNEVEN, key)]
        },
    }
    assert faults_of_numbers(UNEVEN, state) == []
    state["passes"]["weight"]["values"][3] += 1
    state["passes"]["input"]["steps"] -= 1
    state["line"] += " "
    assert [words.split()[0] for words in faults_of_numbers(UNEVEN, state)] == ["the", "input:", "weight:"]


def test_a_card_that_shows_another_number_is_found() -> None:
    state = {"passes": {"forward": {"values": [12345, -2, 1 / 3]}}}
    assert faults_of_cards({"forward": ["12345", "−2", "0.3333"]}, state) == []
    assert len(faults_of_cards({"forward": ["12345", "2", "0.3333"]}, state)) == 1


def test_the_words_are_the_steps_with_their_numbers() -> None:
    tensors = {"x": torch.tensor([1, 2, 3, 4]), "w": torch.tensor([5, -6])}
    figure = animate(make("conv", 4, 2, stride=2, padding=((1, 0),)), "forward", tensors)
    assert str(figure).splitlines()[-2:] == [
        "    step 0   y[0] = 0·5 + 1·(−6) = −6",
        "    step 1   y[1] = 2·5 + 3·(−6) = −8",
    ]
    tensors = {"x": torch.tensor([[1, 2, 2, 1], [3, 4, 0, 0]]), "dy": torch.tensor([[3, 1]])}
    pool = str(animate(make("max_pool", (2, 4), 2), "all", tensors))
    assert "y[0,0] = max(1, 2, 3, 4) = 4, at x[1,1]" in pool
    assert "dy[0,1] = 1 is sent on: dx[0,2] += 1\n" in pool


def edge(image: Image.Image, place: tuple[int, int]) -> tuple[int, ...]:
    """The colour of a cell's upper left corner, which is its edge's in every state."""
    return tuple(image.getpixel((place[0] + 1, place[1] + 1)))


@pytest.mark.parametrize("layer", KINDS, ids=lambda layer: layer.kind)
@pytest.mark.parametrize("key", ["forward", "input", "weight", "input-full"])
def test_a_picture_marks_the_cells_that_the_step_reads_and_writes(layer: Layer, key: str) -> None:
    if key not in keys_of(layer):
        return
    found = trace(layer, key)
    board = Board(found)
    n = len(found.steps) // 2
    image, step = board.frame(n), found.steps[n]
    is_max = layer.kind == "max_pool"
    read = [{term.read[which] for term in step.terms} for which in range(len(found.read))]
    written = {term.to for term in step.terms if not (is_max and found.scatter is not None) or term.factors[1]}
    marks = {LOOKS[name].edge for name in ("first", "second", "written")}
    for plane in board.layout.planes:
        if board.layout.grids[plane.which].letter == "mask":
            continue
        cells = written if plane.which == board.last else read[plane.which]
        for at, _, place in board.layout.cells(plane):
            assert (edge(image, place) in marks) == (at in cells), (plane, at)


@pytest.mark.parametrize("kind", ["conv", "conv_transpose"])
def test_the_last_picture_has_the_written_numbers_the_bias_too(kind: str) -> None:
    found = trace(make(kind, (3, 3), 2, filters=2), "forward", {"b": torch.tensor([5, -7])})
    assert Board(found, range(3, len(found.steps))).running[len(found.steps) - 1] == found.written.cells
    assert not torch.equal(found.tensor(), trace(found.layer).tensor())


def test_a_row_that_no_step_reads_is_crossed_out() -> None:
    found = trace(make("conv", (6, 5), 3, stride=2))
    board = Board(found)
    states = {at: state for (plane, at), (state, *_) in board._states(0).items() if plane.which == 0}
    assert {at[2] for at, state in states.items() if state == "never"} == {5}
    assert "never" in board.legend


@pytest.mark.parametrize("layer", KINDS, ids=lambda layer: layer.kind)
def test_an_animation_has_a_picture_for_each_step(layer: Layer) -> None:
    for key in keys_of(layer)[:3]:
        found = trace(layer, key)
        chosen = slice(1, 5)
        assert len(frames(gif([found], chosen))) == len(found.steps[chosen])


def test_an_animation_of_5_by_5_is_small_and_the_same_twice() -> None:
    for key in ("forward", "input-full"):
        found = trace(SMALL, key)
        image = gif([found])
        assert len(image) < 10**6
        pictures = frames(image)
        assert len(pictures) == len(found.steps)
        assert all(a.tobytes() != b.tobytes() for a, b in pairwise(pictures))
        board = Board(found)
        for n, picture in enumerate(pictures):
            off = ImageChops.difference(picture, board.frame(n)).getextrema()
            assert max(most for _, most in off) <= 40, "few colours are near to all, and no cell is left as it was"
    assert gif([found]) == image


def test_the_forward_pass_stands_beside_the_input_gradient() -> None:
    """Step by step over the same cells of y."""
    files = animate(SMALL, ("forward", "input")).files
    pictures = frames(files["conv.gif"]())
    boards = [Board(trace(SMALL, key)) for key in ("forward", "input")]
    assert len(pictures) == 9
    for n, picture in enumerate(pictures):
        left = 0
        for board in boards:
            image = board.frame(n)
            part = picture.crop((left, 0, left + image.width, image.height))
            assert max(most for _, most in ImageChops.difference(part, image).getextrema()) <= 40
            left += image.width
        assert picture.width == left
    assert "max_pool.gif" in animate(make("max_pool", 4, 2), ("input", "forward")).files
    assert "conv.gif" not in animate(SMALL, ("forward", "weight")).files


def test_a_sheet_is_readable_and_one_step_stands_alone() -> None:
    found = trace(SMALL, "input-full")
    with Image.open(BytesIO(sheet(found))) as many, Image.open(BytesIO(sheet(found, slice(3, 4)))) as one:
        assert (many.format, one.size) == ("PNG", (Board(found).width, one.height))
        assert many.width == 3 * one.width
        assert many.height == 3 * one.height


def test_the_page_asks_for_nothing_and_opens_with_the_layer() -> None:
    held = operands(UNEVEN, {}, 3)
    text = page(UNEVEN, held).decode()
    assert not re.findall(r"https?:|\bsrc=|\bhref=|@import|url\(|\bfetch\b|XMLHttpRequest|/\* [A-Z]+ \*/", text)
    (start,) = re.findall(r'<script type="application/json" id="start">(.*)</script>', text)
    start = json.loads(start)
    assert start["layer"] == fields(UNEVEN)
    assert start["layer"]["padding"] == "1:0x0:2"
    assert start["numbers"]["x"] == held["x"].flatten().tolist()


def test_a_layer_is_read_again_from_the_fields() -> None:
    turned = make("conv_transpose", (3, 2), 3, stride=2, padding=1, channels=4, filters=6, groups=2)
    assert fields(turned)["input"] == "3x2"
    assert (fields(turned)["channels"], fields(turned)["filters"]) == ("4", "6")


def test_a_picture_of_too_many_cells_is_refused() -> None:
    found: Trace = trace(make("conv", (60, 60), 3))
    with pytest.raises(ValueError, match="give a smaller input, or fewer channels and filters"):
        Board(found)


def test_what_is_sent_on_is_summed_at_the_end() -> None:
    x, w = torch.tensor([[1, 2], [3, -4]]), torch.tensor([[[5, -6], [1, 0]], [[2, 1], [0, 3]]])
    layer = make("conv_transpose", 2, 2, channels=2, filters=2)
    shown = str(animate(layer, "forward", {"x": x, "w": w})).replace("−", "-").splitlines()
    y = torch.nn.functional.conv_transpose1d(x[None].double(), w.double())[0].int().tolist()
    assert [line.split() for line in shown[-2:]] == [["sums", f"y[{n}]", "=", *map(str, y[n])] for n in (0, 1)]
    assert "sums" not in str(animate(layer, "forward", steps=slice(0, 1)))


@pytest.mark.parametrize("layer", KINDS, ids=lambda layer: layer.kind)
def test_every_letter_of_the_equations_is_explained(layer: Layer) -> None:
    shown = str(animate(layer, "all"))
    for letter in ("M", "D", "K"):
        if re.search(rf"\b{letter}\b", shown.split("\n\n", 1)[1]):
            assert f"{letter} is " in shown.split("\n\n", 1)[0]


def test_the_line_of_a_pooling_wider_than_its_input_runs() -> None:
    layer = make("avg_pool", (5, 1, 2), (2, 2, 1), stride=1, padding=(0, 1, 0))
    names = {"F": torch.nn.functional, "x": torch.arange(10.0, dtype=torch.float64).reshape(1, 1, 5, 1, 2)}
    exec(torch_line(layer), names)
    assert torch.equal(names["y"], trace(layer, "forward", {"x": names["x"]}).tensor())
