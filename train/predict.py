"""``python -m train predict CHECKPOINT IMAGE…``: what a trained network sees in photographs and scans of digits.

Each image is first made what the network was trained on, `train.photographs`; its confidence is the softmax of its
scores.  Images that cannot be read are named on standard error, the others are predicted all the same, and the exit
code is 1.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from train import image_folder, trained
from train.data import images_shaped
from train.errors import OutputError, PictureError, UnreadableFile
from train.options import PredictOptions
from train.photographs import as_mnist
from train.trained import Trained

PROGRAM = "python -m train predict"
BAR, TOP = 24, 3
ENLARGED = 8  # times, in the pictures of --show: 28 pixels are too few to look at


@dataclass(frozen=True)
class Likely:
    """A label and its confidence, from 0 to 1."""

    label: str
    confidence: float

    def line(self) -> str:
        """With a bar as long as the confidence."""
        return f"{self.label}  {100 * self.confidence:5.1f} %  {'█' * round(BAR * self.confidence)}".rstrip()


@dataclass(frozen=True)
class Prediction:
    """The likeliest labels of one file."""

    file: str
    top: list[Likely]

    def lines(self) -> str:
        """The file's name, and a line a label."""
        return f"\n{'':{len(self.file)}}  ".join(
            [f"{self.file}  {self.top[0].line()}", *(t.line() for t in self.top[1:])]
        )

    def as_json(self) -> dict[str, Any]:
        """The likeliest label by itself, too."""
        return {"file": self.file, **asdict(self.top[0]), "top": [asdict(each) for each in self.top]}


def run(options: PredictOptions) -> int:
    """Predict every image; return the exit code.  Raises ``TrainError``."""
    network = trained.load(options.checkpoint, arch=options.arch)
    seen, refused = pictures(files(options.images), network)
    for sentence in refused:
        print(f"{PROGRAM}: {sentence}", file=sys.stderr)
    if options.show is not None:
        show(seen, options.show)
    found = predicted(network, seen)
    if options.json:
        print(json.dumps([each.as_json() for each in found], indent=1, ensure_ascii=False))
    else:
        for each in found:
            print(each.lines())
    return 1 if refused else 0


def files(images: Sequence[Path]) -> list[Path]:
    """The images, and of a folder those in it and below, by name.  Raises ``PictureError``."""
    found = list[Path]()
    for path in images:
        if path.is_dir():
            inside = image_folder.images_below(path)
            if not inside:
                raise PictureError(
                    f"The folder {path} holds no image; known endings are {', '.join(image_folder.SUFFIXES)}."
                )
            found += inside
        else:
            found.append(path)
    return found


def pictures(paths: Sequence[Path], network: Trained) -> tuple[dict[Path, Tensor], list[str]]:
    """What the network will see of every image, and a sentence for each that shows it nothing."""
    seen, refused = dict[Path, Tensor](), list[str]()
    for path in paths:
        try:
            seen[path] = seen_by(network, path)
        except (PictureError, UnreadableFile) as error:
            refused.append(str(error))
    return seen, refused


def seen_by(network: Trained, path: Path) -> Tensor:
    """A digit as MNIST would have it; anything else as the images of its training were read."""
    if network.dataset == "mnist":
        return as_mnist(path)
    channels, side, _ = network.kind.shape
    return image_folder.read(path, channels, side)


def predicted(network: Trained, seen: dict[Path, Tensor]) -> list[Prediction]:
    """The likeliest labels of images as `seen_by` gives them."""
    if not seen:
        return []
    images = images_shaped(torch.stack(list(seen.values())), network.kind.shape)
    shares = network.scores(images).softmax(1)
    found, labels = list[Prediction](), network.kind.labels
    for path, row in zip(seen, shares, strict=True):
        likeliest = zip(*(t.tolist() for t in row.topk(min(TOP, len(labels)))), strict=True)
        found.append(Prediction(str(path), [Likely(labels[label], round(share, 6)) for share, label in likeliest]))
    return found


def show(seen: dict[Path, Tensor], folder: Path) -> None:
    """Save what the network sees, enlarged, under the images' names.  Raises ``OutputError``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, (path, image) in enumerate(seen.items(), 1):
            pixels = image.movedim(0, -1) if image.dim() == 3 else image
            rows, columns = image.shape[-2:]
            size = (ENLARGED * columns, ENLARGED * rows)
            enlarged = Image.fromarray(pixels.numpy()).resize(size, Image.Resampling.NEAREST)
            enlarged.save(folder / f"{number:03}-{path.stem}.png")
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}.") from error
