"""Pictures are read whatever their kind, upright and reduced; what is none is said; colours become grey."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from manualconv.explain import filter_gallery, photograph
from manualconv.explain.photograph import house, luma

SEEDS = st.integers(0, 2**32)


@given(seed=SEEDS)
def test_luma_weighs_the_colours_as_pillow_does(seed: int) -> None:
    """A1: Pillow's weights are the same to three digits."""
    colours = torch.randint(0, 256, (3, 4, 5), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    grey = luma(colours)
    red, green, blue = colours.double()
    assert torch.allclose(grey, 0.2989 * red + 0.5870 * green + 0.1140 * blue, rtol=1e-14)
    theirs = np.asarray(Image.fromarray(colours.movedim(0, -1).numpy()).convert("L"))
    assert np.abs(grey.numpy() - theirs).max() <= 1


@pytest.mark.parametrize(
    ("mode", "suffix"), [("RGB", "png"), ("L", "png"), ("RGBA", "png"), ("P", "gif"), ("1", "bmp"), ("I;16", "png")]
)
def test_a_picture_is_read_whatever_its_kind(mode: str, suffix: str, tmp_path: Path) -> None:
    picture = Image.fromarray(house(20).movedim(0, -1).numpy())
    if mode == "I;16":
        levels = np.asarray(picture.convert("L")).astype(np.uint16) * 257
        picture = Image.fromarray(levels)
    else:
        picture = picture.convert(mode)
    picture.save(tmp_path / f"a.{suffix}")
    pixels = photograph.read(tmp_path / f"a.{suffix}").pixels
    assert (pixels.shape, pixels.dtype) == ((3, 20, 20), torch.uint8)
    if mode in ("RGB", "RGBA"):
        assert torch.equal(pixels, house(20))
    if mode in ("L", "I;16"):
        assert (luma(pixels) - luma(house(20))).abs().max() <= 1


def test_what_is_see_through_lies_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 3), (10, 20, 30, 0)).save(tmp_path / "a.png")
    assert photograph.read(tmp_path / "a.png").pixels.unique().tolist() == [255]


def test_a_picture_lies_upright(tmp_path: Path) -> None:
    """A camera writes how it was held into the file."""
    picture, exif = Image.new("RGB", (4, 3)), Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert photograph.read(tmp_path / "a.jpg").pixels.shape == (3, 4, 3)


def test_a_large_picture_is_reduced_and_that_is_said(tmp_path: Path) -> None:
    Image.new("L", (1000, 500), 90).save(tmp_path / "a.png")
    found = photograph.read(tmp_path / "a.png")
    assert (found.pixels.shape, found.size) == ((3, 240, 480), (500, 1000))
    text = filter_gallery(tmp_path / "a.png").text
    assert "a.png: 240 x 480 pixels, reduced from 500 x 1000" in text
    assert "sums 238 x 478, all of them 89.991: nothing to mark" in text  # the weights add up to 0.9999


def test_what_is_no_picture_is_said(tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("no picture", encoding="utf-8")
    with pytest.raises(ValueError, match=r"words.png holds no picture that Pillow reads"):
        photograph.read(tmp_path / "words.png")
    Image.fromarray(house().movedim(0, -1).numpy()).save(tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:2000])
    with pytest.raises(ValueError, match=r"the picture .*half.png cannot be read"):
        photograph.read(tmp_path / "half.png")
    with pytest.raises(FileNotFoundError):
        photograph.read(tmp_path / "none.png")
    with pytest.raises(IsADirectoryError):
        photograph.read(tmp_path)


def test_a_picture_of_too_many_pixels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(house(20).movedim(0, -1).numpy()).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(ValueError, match=r"a.png cannot be read: Image size \(400 pixels\) exceeds"):
        photograph.read(tmp_path / "a.png")
