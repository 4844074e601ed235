"""The article's figures: their numbers are its numbers and torch's, their pictures are whole and readable."""

from __future__ import annotations

import re
from io import BytesIO

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor
from torch.autograd import grad

from manualconv.explain import Figure, article_figure, filter_gallery
from manualconv.explain.figures import FIGURES, drawing
from manualconv.explain.figures.images import FILTERS, image, response
from manualconv.explain.figures.passes import full, numbers, passes
from manualconv.explain.figures.placements import influence, placement, reached, stride
from manualconv.explain.figures.pooling import mask, max_pooling
from manualconv.explain.figures.volumes import convolution_parameters, dense_weights, dimensions, volumes
from tests.explain.reading import same, tensors

#: The first of these is slow where others use the processor too.
FEW = settings(max_examples=max(25, settings.default.max_examples // 4))
SEEDS = st.integers(0, 2**32)


def drawn(seed: int, *shape: int, low: int = -9) -> Tensor:
    return torch.randint(low, 10, shape, generator=torch.Generator().manual_seed(seed)).double()


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    return {name: article_figure(name) for name in FIGURES}


# ----------------------------------------------------------------------------------------------- all of them


def test_there_are_thirteen_of_the_article_s_numbers_two_to_thirteen() -> None:
    assert len(FIGURES) == 13
    assert {number for number, *_ in FIGURES.values()} == set(range(2, 14))


@pytest.mark.parametrize("name", FIGURES)
def test_a_picture_is_whole_and_dark_on_light(name: str, figures: dict[str, Figure]) -> None:
    ((file, make),) = figures[name].files.items()
    assert file == f"{FIGURES[name][0]:02}-{name}.png"
    with Image.open(BytesIO(make())) as picture:
        assert picture.format == "PNG"
        grey = np.asarray(picture.convert("L"))
    assert min(grey.shape) >= 300
    assert grey.max() == 255 and grey.min() < 60
    border = np.concatenate((grey[0], grey[-1], grey[:, 0], grey[:, -1]))
    assert (border == 255).all()  # nothing is cut off


@pytest.mark.parametrize("name", FIGURES)
def test_words_stand_alone_and_no_two_overlap(
    name: str, figures: dict[str, Figure], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every text lies on the sheet, and clear of every other."""
    from manualconv.explain.figures import sheet

    sheets: list[sheet.Sheet] = []
    monkeypatch.setattr(sheet.Sheet, "png", lambda self: sheets.append(self) or b"")
    next(iter(drawing(name)().files.values()))()
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = sheets[0].drawn()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in figure.axes[0].texts if text.get_text()]
    assert len(boxes) >= 4
    wide, tall = canvas.get_width_height()
    assert all(box.x0 >= 0 and box.x1 <= wide and box.y0 >= 0 and box.y1 <= tall for box in boxes)
    edges = np.array([(box.x0 + 1, box.y0 + 1, box.x1 - 1, box.y1 - 1) for box in boxes])
    x0, y0, x1, y1 = edges.T
    apart = (x0[:, None] >= x1) | (x1[:, None] <= x0) | (y0[:, None] >= y1) | (y1[:, None] <= y0)
    assert (apart | np.eye(len(boxes), dtype=bool)).all()


GOLDEN = {
    "A1": ("image", "grey = 0.2989 R + 0.5870 G + 0.1140 B"),
    "A2": ("volumes", "dense       3,072 * 4,704 = 14,450,688 weights"),
    "A2, convolution": ("volumes", "convolution 6 * (3*5*5 + 1) = 456 parameters"),
    "A6": ("placement", "Z = 4 3 4\n      2 4 3\n      2 3 4"),
    "A12": ("influence", "padding 0: corner 1, edge 3, centre 9"),
    "A12, padded": ("influence", "padding 1: corner 4, edge 6, centre 9"),
    "A13": ("stride", "stride 2   rows    o = floor((7 - 2 - 1) / 2) + 1 = 3; all of them read"),
    "A13, unread": ("stride", "stride 3   columns o = floor((7 - 2 - 1) / 3) + 1 = 2; unread: 6, counted from 0"),
    "A14": ("volumes", "[32, 32, 3] * 6 filters of [5, 5, 3] -> [28, 28, 6]"),
    "A18": ("connections", "uses per neuron [1, 2, 1, 2, 4, 2, 1, 2, 1]"),
    "A18, pruned": ("connections", "16 connections, where a dense layer has 36"),
    "B2": ("dimensions", "W       (5, 3, 3, 2)     dW       (5, 3, 3, 2)"),
    "B4": ("full", "W turned = -1 3"),
    "B8": ("max-pooling", "Z = 4 2\n      5 3"),
    "B9": ("mask", "8 goes to dA[2,0], where the maximum was"),
}


@pytest.mark.parametrize(("name", "words"), GOLDEN.values(), ids=GOLDEN)
def test_the_article_s_numbers_are_printed(name: str, words: str, figures: dict[str, Figure]) -> None:
    assert words in figures[name].text


def test_an_unknown_figure_is_told_the_nearest() -> None:
    with pytest.raises(ValueError, match="no figure is called 'strides'; did you mean stride"):
        article_figure("strides")


# ----------------------------------------------------------------------------------------------- their numbers


def test_a_thousand_pixels_squared_need_millions_of_weights() -> None:
    """A2."""
    assert dense_weights((3, 1000, 1000), (1,)) == 3_000_000
    assert dense_weights((1000, 1000), (100,)) == 10**8
    assert dense_weights((3, 32, 32), (6, 28, 28)) == 14_450_688
    assert convolution_parameters(3, 6, (5, 5)) == 456
    assert convolution_parameters(3, 2, (3, 3)) == 56  # A11


@given(channels=st.integers(1, 4), filters=st.integers(1, 4), kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_parameters_are_those_of_torch_s_layer(channels: int, filters: int, kernel: tuple[int, int]) -> None:
    layer = torch.nn.Conv2d(channels, filters, kernel)
    assert convolution_parameters(channels, filters, kernel) == sum(p.numel() for p in layer.parameters())


@FEW
@given(data=st.data(), channels=st.integers(1, 3), filters=st.integers(1, 3), steps=st.integers(1, 3))
def test_the_sizes_of_volumes_and_tensors_are_torch_s(
    data: st.DataObject, channels: int, filters: int, steps: int
) -> None:
    """A14, B2."""
    kernel = (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)))
    size = tuple(data.draw(st.integers(k, 8)) for k in kernel)
    padding = data.draw(st.integers(0, 2))
    x, w = torch.ones(2, channels, *size), torch.ones(filters, channels, *kernel)
    _, o, height, width = F.conv2d(x, w, stride=steps, padding=padding).shape
    assert f"-> [{height}, {width}, {o}]\n" in volumes(channels, size, filters, kernel, steps, padding).text
    plain = tuple(F.conv2d(x, w).shape)
    (line,) = (row for row in dimensions(2, channels, size, filters, kernel).text.splitlines() if "Z, A" in row)
    assert line.count(str(plain)) == 2


@given(
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.integers(0, 2),
)
def test_a_pixel_s_influence_is_torch_s_input_gradient_of_ones(
    size: tuple[int, int], kernel: tuple[int, int], padding: int
) -> None:
    """A12."""
    x = torch.zeros(1, 1, *size, requires_grad=True)
    z = F.conv2d(x, torch.ones(1, 1, *kernel), padding=padding)
    assert torch.equal(reached(size, kernel, padding).float(), grad(z.sum(), x)[0][0, 0])


@FEW
@given(seed=SEEDS, size=st.tuples(st.integers(3, 6), st.integers(3, 6)), data=st.data())
def test_one_placement_and_all_of_them_are_torch_s(seed: int, size: tuple[int, int], data: st.DataObject) -> None:
    A, W = drawn(seed, *size), drawn(seed + 1, data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)))
    z = F.conv2d(A[None, None], W[None, None])[0, 0]
    at = tuple(data.draw(st.integers(0, n - 1)) for n in z.shape)
    assert same(tensors(placement(A, W, at))["Z"], z[at])


@FEW
@given(size=st.tuples(st.integers(3, 9), st.integers(3, 9)), steps=st.integers(1, 4))
def test_the_rows_that_a_stride_leaves_unread_get_no_gradient(size: tuple[int, int], steps: int) -> None:
    """A13."""
    x = torch.zeros(1, 1, *size, requires_grad=True)
    z = F.conv2d(x, torch.ones(1, 1, 3, 2), stride=steps)
    reached_by = grad(z.sum(), x)[0][0, 0]
    text = stride(size, (3, 2), (steps,)).text
    for name, axis in (("rows   ", 1), ("columns", 0)):
        unread = (reached_by.sum(axis) == 0).nonzero().flatten().tolist()
        (line,) = (line for line in text.splitlines() if f"{name} o" in line)
        assert line.endswith(f"unread: {', '.join(map(str, unread))}, counted from 0" if unread else "all of them read")
        assert f"= {z.shape[3 - axis]};" in line


@FEW
@given(seed=SEEDS, size=st.tuples(st.integers(2, 5), st.integers(2, 5)), data=st.data())
def test_the_passes_are_torch_s_and_the_full_convolution_is_the_input_gradient(
    seed: int, size: tuple[int, int], data: st.DataObject
) -> None:
    """B4 to B6."""
    kernel = tuple(data.draw(st.integers(1, n)) for n in size)
    A, W = drawn(seed, *size), drawn(seed + 1, *kernel)
    leaves = [t.clone().requires_grad_() for t in (A[None, None], W[None, None], torch.tensor([2.0]).double())]
    z = F.conv2d(*leaves)
    dZ = drawn(seed + 2, *z.shape[2:])
    dA, dW, db = grad(z, leaves, dZ[None, None])
    found = numbers(A, W, 2.0, dZ)
    for ours, theirs in ((found.Z, z), (found.dA, dA), (found.dW, dW), (found.db, db)):
        assert torch.equal(ours.flatten(), theirs.detach().flatten())
    assert same(tensors(full(A, W, dZ))["dA"], dA)


@FEW
@given(
    seed=SEEDS, size=st.tuples(st.integers(2, 5), st.integers(2, 5)), kernel=st.integers(1, 2), step=st.integers(1, 3)
)
def test_max_pooling_and_its_mask_are_torch_s(seed: int, size: tuple[int, int], kernel: int, step: int) -> None:
    """B8, B9."""
    A = drawn(seed, *size, low=5)  # ties are common
    leaf = A[None].clone().requires_grad_()
    z = F.max_pool2d(leaf, kernel, step)
    assert same(tensors(max_pooling(A, kernel, step))["Z"], z)
    dZ = drawn(seed + 1, *z.shape[1:])
    (dA,) = grad(z, leaf, dZ[None])
    text = mask(A, dZ, kernel, step).text
    _, winners = F.max_pool2d(A[None], kernel, step, return_indices=True)
    places = [divmod(n, size[1]) for n in winners.flatten().tolist()]
    assert re.findall(r"goes to dA\[(\d),(\d)\]", text) == [(str(r), str(c)) for r, c in places]
    _, first, *lines = text.splitlines()
    column = first.index("dA = ") + 5  # the last of four matrices side by side
    printed = [[float(value) for value in line[column:].split()] for line in (first, *lines[: size[0] - 1])]
    assert printed == dA[0].tolist()


@FEW
@given(seed=SEEDS, size=st.tuples(st.integers(3, 9), st.integers(3, 9)), name=st.sampled_from(list(FILTERS)))
def test_a_filter_s_sums_are_torch_s_normalised_and_cut(seed: int, size: tuple[int, int], name: str) -> None:
    """A7."""
    grey = drawn(seed, *size, low=0)
    found = response(grey, FILTERS[name])
    sums = F.conv2d(grey[None, None], FILTERS[name][None, None].double())[0, 0]
    assert torch.equal(found.sums, sums)
    if sums.max() > sums.min():
        normalised = (sums - sums.min()) / (sums.max() - sums.min())
        assert torch.allclose(found.normalised, normalised) and torch.equal(found.marked, found.normalised > 0.6)


@pytest.mark.parametrize("name", FILTERS)
def test_a_constant_picture_has_nothing_to_mark(name: str) -> None:
    """A7: 0 for K1 to K3, itself for K4."""
    found = response(torch.full((6, 8), 77.7).double(), FILTERS[name])
    assert torch.allclose(found.sums, torch.full((4, 6), 77.7 * (name == "K4")).double(), atol=1e-9)
    assert not found.marked.any() and not found.normalised.any()


# ----------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: filter_gallery(torch.ones(3, 2, 9)), "a picture of 2 x 9 pixels has no place for a kernel of 3 x 3"),
        (lambda: filter_gallery(torch.ones(5, 5)), r"a picture is a tensor \(3, H, W\), not \(5, 5\)"),
        (lambda: filter_gallery(kernels={"a": torch.tensor([[torch.nan]])}), "kernel a must be a tensor .* of finite"),
        (lambda: filter_gallery(kernels={"a": torch.ones(0, 2)}), "kernel a must be a tensor .* at least one"),
        (lambda: filter_gallery(threshold=1.5), "the threshold must lie between 0 and 1.*not at 1.5"),
        (lambda: filter_gallery(threshold=float("nan")), "the threshold must lie between 0 and 1.*not at nan"),
        (lambda: placement(at=(3, 0)), r"there are 3 x 3 placements, counted from 0, and none at \(3, 0\)"),
        (lambda: placement(torch.ones(2, 2)), "the kernel spans"),
        (lambda: influence((2, 2)), "the kernel spans"),
        (lambda: stride(strides=(0,)), "the stride is 0; it is at least 1"),
        (lambda: volumes(size=(3, 3)), "there is no such convolution: .* smaller kernel"),
        (lambda: volumes(filters=0), "must be at least 1"),
        (lambda: dimensions(samples=0), "samples must be at least 1, not 0"),
        (lambda: passes(dZ=torch.ones(1, 2)), r"dZ has the shape \(1, 2\), and Z has \(2, 2\)"),
        (lambda: mask(dZ=torch.ones(3, 2)), r"dZ has the shape \(3, 2\), and Z has \(2, 2\)"),
        (lambda: stride(strides=()), "no stride to show: give one or more"),
        (lambda: filter_gallery(torch.zeros(3, 9, 9), {}), "no kernel to show: give one or more by name"),
    ],
)
def test_what_makes_no_figure_is_said_in_a_sentence(call, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_a_picture_of_one_s_own_pixels_is_drawn() -> None:
    found = image(drawn(0, 3, 4, 5, low=0).to(torch.uint8))
    assert "3 x 4 x 5 = 60 numbers" in found.text
    assert found._repr_png_()
