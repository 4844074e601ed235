"""Pictures as tensors: a file read by Pillow, one drawn here, and grey levels from colours.

    grey = 0.2989 R + 0.5870 G + 0.1140 B

A grey picture is ``(H, W)``, a coloured one ``(3, H, W)``, the numbers whole from 0, dark, to 255, bright.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, figure 2; ITU-R BT.601 for the weights.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image

LUMA = (0.2989, 0.5870, 0.1140)
#: Of the longer side of a picture that is read to be shown: an edge of one pixel is still seen.
LONGEST = 480


def luma(pixels: Tensor) -> Tensor:
    """Grey levels of a coloured picture: ``(3, H, W)`` → ``(H, W)`` in float64."""
    return torch.einsum("chw,c->hw", pixels.double(), torch.tensor(LUMA, dtype=torch.float64))


class Picture(NamedTuple):
    """A picture that was read.

    Attributes:
        pixels: ``(3, H, W)`` uint8.
        size: H and W of the file; larger than the pixels' where it was reduced.
    """

    pixels: Tensor
    size: tuple[int, int]


def read(path: str | Path, longest: int = LONGEST) -> Picture:
    """The pixels of `opened`; what is larger is reduced.

    Args:
        path: a file that Pillow reads.
        longest: pixels of the longer side, at most.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it holds no picture, a damaged one, or one that is too large.
    """
    from PIL import Image

    colours = opened(path)
    size = (colours.height, colours.width)
    colours.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return Picture(pixels(colours), size)


def opened(path: str | Path) -> Image:
    """A picture file in colours, upright; what is see-through lies on white.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it holds no picture, a damaged one, or one that is too large.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                picture.load()
                return rgb(ImageOps.exif_transpose(picture))
    except UnidentifiedImageError:
        raise ValueError(
            f"{path} holds no picture that Pillow reads: it reads PNG, JPEG, BMP, GIF, TIFF, WebP"
        ) from None
    except Exception as error:  # each of Pillow's decoders has its own
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise ValueError(f"the picture {path} cannot be read: {error}") from None


def rgb(picture: Image) -> Image:
    """Three bytes a pixel; 16 bits become 8."""
    import numpy as np
    from PIL import Image

    if picture.mode.startswith("I"):
        levels = (np.asarray(picture, dtype=np.float64) / 257).clip(0, 255).astype(np.uint8)
        picture = Image.fromarray(levels)
    paper = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(paper, picture.convert("RGBA")).convert("RGB")


def pixels(picture: Image) -> Tensor:
    """Of a picture of three bytes a pixel: ``(3, H, W)`` uint8."""
    import numpy as np

    return torch.from_numpy(np.array(picture)).movedim(-1, 0).contiguous()


def house(size: int = 160) -> Tensor:
    """A house under the sun, drawn here: edges of every direction, corners and a round; ``(3, size, size)`` uint8."""
    from PIL import Image, ImageDraw, ImageFilter

    picture = Image.new("RGB", (200, 200), (164, 203, 232))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 150, 200, 200), fill=(96, 150, 80))
    draw.ellipse((140, 15, 185, 60), fill=(250, 220, 90))
    draw.rectangle((45, 90, 140, 170), fill=(232, 214, 190))
    draw.polygon([(30, 92), (92, 35), (155, 92)], fill=(160, 60, 45))
    draw.rectangle((58, 105, 84, 131), fill=(60, 80, 110))
    draw.line((71, 105, 71, 131), fill=(232, 214, 190), width=3)
    draw.line((58, 118, 84, 118), fill=(232, 214, 190), width=3)
    draw.rectangle((100, 112, 124, 170), fill=(92, 60, 40))
    draw.rectangle((168, 105, 176, 165), fill=(92, 60, 40))
    draw.ellipse((150, 70, 194, 122), fill=(50, 110, 60))
    smooth = picture.filter(ImageFilter.SMOOTH).resize((size, size), Image.Resampling.LANCZOS)
    return pixels(smooth)
