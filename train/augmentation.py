r"""What an epoch makes of an image before the network sees it: nothing, a shift, or a turn, a scale and a shift.

How an image is changed is a pure function of (seed, epoch, its number in the split): every image has a row of numbers
of its own, drawn for the epoch as a whole. So the batch size, the number of workers and a stop change no image.

``shift`` moves by whole pixels.  ``affine`` looks the output's pixel p, in pixels from the centre, up in the input at

.. math:: q = \frac{1}{s} R(-φ)\,(p - t)

between pixels linearly, with zeros beyond the border: φ the angle, s the scale, t the shift. ``elastic`` adds a smooth
displacement: a coarse grid of random arrows, cubic between its points.

Source: Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual document
analysis", 2003, for both; the coarse grid in place of their blurred noise is cheaper.
"""

import hashlib
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

from train.data import Split

REACH = 2  # pixels a digit may be shifted each way; MNIST leaves a margin of four around every digit
ANGLE = 12.0  # degrees, each way
STRETCH = 0.12  # of the size, each way
POINTS = 4  # of the coarse grid, along each side
PULL = 1.6  # pixels that an arrow may be long along each axis

Look = Callable[[Tensor], Tensor]  # the images' numbers → (B, ..., H, W) uint8


def generator(seed: int, epoch: int, purpose: str) -> torch.Generator:
    """A stream for every (seed, epoch, purpose): hashed, since neighbouring seeds of one generator may correlate."""
    digest = hashlib.sha256(f"{seed} {epoch} {purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def looks(split: Split, augment: str, seed: int, epoch: int) -> Look:
    """How the epoch sees the images: by their numbers, uint8 as they came.

    Args:
        split: the images, (N, H, W) or (N, C, H, W) uint8.
        augment: one of ``train.recipe.AUGMENTATIONS``.
        seed, epoch: with an image's number all that decides how it looks.
    """
    images, count = split.images, len(split)
    if augment == "none":
        return lambda chosen: images[chosen]
    if augment == "shift":
        shifts = torch.randint(0, 2 * REACH + 1, (count, 2), generator=generator(seed, epoch, "shifts"))
        return lambda chosen: shifted(images[chosen], shifts[chosen])
    moves = 2 * torch.rand(count, 4, generator=generator(seed, epoch, "moves")) - 1
    if augment == "affine":
        return lambda chosen: looked_up(images[chosen], *_places(images, moves[chosen]))
    shape = (count, 2, POINTS, POINTS)
    arrows = PULL * (2 * torch.rand(shape, generator=generator(seed, epoch, "arrows")) - 1)
    return lambda chosen: looked_up(images[chosen], *_places(images, moves[chosen], arrows[chosen]))


def shifted(images: Tensor, corners: Tensor) -> Tensor:
    """images: (B, ..., H, W); corners: (B, 2) in 0 … 2·REACH, where REACH leaves the image in place; zeros come in."""
    count, *channels, height, width = images.shape
    framed = images.new_zeros(count, *channels, height + 2 * REACH, width + 2 * REACH)
    framed[..., REACH : REACH + height, REACH : REACH + width] = images
    windows = framed.unfold(-2, height, 1).unfold(-2, width, 1)  # (B, ..., 2·REACH + 1, 2·REACH + 1, H, W), a view
    return windows.movedim((-4, -3), (1, 2))[torch.arange(count), corners[:, 0], corners[:, 1]]


def _places(images: Tensor, moves: Tensor, arrows: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """moves: (B, 4) in ±1; arrows: (B, 2, POINTS, POINTS) pixels → (rows, columns), (B, H, W), from the centre.

    Element-wise arithmetic alone: a matrix product may round otherwise in a batch of another size.
    """
    height, width = images.shape[-2:]
    turn, stretch, down, right = (column[:, None, None] for column in moves.unbind(1))
    angle, scale = math.radians(ANGLE) * turn, 1 + STRETCH * stretch
    sine, cosine = angle.sin() / scale, angle.cos() / scale
    y = (torch.arange(height) - (height - 1) / 2)[:, None] - REACH * down
    x = (torch.arange(width) - (width - 1) / 2)[None, :] - REACH * right
    rows, columns = cosine * y - sine * x, sine * y + cosine * x
    if arrows is not None:
        pulls = interpolate(arrows, (height, width), mode="bicubic", align_corners=True)
        rows, columns = rows + pulls[:, 0], columns + pulls[:, 1]
    return rows, columns


def looked_up(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """images: (B, ..., H, W) uint8; rows, columns: (B, H, W), pixels from the centre → the pixels there, rounded."""
    count, *channels, height, width = images.shape
    grid = torch.stack([columns * (2 / width), rows * (2 / height)], -1)  # torch's: the borders are at ±1
    x = images.reshape(count, math.prod(channels), height, width).float()
    return grid_sample(x, grid, align_corners=False).round_().byte().reshape(images.shape)
