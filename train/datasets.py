"""Data sets by name: MNIST, its three relatives and CIFAR-10 as torchvision keeps them, and any folder of images."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import torch

from train import data, image_folder
from train.data import Mnist, Split
from train.errors import DataError, DownloadFailed, MissingFile
from train.image_folder import PREFIX, measured
from train.image_kind import ImageKind

#: torchvision's class, and the names of the labels.
TORCHVISION: dict[str, tuple[str, str]] = {
    "fashion-mnist": ("FashionMNIST", "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"),
    "kmnist": ("KMNIST", "o,ki,su,tsu,na,ha,ma,ya,re,wo"),
    "emnist": ("EMNIST", ",".join("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt")),
    "cifar10": ("CIFAR10", "airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck"),
}
BALANCED = "emnist-balanced-"  # the part of EMNIST with as many images of each class


def load(dataset: str, folder: Path | None, channels: int | None = None, side: int | None = None) -> Mnist:
    """Read and check a data set, its images of those sizes.  Raises a subclass of ``DataError``."""
    if dataset.startswith(PREFIX):
        return data.shaped(image_folder.load(Path(dataset[len(PREFIX) :]), channels, side), channels, side)
    if dataset == "mnist":
        return data.shaped(data.load(folder), channels, side)
    if folder is None:
        raise MissingFile(f"--dataset {dataset} needs --data-dir, the folder where torchvision has put it.")
    found = _cifar(folder) if dataset == "cifar10" else _relative(dataset, folder)
    return data.shaped(found, channels, side)


def like(dataset: str, folder: Path | None, kind: ImageKind) -> Mnist:
    """The images as a network was trained on them.  Raises a subclass of ``DataError``."""
    channels, side, _ = kind.shape
    found = load(dataset, folder, channels, side)
    if found.kind.labels != kind.labels:
        here, there = (", ".join(labels) for labels in (found.kind.labels, kind.labels))
        raise DataError(f"The images are of the classes {here}, and the network knows {there}.")
    return data.of_kind(found, kind)


def download(dataset: str, folder: Path) -> None:
    """Let torchvision download a data set, unless it is there.  Raises ``DownloadFailed``."""
    if dataset == "mnist":
        return data.download(folder)
    name = TORCHVISION[dataset][0]
    try:
        made = getattr(import_module("torchvision.datasets"), name)  # optional, and without type stubs
    except ImportError as error:
        raise DownloadFailed("--download needs torchvision: pip install torchvision.") from error
    try:
        made(str(folder), download=True, **({"split": "balanced"} if dataset == "emnist" else {}))
    except Exception as error:  # sockets, HTTP, gzip and tar have one each
        reason = " ".join(str(error).split())
        said = f"{name} cannot be downloaded into {folder}: {reason or type(error).__name__}."
        raise DownloadFailed(said) from error


def _relative(dataset: str, folder: Path) -> Mnist:
    """IDX files, below torchvision's folder or in this one."""
    name, labels = TORCHVISION[dataset]
    prefix = BALANCED if dataset == "emnist" else ""
    found = data.load_raw(
        [folder / name / "raw", folder / name / "raw" / "gzip", folder], prefix, len(labels.split(","))
    )
    if dataset == "emnist":  # whose images lie on their side
        training, test = (Split(s.images.mT.contiguous(), s.labels) for s in (found.training, found.test))
        found = replace(found, training=training, test=test)
    return replace(found, kind=measured(tuple(labels.split(",")), found.training.images, str(folder)))


def _cifar(folder: Path) -> Mnist:
    """torchvision compares MD5 sums before it reads the pickled batches."""
    name, labels = TORCHVISION["cifar10"]
    try:
        make = getattr(import_module("torchvision.datasets"), name)
        parts = [make(str(folder), train=train) for train in (True, False)]
    except Exception as error:
        raise MissingFile(
            f"{folder} holds no CIFAR-10 that torchvision can read: {' '.join(str(error).split())}"
        ) from error
    splits = [Split(torch.from_numpy(p.data).movedim(-1, 1).contiguous(), torch.tensor(p.targets)) for p in parts]
    kind = measured(tuple(labels.split(",")), splits[0].images, str(folder))
    return Mnist(splits[0], splits[1], str(folder), False, data.digest_of(splits), kind)
