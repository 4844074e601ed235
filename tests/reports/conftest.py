"""The training program on a small data set."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.reports.programs import Ended, Fit, called
from tests.train.conftest import write_data
from train import cli as training_cli


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """240 training images, of which 20 validate, and 40 test images."""
    return write_data(tmp_path / "data")


@pytest.fixture
def fit(images: Path, tmp_path: Path) -> Iterator[Fit]:
    """Train with torch.nn on the small data into tmp_path/out; --threads acts on the whole process until the end."""
    threads = torch.get_num_threads()

    def run(*options: str, encoding: str = "utf-8") -> Ended:
        common = ["--backend", "torch", "--data-dir", str(images), "--batch-size", "110", "--epochs", "1"]
        words = [*common, "--threads", "1", "--out", str(tmp_path / "out"), *options]
        return called(training_cli.main, *words, encoding=encoding)

    yield run
    torch.set_num_threads(threads)
