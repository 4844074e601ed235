"""From a photograph or a scan of one digit to the 28×28 image that MNIST would have made of it.

    I               grey levels of the file, 0 black to 1 white
    B               the paper: a polynomial of degree 2 in row and column, since light falls off to one side
    R = ±(B − I)    above 0 is ink: the sign is the third moment's, for ink is the lesser part, all on one side
    M = R > t       t is halfway between the mean of what is above it and the mean of what is below it; hairlines that
                    join what it finds are added, specks are dropped
    D               the box of M scaled to fit 20×20 in its proportions, its centre of mass in the middle of 28×28

Source: LeCun, Cortes and Burges, the page of the MNIST database: 20×20 with the grey levels of anti-aliasing, then
28×28 by the centre of mass.  Threshold: Ridler and Calvard 1978.
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy import ndimage
from torch import Tensor

from train.errors import BlankPicture, NotAPicture

SIDE, BOX = 28, 20
LONGEST = 400  # pixels of the longer side that the ink is looked for in
COARSE = 48  # pixels of a side that the paper is fitted to
ROUNDS = 20  # of the fit, in each of which what lies far off weighs less
CONTRAST = 0.06  # of black to white: the least that is ink
NOISES = 6.0  # times the noise of the paper: the least that is ink
FAINT = 0.5  # of the threshold: what is as dark as this and joins a stroke is of it
SPECK = 0.08  # of the largest stroke's area: less is no part of a digit
THINNEST = 0.085  # of the digit's height: MNIST's pens are no finer

Picture = NDArray[np.float64]


def read(path: Path) -> Picture:
    """Grey levels of an image file, 0 to 1, upright and no larger than is needed.  Raises ``NotAPicture``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.draft("L", (2 * LONGEST, 2 * LONGEST))  # a JPEG of a camera is decoded at a fraction of its size
                image.load()
                return grey(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise NotAPicture(f"{path} is no image that can be read, or an unknown kind of one.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NotAPicture(f"{path} is too large an image: {error}") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:  # Pillow raises SyntaxError for a broken PNG
        reason = getattr(error, "strerror", None) or error
        raise NotAPicture(f"The image {path} cannot be read: {reason}.") from error


def grey(image: Image.Image) -> Picture:
    """Grey levels from 0 to 1; what is see-through shows the paper, and where all has one colour it is the ink."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        levels = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
        span = float(np.ptp(levels))
        return _within((levels - levels.min()) / span if span else np.zeros_like(levels))
    if "A" in image.getbands() or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA"), dtype=np.float64) / 255
        cover, light = rgba[..., 3], np.asarray(image.convert("RGBA").convert("L"), dtype=np.float64) / 255
        if np.ptp(cover):
            seen = light[cover > 0.5]
            paper = 0.0 if seen.size and seen.mean() > 0.5 else 1.0
            return _within(cover * light + (1 - cover) * paper)
    return _within(np.asarray(image.convert("L"), dtype=np.float64) / 255)


def _within(levels: Picture) -> Picture:
    """Reduced to `LONGEST` by averaging, which also takes noise away."""
    longer = max(levels.shape)
    if longer <= LONGEST:
        return levels
    size = tuple(max(1, round(n * LONGEST / longer)) for n in levels.shape)
    return _resized(levels, (size[0], size[1]))


def _resized(levels: Picture, size: tuple[int, int]) -> Picture:
    """Of (rows, columns), anti-aliased."""
    image = Image.fromarray(levels.astype(np.float32))
    return np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR), dtype=np.float64)


def paper(levels: Picture) -> Picture:
    """B: a polynomial of degree 2, fitted so that ink counts for little (weights 1 / |residual|)."""
    coarse = _resized(levels, (min(COARSE, levels.shape[0]), min(COARSE, levels.shape[1])))
    powers, values = _powers(coarse.shape), coarse.flatten()
    rows, columns = (np.abs(np.linspace(-1, 1, n)) for n in coarse.shape)
    # A first guess by the rim, where paper is likelier than ink.
    weights = np.where(np.maximum.outer(rows, columns).flatten() > 0.8, 1.0, 0.01)
    for _ in range(ROUNDS):
        root = np.sqrt(weights)
        factors = np.linalg.lstsq(powers * root[:, None], values * root, rcond=None)[0]
        weights = 1 / np.maximum(np.abs(values - powers @ factors), 1e-3)
    return (_powers(levels.shape) @ factors).reshape(levels.shape)


def _powers(shape: tuple[int, ...]) -> Picture:
    """1, r, c, r², r c, c² of every pixel, with r and c from -1 to 1."""
    r, c = (grid.flatten() for grid in np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    return np.stack([np.ones_like(r), r, c, r * r, r * c, c * c], axis=1)


def ink(levels: Picture) -> Picture:
    """R, from 0, no ink, to 1; what is no stroke of the digit is 0.  Raises ``BlankPicture``."""
    if min(levels.shape) < 3:
        raise BlankPicture(f"it is of {levels.shape[0]}×{levels.shape[1]} pixels, too few to show a digit")
    smooth = ndimage.median_filter(levels, 3) if min(levels.shape) > 2 * SIDE else levels
    residual = paper(smooth) - smooth
    residual *= 1.0 if (residual**3).sum() >= 0 else -1.0
    noise = 1.4826 * float(np.median(np.abs(residual - np.median(residual))))
    peak = float(np.quantile(residual, 1 - min(0.002, 9 / residual.size)))
    least = max(CONTRAST, min(NOISES * noise, 0.5))
    if peak < least:
        raise BlankPicture(
            f"nothing in it stands out from its paper: by {peak:.2f} of black to white, needed {least:.2f}"
        )
    threshold = _halfway(residual, peak)
    # Hairlines are fainter than the strokes that they join.
    faint = residual > max(FAINT * threshold, 3 * noise)
    strokes = _strokes(ndimage.binary_propagation(residual > threshold, np.ones((3, 3)), faint))
    full = float(np.quantile(residual[strokes], 0.6))
    around = ndimage.binary_dilation(strokes)  # the grey edge of a stroke belongs to it
    return np.where(around, np.clip(residual / full, 0, 1), 0.0)


def _halfway(residual: Picture, peak: float) -> float:
    """The threshold between two means."""
    threshold = peak / 2
    for _ in range(30):
        above, below = residual[residual > threshold], residual[residual <= threshold]
        if not above.size or not below.size:
            break
        threshold = (float(above.mean()) + float(below.mean())) / 2
    return min(threshold, 0.7 * peak)


def _strokes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without specks, and without what reaches in from the rim where something else lies free."""
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    areas = np.bincount(labels.flatten(), minlength=count + 1)
    areas[0] = 0
    rim = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    free = areas.copy()
    free[rim] = 0
    if free.max() >= SPECK * areas.max():
        areas = free
    found: NDArray[np.bool_] = (areas >= max(SPECK * areas.max(), 1))[labels]
    return found


def centred(drawn: Picture) -> Tensor:
    """D, uint8 of 28×28: ink in a box of 20×20, its centre of mass in the middle."""
    rows, columns = (np.flatnonzero((drawn > 0.25).any(axis)) for axis in (1, 0))
    digit = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    digit = _thickened(digit)
    scale = BOX / max(digit.shape)
    size = tuple(max(1, round(n * scale)) for n in digit.shape)
    small = np.clip(_resized(digit, (size[0], size[1])), 0, 1)
    small /= max(float(small.max()), 1e-9)
    around = np.pad(small, SIDE)
    r, c = (round(float(at)) for at in ndimage.center_of_mass(around))
    half = SIDE // 2
    return torch.from_numpy(np.rint(255 * around[r - half : r + half, c - half : c + half]).astype(np.uint8))


def _thickened(digit: Picture) -> Picture:
    """A pen finer than MNIST's is made as wide: twice the distance from a stroke's middle to its edge is its width."""
    digit = np.pad(digit, max(1, max(digit.shape) // 12))
    depth = ndimage.distance_transform_edt(digit > 0.5)
    ridge = depth[(depth > 0) & (depth == ndimage.maximum_filter(depth, 3))]
    width = 2 * float(np.median(ridge)) - 1 if ridge.size else 1.0
    lacking = THINNEST * max(digit.shape) - width
    if lacking > 1:
        size = 1 + 2 * round(lacking / 2)
        disc = np.hypot(*np.meshgrid(np.arange(size) - size // 2, np.arange(size) - size // 2)) <= size / 2
        digit = ndimage.grey_dilation(digit, footprint=disc)
    rows, columns = (np.flatnonzero((digit > 0.25).any(axis)) for axis in (1, 0))
    return digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def as_mnist(path: Path) -> Tensor:
    """The digit of an image file as MNIST has it: uint8 of 28×28, ink 255.

    Raises ``NotAPicture`` for what is no image and ``BlankPicture`` for one without ink.
    """
    try:
        return centred(ink(read(path)))
    except BlankPicture as error:
        raise BlankPicture(f"{path} shows no digit: {error}.") from None
