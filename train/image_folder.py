"""Folders of images, a sub-folder a class: with train/, test/ and perhaps val/ in it, or one that is split here.

A folder is split by the SHA-256 of each file's path inside it, so that a file stays where it is whatever joins it: of
ten, one tests, one validates and eight train.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from train.data import Mnist, Split
from train.errors import BlankImages, EmptyFile, MissingFile, TooFewImages, UnreadableFile
from train.image_kind import ImageKind

PREFIX = "folder:"
SIDE = 28  # pixels, unless told otherwise
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
GREY = ("1", "L", "LA", "I", "I;16")
SHARES = 10  # of which one tests and one validates
Labelled = list[tuple[Path, int]]


def read(path: Path, channels: int | None, side: int) -> Tensor:
    """(side, side) or (3, side, side) uint8; None: grey if the file is.  What is see-through is white.

    Raises ``UnreadableFile``.
    """
    try:
        with Image.open(path) as image:
            image.load()
            upright = ImageOps.exif_transpose(image)
    except Exception as error:  # Pillow's decoders have one each
        reason = getattr(error, "strerror", None) or error
        raise UnreadableFile(f"The image {path} cannot be read: {reason}.".replace("..", ".")) from error
    count = channels or (1 if upright.mode in GREY else 3)
    if upright.mode.startswith("I"):  # 16 bits, which Pillow would clip
        upright = Image.fromarray((np.asarray(upright, dtype=np.float64) / 257).clip(0, 255).astype(np.uint8))
    if "A" in upright.getbands() or "transparency" in upright.info:  # `convert` would leave what lies below it
        paper = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(paper, upright.convert("RGBA"))
    picture = upright.convert("L" if count == 1 else "RGB").resize((side, side), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(picture))
    return pixels if count == 1 else pixels.movedim(-1, 0).contiguous()


def images_below(folder: Path) -> list[Path]:
    """The images in a folder and its sub-folders, by name, but for hidden ones, as macOS leaves beside each."""
    inside = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    return [path for path in inside if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def load(folder: Path, channels: int | None, side: int | None) -> Mnist:
    """Read a whole folder.  Raises a subclass of ``DataError``."""
    if not folder.is_dir():
        raise MissingFile(f"The image folder {folder} does not exist or is not a folder.")
    labels, parts = _divided(folder) if (folder / "train").is_dir() else _split(folder)
    for name in ("train", "test"):
        if not parts[name]:
            raise TooFewImages(f"{folder} leaves no images to {name} with: put more there, or sub-folders train, test.")
    read_in = {name: [read(path, channels, side or SIDE) for path, _ in files] for name, files in parts.items()}
    deepest = max(image.dim() for images in read_in.values() for image in images)
    splits = {
        name: Split(_stacked(images, deepest), torch.tensor([label for _, label in parts[name]]))
        for name, images in read_in.items()
        if images
    }
    kind = measured(labels, splits["train"].images, str(folder))
    digest = hashlib.sha256(" ".join(labels).encode())
    for name, split in splits.items():
        digest.update(name.encode() + split.images.numpy().tobytes() + split.labels.numpy().tobytes())
    return Mnist(splits["train"], splits["test"], str(folder), False, digest.hexdigest(), kind, splits.get("val"))


def measured(labels: tuple[str, ...], images: Tensor, where: str) -> ImageKind:
    """The kind of training images (N, H, W) or (N, C, H, W).  Raises ``BlankImages`` where all are of one colour."""
    x = images if images.dim() == 4 else images.unsqueeze(1)
    moments = [_moments(x[:, c]) for c in range(x.shape[1])]
    mean, deviation = (tuple(round(pair[n], 4) for pair in moments) for n in (0, 1))
    if not all(d > 0 for d in deviation):
        raise BlankImages(f"The training images in {where} are all of one colour.")
    _, channels, rows, columns = x.shape
    return ImageKind(labels, (channels, rows, columns), mean, deviation)


def _moments(pixels: Tensor) -> tuple[float, float]:
    """Mean and deviation on a scale of 1, from how often each of the 256 levels is."""
    counts, levels = torch.bincount(pixels.flatten(), minlength=256).double(), torch.arange(256).double() / 255
    mean = (counts * levels).sum() / counts.sum()
    return float(mean), float(((counts * (levels - mean) ** 2).sum() / (counts.sum() - 1).clamp_min(1)).sqrt())


def _stacked(images: list[Tensor], dims: int) -> Tensor:
    return torch.stack([image if image.dim() == dims else image.expand(3, -1, -1) for image in images])


def _divided(folder: Path) -> tuple[tuple[str, ...], Mapping[str, Labelled]]:
    labels = _classes(folder / "train")
    parts = {name: _files(folder / name, labels) for name in ("train", "val", "test")}
    return labels, parts


def _split(folder: Path) -> tuple[tuple[str, ...], Mapping[str, Labelled]]:
    labels = _classes(folder)
    parts: dict[str, Labelled] = {"train": [], "val": [], "test": []}
    for path, label in _files(folder, labels):
        digest = hashlib.sha256(path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")).digest()
        parts[{0: "test", 1: "val"}.get(int.from_bytes(digest[:8], "big") % SHARES, "train")].append((path, label))
    return labels, parts


def _classes(folder: Path) -> tuple[str, ...]:
    found = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")))
    if not found:
        raise EmptyFile(
            f"The image folder {folder} holds no classes: put the images of each into a folder of its name."
        )
    if len(found) == 1:
        raise TooFewImages(f"{folder} holds one class only, {found[0]}: there is nothing to tell it from.")
    return found


def _files(folder: Path, labels: tuple[str, ...]) -> Labelled:
    """Every image below the classes' folders, by name."""
    if not folder.is_dir():
        return []
    strange = sorted({p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")} - {*labels})
    if strange:
        raise MissingFile(f"{folder} holds the class {strange[0]}, of which there is no training image.")
    found: Labelled = []
    for label, name in enumerate(labels):
        paths = images_below(folder / name)
        if not paths:
            raise EmptyFile(f"{folder / name} holds no image; known endings are {', '.join(SUFFIXES)}.")
        found += [(path, label) for path in paths]
    return found
