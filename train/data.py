"""MNIST: the embedded files, a folder of the user's, or torchvision's download, checked before anything is trained.

A folder may hold the four raw IDX files (with or without .gz, also under Kaggle's names), torchvision's ``MNIST/raw``,
or the ``MNIST/processed`` of old torchvision versions. The embedded files are verified by the SHA-256 of their
decompressed contents, because gzip headers vary while the contents do not.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor

from train.errors import (
    BlankImages,
    CorruptedFile,
    CountMismatch,
    DataError,
    DownloadFailed,
    EmptyFile,
    LabelOutOfRange,
    MissingFile,
    SwappedFiles,
    TooFewImages,
    TwoFiles,
    WrongImageSize,
)
from train.idx import read_idx
from train.image_kind import MNIST, ImageKind
from train.recipe import HOLDOUT

EMBEDDED = Path(__file__).parent / "mnist"
SIZE = 28
CLASSES = 10
PROCESSED = ("training.pt", "test.pt")
BLOCK = 4096  # images that are resized at a time

SHA256 = {
    "train-images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
CANONICAL = {digest: name for name, digest in SHA256.items()}


@dataclass(frozen=True)
class Split:
    """images: (N, 28, 28) uint8, or (N, H, W) and (N, 3, H, W) once they are `shaped`; labels: (N,) int64 in 0..9."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def first(self, count: int | None) -> "Split":
        """The first ``count`` images, or all of them for None."""
        return Split(self.images[:count], self.labels[:count])


@dataclass(frozen=True)
class Mnist:
    """The training and test sets, whether their bytes are those of MNIST itself, and a digest of all four parts."""

    training: Split
    test: Split
    source: str
    canonical: bool
    digest: str
    kind: ImageKind = MNIST
    validation: Split | None = None  # where the data set has such images


def load(folder: Path | None = None) -> Mnist:
    """Read and check a whole data set: the embedded one for None. Raises a subclass of ``DataError``."""
    if folder is None:
        mnist = _load_raw(EMBEDDED)
        if not mnist.canonical:
            raise CorruptedFile(f"The files in {EMBEDDED} are not MNIST's: their SHA-256 differs; restore them.")
        return mnist
    raw, processed = _layout(folder)
    return _load_raw(raw) if raw else _load_processed(processed or folder)


def shaped(mnist: Mnist, channels: int | None, side: int | None) -> Mnist:
    """The images with so many channels, resized to squares of that side; None: as they are."""
    now = mnist.kind.shape
    wanted = (channels or now[0], side or now[1], side or now[2])
    if wanted == now:
        return mnist
    mean, deviation = (_as_many(numbers, wanted[0]) for numbers in (mnist.kind.mean, mnist.kind.deviation))
    return of_kind(mnist, replace(mnist.kind, shape=wanted, mean=mean, deviation=deviation))


def of_kind(mnist: Mnist, kind: ImageKind) -> Mnist:
    """The images as a network was trained on them."""
    if mnist.kind == kind:
        return mnist
    splits = {n: s for n, s in vars(mnist).items() if isinstance(s, Split)}
    made = {n: Split(images_shaped(s.images, kind.shape), s.labels) for n, s in splits.items()}
    return replace(mnist, **{**vars(mnist), **made, "kind": kind})


def _as_many(numbers: tuple[float, ...], channels: int) -> tuple[float, ...]:
    return numbers if len(numbers) == channels else (sum(numbers) / len(numbers),) * channels


def images_shaped(images: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """images: (N, H, W) or (N, 3, H, W) uint8 → such of ``shape``; grey is the mean of the colours."""
    channels, *size = shape
    if images.dim() == 4 and channels == 1:
        images = torch.cat([part.float().mean(1).round().byte() for part in images.split(BLOCK)])
    if list(images.shape[-2:]) != size:
        images = torch.cat([_resized(part, size) for part in images.split(BLOCK)])
    return images.unsqueeze(1).expand(-1, channels, -1, -1) if images.dim() == 3 and channels > 1 else images


def _resized(images: Tensor, size: list[int]) -> Tensor:
    x = images.unsqueeze(1) if images.dim() == 3 else images
    y = torch.nn.functional.interpolate(x.float(), size, mode="bilinear", antialias=True)
    return y.round().clamp(0, 255).byte().reshape(*images.shape[:-2], *size)


def divided(mnist: Mnist, every: int = HOLDOUT) -> tuple[Split, Split]:
    """Return (to train with, to validate with), the latter without images for 0.  Raises ``TooFewImages``."""
    if not every:
        return mnist.training, mnist.training.first(0)
    return (mnist.training, mnist.validation) if mnist.validation else split_validation(mnist.training, every)


def split_validation(training: Split, every: int = HOLDOUT) -> tuple[Split, Split]:
    """Return (to train with, to validate with): of so many images the last one validates.

    Evenly spaced rather than the last ones, so that files sorted by digit are split fairly too; no seed, so that the
    validation figures of different seeds are about the same images. Raises ``TooFewImages``.
    """
    if len(training) < every:
        raise TooFewImages(f"{len(training)} training images are too few: every {every}th validates.")
    validates = torch.arange(len(training)) % every == every - 1
    return (
        Split(training.images[~validates], training.labels[~validates]),
        Split(training.images[validates], training.labels[validates]),
    )


def download(folder: Path) -> None:
    """Let torchvision download MNIST into ``folder``/MNIST/raw, unless it is there. Raises ``DownloadFailed``."""
    try:
        mnist = import_module("torchvision.datasets").MNIST  # optional, and without type stubs
    except ImportError as error:
        raise DownloadFailed("--download needs torchvision: pip install torchvision.") from error
    try:
        mnist(str(folder), download=True)
    except Exception as error:  # sockets, HTTP, gzip and tar have one each
        reason = " ".join(str(error).split())
        raise DownloadFailed(f"MNIST cannot be downloaded into {folder}: {reason or type(error).__name__}.") from error


def _layout(folder: Path) -> tuple[Path | None, Path | None]:
    """Return (folder of raw files, folder of torchvision's old .pt files), at most one of them None."""
    if not os.path.isdir(folder):  # Path.is_dir raises for a name that is too long
        raise MissingFile(f"The data folder {folder} does not exist or is not a folder.")
    for raw in (folder, folder / "MNIST" / "raw"):
        if any(_candidates(raw, name) for name in SHA256):
            return raw, None
    for processed in (folder / "MNIST" / "processed", folder / "processed"):
        if any(os.path.exists(processed / name) for name in PROCESSED):
            return None, processed
    raise MissingFile(f"{folder} holds no MNIST files: train-images-idx3-ubyte and its three companions, .gz or not.")


def _candidates(folder: Path, name: str) -> list[Path]:
    """The files of that part, e.g. "train-images", under any of its usual names, the one to read first.

    Kaggle's archive holds train-images.idx3-ubyte, and a folder of the dashed name with the same file in it. What is no
    file comes last: it is named in the error where there is nothing else.
    """
    rank = 3 if name.endswith("images") else 1
    dashed, dotted = f"{name}-idx{rank}-ubyte", f"{name}.idx{rank}-ubyte"
    stems = (Path(dashed), Path(dotted), Path(dashed, dashed), Path(dotted, dotted))
    found = [folder / f"{stem}{suffix}" for stem in stems for suffix in ("", ".gz")]
    return sorted(filter(os.path.lexists, found), key=lambda path: not os.path.isfile(path))


def _read(folder: Path, name: str) -> tuple[Path, bytearray, tuple[int, ...]]:
    """The part's path, decompressed contents and sizes; raises ``TwoFiles`` if the folder has it twice and unlike."""
    kind = name.rsplit("-", 1)[1]
    paths = _candidates(folder, name)
    if not paths:
        rank = 3 if kind == "images" else 1
        raise MissingFile(f"{folder} lacks the file {name}-idx{rank}-ubyte (or the same with .gz).")
    contents, sizes = read_idx(paths[0], kind)
    for other in paths[1:]:
        try:
            same = read_idx(other, kind)[0] == contents
        except DataError:  # a folder, or a download that broke off: nobody means that one
            continue
        if not same:
            raise TwoFiles(f"{paths[0]} and {other} hold different {kind}: remove one of the two.")
    return paths[0], contents, sizes


def load_raw(folders: Iterable[Path], prefix: str, classes: int) -> Mnist:
    """IDX files in the first of the folders that has any.  Raises a subclass of ``DataError``."""
    *_, last = folders = list(folders)
    raw = next((f for f in folders if any(_candidates(f, _named(name, prefix)) for name in SHA256)), last)
    return _load_raw(raw, prefix, classes)


def _named(name: str, prefix: str) -> str:
    """MNIST's own names, or those of EMNIST's parts."""
    return prefix + name.replace("t10k", "test") if prefix else name


def digest_of(splits: Iterable[Split]) -> str:
    """Of images and labels."""
    parts = (t for split in splits for t in (split.images, split.labels.byte()))
    return _joined(hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest() for tensor in parts)


def _load_raw(folder: Path, prefix: str = "", classes: int = CLASSES) -> Mnist:
    parts, digests = {}, {}
    for name in SHA256:
        path, contents, sizes = _read(folder, _named(name, prefix))
        digests[name] = hashlib.sha256(contents).hexdigest()
        belongs = CANONICAL.get(digests[name], name)
        if belongs != name:
            raise SwappedFiles(f"{path} holds MNIST's {belongs}: files have been swapped or copied over each other.")
        if not all(sizes):
            raise EmptyFile(f"{path} holds no {name.split('-')[1]}: its sizes are {'x'.join(map(str, sizes))}.")
        parts[name] = torch.frombuffer(contents, dtype=torch.uint8, offset=4 + 4 * len(sizes)).view(sizes)
    if digests["train-images"] == digests["t10k-images"]:
        raise SwappedFiles(f"The training and test images in {folder} are the same file, copied over the other.")
    training = _checked(parts["train-images"], parts["train-labels"], f"the training set in {folder}", classes)
    test = _checked(parts["t10k-images"], parts["t10k-labels"], f"the test set in {folder}", classes)
    return Mnist(training, test, str(folder), digests == SHA256, _joined(digests.values()))


def _load_processed(folder: Path) -> Mnist:
    """torchvision's layout before 0.9: training.pt and test.pt, each a pair (images uint8, labels int64)."""
    splits = []
    for name in PROCESSED:
        path = folder / name
        if not os.path.isfile(path):
            raise MissingFile(f"{folder} lacks the file {name}.")
        try:
            images, labels = torch.load(path, weights_only=True)
            if images.dtype != torch.uint8 or labels.dtype != torch.int64 or (images.dim(), labels.dim()) != (3, 1):
                raise TypeError
        except Exception as error:  # torch.load promises no particular exception for damaged files
            raise CorruptedFile(
                f"{path} is not a pair of image and label tensors (uint8, int64) as torchvision writes it."
            ) from error
        if not images.numel():
            raise EmptyFile(f"{path} holds no images.")
        splits.append(_checked(images, labels, str(path)))
    return Mnist(splits[0], splits[1], str(folder), False, digest_of(splits))


def _joined(digests: Iterable[str]) -> str:
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()


def _checked(images: Tensor, labels: Tensor, where: str, classes: int = CLASSES) -> Split:
    """images: (N, rows, columns) uint8; labels: (N,) integers."""
    if len(images) != len(labels):
        raise CountMismatch(f"{where} has {len(images)} images but {len(labels)} labels.")
    if images.shape[1:] != (SIZE, SIZE):
        rows, columns = images.shape[1:]
        raise WrongImageSize(f"{where} has images of {rows}x{columns} pixels, not of {SIZE}x{SIZE}.")
    labels = labels.long()
    outside = labels[(labels < 0) | (labels >= classes)]
    if len(outside):
        meant = f"{'a digit' if classes == CLASSES else 'one'} from 0 to {classes - 1}"
        raise LabelOutOfRange(f"{where} has the label {int(outside[0])}, which is not {meant}.")
    if not images.any():
        raise BlankImages(f"{where} has only black images: every pixel is zero.")
    return Split(images, labels)
