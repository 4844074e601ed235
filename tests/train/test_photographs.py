"""An image file becomes what MNIST would have made of it, whatever its polarity, size, light, place and format."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from tests.drawn.digits import FONTS, SIZES, Drawn
from train import data, photographs
from train.errors import BlankPicture, NotAPicture, PictureError
from train.photographs import BOX, SIDE, as_mnist

DRAWN = st.builds(Drawn, st.integers(0, 9), st.sampled_from(FONTS), st.sampled_from(SIZES[:2]), st.booleans())
TEST = data.load(None).test


def seen(image: Image.Image, folder: Path, name: str = "image.png", **options: object) -> torch.Tensor:
    """What the network sees of an image on disk."""
    image.save(folder / name, **options)
    return as_mnist(folder / name)


def difference(a: torch.Tensor, b: torch.Tensor) -> float:
    """The share of the ink that lies elsewhere, a pixel to any side allowed: 0 the same, 2 nothing in common."""
    moved = (torch.roll(a, (r, c), (0, 1)).double() for r in (-1, 0, 1) for c in (-1, 0, 1))
    return min(float((m - b.double()).abs().sum() / max(m.sum(), b.double().sum())) for m in moved)


@settings(max_examples=40)
@given(drawn=DRAWN)
def test_a_digit_fills_its_box_with_its_mass_in_the_middle(
    drawn: Drawn, tmp_path_factory: pytest.TempPathFactory
) -> None:
    image = seen(drawn.image(), tmp_path_factory.mktemp("images"))
    assert (image.dtype, image.shape) == (torch.uint8, (SIDE, SIDE))
    assert image.max() == 255
    rows, columns = (torch.nonzero(image.amax(axis) > 96).flatten() for axis in (1, 0))
    assert BOX - 2 <= max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 <= BOX
    assert ndimage.center_of_mass(image.numpy()) == pytest.approx((SIDE / 2,) * 2, abs=1)


@settings(max_examples=8)
@given(drawn=DRAWN)
def test_in_bad_light_a_digit_is_nearest_to_itself(drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of the ten of its font, drawn in even light and without noise."""
    folder, image = tmp_path_factory.mktemp("images"), drawn.image()
    ten = [seen(replace(drawn, digit=digit).image(spread=0, noise=0), folder) for digit in range(10)]
    distances = [difference(seen(image, folder), each) for each in ten]
    assert distances.index(min(distances)) == drawn.digit


@settings(max_examples=40)
@given(drawn=DRAWN)
def test_the_polarity_changes_nothing(drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, image = tmp_path_factory.mktemp("images"), drawn.image()
    assert difference(seen(image, folder), seen(Image.fromarray(255 - np.asarray(image)), folder)) < 0.01


@pytest.mark.parametrize("made", ["as it is", "black on white", "eight times", "grey on grey"])
def test_a_digit_of_mnist_is_left_as_it_is(made: str, tmp_path: Path) -> None:
    for image in TEST.images[:40]:
        levels = image.numpy()
        picture = {
            "as it is": Image.fromarray(levels),
            "black on white": Image.fromarray(255 - levels),
            "eight times": Image.fromarray(levels).resize((8 * SIDE,) * 2, Image.Resampling.BICUBIC),
            "grey on grey": Image.fromarray((150 - 0.3 * levels).astype(np.uint8)),
        }[made]
        assert difference(seen(picture, tmp_path), image) < (0.5 if made == "eight times" else 0.25)


def test_every_kind_of_file_gives_the_same(tmp_path: Path) -> None:
    drawn = Drawn(4, "DejaVuSans", 150, False).image(noise=0)
    expected = seen(drawn, tmp_path)
    for name, image, options in (
        ("grey.jpg", drawn, {"quality": 95}),
        ("colour.png", drawn.convert("RGB"), {}),
        ("palette.gif", drawn.convert("P"), {}),
        ("one-bit.png", drawn.point(lambda level: 255 * (level > 80), "1"), {}),
        ("deep.png", Image.fromarray(np.asarray(drawn).astype(np.uint16) * 200), {}),
        (
            "turned.jpg",
            drawn.rotate(90),
            {"quality": 95, "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"},
        ),
    ):
        assert difference(seen(image, tmp_path, name, **options), expected) < 0.2, name


@pytest.mark.parametrize("ink", [0, 255])
def test_where_ink_lies_on_nothing_the_paper_is_the_other_colour(ink: int, tmp_path: Path) -> None:
    page = np.asarray(Drawn(3, "DejaVuSerif", 150, True).image(spread=0, noise=0))
    expected = seen(Image.fromarray(page), tmp_path)
    cover = np.where(page > 128, 255, 0).astype(np.uint8)
    layers = np.stack([np.full_like(page, ink)] * 3 + [cover], axis=-1)
    assert difference(seen(Image.fromarray(layers, "RGBA"), tmp_path), expected) < 0.2


def test_a_fine_pen_is_made_as_wide_as_mnist_s(tmp_path: Path) -> None:
    page = np.full((300, 300), 255, np.uint8)
    page[50:250, 149:151] = 0
    image = seen(Image.fromarray(page), tmp_path)
    assert float(image.double().sum()) / 255 / BOX == pytest.approx(2, abs=0.8)


def test_specks_and_the_edge_of_the_table_are_no_strokes(tmp_path: Path) -> None:
    clean = np.asarray(Drawn(7, "DejaVuSans", 150, False).image(spread=0, noise=0))
    dirty = clean.copy()
    dirty[3:5, 70:72] = 30
    dirty[:, :2] = 10
    assert difference(seen(Image.fromarray(dirty), tmp_path), seen(Image.fromarray(clean), tmp_path)) < 0.1


@pytest.mark.parametrize(
    ("contents", "error", "words"),
    [
        (b"", NotAPicture, "no image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), NotAPicture, "cannot be read|no image"),
        (b"<!doctype html>", NotAPicture, "no image"),
        (None, NotAPicture, "No such file"),
    ],
)
def test_what_is_no_image_is_refused_by_name(
    contents: bytes | None, error: type[PictureError], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.png"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(error, match=words) as raised:
        as_mnist(path)
    assert str(path) in str(raised.value)


def test_a_truncated_image_and_a_bomb_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.jpg"
    Drawn(2, "cmss10", 500, False).image().save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(NotAPicture, match="cannot be read"):
        as_mnist(path)
    Image.new("L", (200, 200)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30_000)
    with pytest.raises(NotAPicture, match="too large"):
        as_mnist(path)


def test_numbers_that_are_none_are_paper(tmp_path: Path) -> None:
    levels = np.zeros((90, 90), np.float32)
    levels[20:70, 40:46] = 1
    expected = seen(Image.fromarray(levels), tmp_path, "whole.tif")
    levels[5, 5:8] = np.nan, np.inf, -np.inf
    assert torch.equal(seen(Image.fromarray(levels), tmp_path, "spoiled.tif"), expected)


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("noise", [0, 8])
def test_a_blank_image_shows_no_digit(level: int, noise: int, tmp_path: Path) -> None:
    page = level + noise * np.random.default_rng(0).standard_normal((120, 160))
    with pytest.raises(BlankPicture, match="shows no digit: nothing in it stands out"):
        seen(Image.fromarray(page.clip(0, 255).astype(np.uint8)), tmp_path)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 500), (3, 3), (4000, 5)])
def test_an_odd_size_is_a_digit_or_a_sentence(size: tuple[int, int], tmp_path: Path) -> None:
    page = np.full(size, 255, np.uint8)
    page[size[0] // 2, size[1] // 2] = 0
    with suppress(BlankPicture):
        assert seen(Image.fromarray(page), tmp_path).max() == 255


def test_the_work_is_bounded_whatever_the_file_s_size(tmp_path: Path) -> None:
    levels = photographs.grey(Image.new("L", (3000, 200)))
    assert levels.shape == (round(200 * photographs.LONGEST / 3000), photographs.LONGEST)
