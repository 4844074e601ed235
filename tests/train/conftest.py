"""A small data set in the format of the real one, and the program called in this process."""

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.train.programs import Ended, Fit, called
from train.cli import main

MAGIC = {"images": 2051, "labels": 2049}


def idx(values: torch.Tensor, kind: str) -> bytes:
    """values: (N, rows, columns) or (N,) uint8 → the bytes of an IDX file."""
    return struct.pack(f">{1 + values.dim()}I", MAGIC[kind], *values.shape) + values.numpy().tobytes()


def digits(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with a bright bar whose row tells the label: learnable within a few steps."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count, dtype=torch.uint8) % 10
    images = torch.randint(0, 60, (count, 28, 28), generator=generator, dtype=torch.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4 + 2 * int(label)] = 255
    return images, labels


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """--threads acts on the whole process; give the next test what it had."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def write_data(folder: Path) -> Path:
    """Four raw IDX files: 240 training images, of which 20 validate, and 40 test images."""
    folder.mkdir()
    for part, count, seed in (("train", 240, 1), ("t10k", 40, 2)):
        images, labels = digits(count, seed)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(images, "images"))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels, "labels"))
    return folder


@pytest.fixture
def small_data(tmp_path: Path) -> Path:
    """What `write_data` writes."""
    return write_data(tmp_path / "data")


@pytest.fixture
def zipped_data(small_data: Path) -> Path:
    """The same four, each as .gz."""
    for path in list(small_data.iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    return small_data


@pytest.fixture
def fit(small_data: Path, tmp_path: Path) -> Fit:
    """Train on the small data with torch.nn into tmp_path/out, or where it says."""

    def run(*options: str, out: str = "out", encoding: str = "utf-8") -> Ended:
        common = ["--backend", "torch", "--data-dir", str(small_data), "--batch-size", "20", "--epochs", "2"]
        words = [*common, "--threads", "1", "--no-report", "--out", str(tmp_path / out), *options]
        return called(main, *words, encoding=encoding)

    return run
