"""Data sets by name, folders of images among them: what is read, what is kept with the network, what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.train.conftest import idx
from tests.train.equality import differing
from tests.train.programs import Ended, Patch, called, refused
from tests.train.test_resume import raising
from train import data, datasets, image_folder, trained
from train.cli import main

COLOURS = {"blue": (20, 30, 220), "green": (30, 200, 40), "red": (220, 20, 30)}


def painted(folder: Path, count: int, seed: int, grey: bool = False) -> Path:
    """A folder a colour, of noisy pictures of it in several sizes and formats; in grey, of its lightness."""
    generator = np.random.default_rng(seed)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for n in range(count):
            pixels = np.clip(generator.normal(colour, 25, (20 + n % 5, 24, 3)), 0, 255).astype(np.uint8)
            image = Image.fromarray(pixels).convert("L" if grey else "RGB")
            image.save(folder / name / f"{n}.{('png', 'jpg', 'bmp')[n % 3]}")
    return folder


def fit(dataset: str, out: Path, *options: str) -> Ended:
    common = ["--dataset", dataset, "--backend", "torch", "--threads", "1", "--batch-size", "16", "--epochs", "2"]
    return called(main, *common, "--no-report", "--out", str(out), *options)


def test_a_folder_is_trained_resumed_evaluated_reported_and_predicted(tmp_path: Path, monkeypatch: Patch) -> None:
    """In colour, split here, with the classes' names all the way."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    folder, out = painted(tmp_path / "images", 60, 0), tmp_path / "out"
    whole = fit(f"folder:{folder}", tmp_path / "whole")
    assert whole.code == 0, whole
    assert f"folder:{folder}, 3 classes)" in whole.out
    with monkeypatch.context() as patch:
        raising(patch, "steps", 12)
        assert fit(f"folder:{folder}", out).code == 128 + signal.SIGTERM
    assert called(main, "--resume", str(out)).code == 0
    assert differing(tmp_path / "whole", out) is None
    best = out / "best.pt"
    network = trained.load(best)
    assert network.kind.labels == tuple(COLOURS) and network.kind.shape == (3, 28, 28)
    ended = called(main, "evaluate", str(best))
    assert ended.out.splitlines()[-1] == whole.out.splitlines()[-1] and "label green" in ended.out
    assert called(main, "report", str(out)).code == 0
    picture = folder / "red" / "0.png"
    (entry,) = json.loads(called(main, "predict", str(best), str(picture), "--json", "--show", str(tmp_path / "s")).out)
    x = network.network.scale(image_folder.read(picture, 3, 28)[None], torch.float32, torch.device("cpu"))
    shares = network.model(x).detach().softmax(1)[0]
    assert entry["label"] == tuple(COLOURS)[int(shares.argmax())] and len(entry["top"]) == 3
    assert entry["confidence"] == pytest.approx(float(shares.max()), abs=2e-6)
    with Image.open(next((tmp_path / "s").iterdir())) as shown:
        assert shown.size == (224, 224) and np.asarray(shown.convert("RGB"))[..., 0].mean() > 180
    assert called(main, "export", str(best)).code == 0
    refused(called(main, "--resume", str(out), "--data-dir", str(tmp_path)), 1, "has its folder")
    painted(tmp_path / "others", 60, 1)
    refused(called(main, "--resume", str(out), "--dataset", f"folder:{tmp_path / 'others'}"), 1, "are not those that")


def test_a_folder_divided_by_its_owner_is_read_as_it_is(tmp_path: Path) -> None:
    for name, count in (("train", 8), ("val", 2), ("test", 3)):
        painted(tmp_path / "i" / name, count, count, grey=True)
    found = datasets.load(f"folder:{tmp_path / 'i'}", None, None, 20)
    assert found.kind.shape == (1, 20, 20)
    assert (len(found.training), len(found.test)) == (24, 9) and found.validation is not None
    assert data.divided(found)[1].labels.tolist() == [0, 0, 1, 1, 2, 2]
    with Image.open(tmp_path / "i" / "test" / "blue" / "0.png") as image:
        expected = np.asarray(image.resize((20, 20), Image.Resampling.BILINEAR))
    assert np.array_equal(found.test.images[0].numpy(), expected)
    x = found.training.images.double() / 255
    assert found.kind.mean == (round(float(x.mean()), 4),) and found.kind.deviation == (round(float(x.std()), 4),)
    assert datasets.load(f"folder:{tmp_path / 'i'}", None, 3, None).kind.shape == (3, 28, 28)


def test_a_file_s_name_alone_decides_what_it_is_for(tmp_path: Path) -> None:
    folder = painted(tmp_path / "i", 40, 0)
    before = datasets.load(f"folder:{folder}", None)
    counts = [0, 0, 0]
    for path in folder.rglob("*.*"):
        counts[min(share(folder, path), 2)] += 1
    assert before.validation is not None
    assert [len(before.test), len(before.validation), len(before.training)] == counts
    shutil.copy(folder / "red" / "0.png", folder / "red" / "more.png")
    after = datasets.load(f"folder:{folder}", None)
    assert after.digest != before.digest
    assert len(after.training) + len(after.test) - len(before.training) - len(before.test) in (0, 1)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_see_through_is_white(tmp_path: Path, mode: str) -> None:
    """Black ink on nothing: below what is see-through lies black, too."""
    cover = np.zeros((28, 28), np.uint8)
    cover[10:20, 5:9] = 255
    if mode == "P":  # two entries of the palette, both black
        ink = Image.frombytes("P", (28, 28), (cover // 255).tobytes())
        ink.putpalette([0] * 6)
        ink.save(tmp_path / "ink.png", transparency=0)
    else:
        ink = Image.new(mode, (28, 28), 0)
        ink.putalpha(Image.fromarray(cover))
        ink.save(tmp_path / "ink.png")
    assert torch.equal(image_folder.read(tmp_path / "ink.png", 1, 28), torch.from_numpy(255 - cover))


def test_hidden_files_are_no_images(tmp_path: Path) -> None:
    folder = painted(tmp_path / "images", 6, 0)
    before = datasets.load(f"folder:{folder}", None)
    (folder / "red" / "._0.png").write_bytes(b"of macOS")
    assert datasets.load(f"folder:{folder}", None).digest == before.digest


def share(folder: Path, path: Path) -> int:
    """0 tests, 1 validates, the rest up to 9 train."""
    return int(hashlib.sha256(path.relative_to(folder).as_posix().encode()).hexdigest()[:16], 16) % 10


def spoil(folder: Path) -> None:
    (folder / "red" / "0.png").write_bytes(b"no image")


DAMAGE: dict[str, tuple[Any, str]] = {
    "empty": (lambda f: shutil.rmtree(f) or f.mkdir(), "holds no classes"),
    "gone": (shutil.rmtree, "does not exist or is not a folder"),
    "one class": (lambda f: [shutil.rmtree(f / name) for name in ("red", "blue")], "one class only, green"),
    "an empty class": (lambda f: (f / "white").mkdir(), "white holds no image; known endings are"),
    "an image that is none": (spoil, "0.png cannot be read: cannot identify"),
    "none to test with": (
        lambda f: [p.unlink() for p in f.rglob("*.*") if not share(f, p)],
        "leaves no images to test",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_cannot_be_trained_on_is_said(tmp_path: Path, damage: str) -> None:
    folder = painted(tmp_path / "images", 6, 0)
    spoiled, words = DAMAGE[damage]
    spoiled(folder)
    refused(fit(f"folder:{folder}", tmp_path / "out"), 1, words)
    assert not (tmp_path / "out").exists()


def test_a_class_that_is_not_trained_is_said(tmp_path: Path) -> None:
    for name in ("train", "test"):
        painted(tmp_path / "i" / name, 3, 0)
    (tmp_path / "i" / "test" / "white").mkdir()
    refused(fit(f"folder:{tmp_path / 'i'}", tmp_path / "out"), 1, "holds the class white, of which there is no")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dataset", "imagenet"], "'imagenet' is none of mnist, fashion-mnist"),
        (["--dataset", "cifar10"], "--dataset cifar10 needs --data-dir"),
        (["--dataset", "folder:x", "--data-dir", "y"], "has its folder"),
        (["--dataset", "folder:"], "'' is not a path"),
    ],
)
def test_a_data_set_that_there_is_not_is_said(words: list[str], message: str) -> None:
    refused(called(main, *words), 2, message)


def relatives(root: Path, name: str, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A root as torchvision makes it."""
    folder = root / {"fashion-mnist": "FashionMNIST", "kmnist": "KMNIST", "emnist": "EMNIST"}[name] / "raw"
    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(classes)
    images, labels = torch.randint(0, 256, (94, 28, 28), generator=generator), torch.arange(94) % classes
    for part in ("train", "t10k"):
        stem = f"emnist-balanced-{part.replace('t10k', 'test')}" if name == "emnist" else part
        these = images.byte() if part == "train" else images.byte().flip(0)
        (folder / f"{stem}-images-idx3-ubyte").write_bytes(idx(these, "images"))
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(idx(labels.byte(), "labels"))
    return images.byte(), labels


@pytest.mark.parametrize(("name", "classes"), [("fashion-mnist", 10), ("kmnist", 10), ("emnist", 47)])
def test_a_root_that_torchvision_made_is_found(tmp_path: Path, name: str, classes: int) -> None:
    images, labels = relatives(tmp_path / "root", name, classes)
    found = datasets.load(name, tmp_path / "root")
    assert torch.equal(found.training.images, images.mT if name == "emnist" else images)
    assert torch.equal(found.training.labels, labels) and len(found.kind.labels) == classes
    module = pytest.importorskip("torchvision.datasets")
    theirs = getattr(module, datasets.TORCHVISION[name][0])
    made = theirs(str(tmp_path / "root"), **({"split": "balanced"} if name == "emnist" else {}))
    assert torch.equal(made.data, images) and torch.equal(made.targets, labels)
    assert list(found.kind.labels) == made.classes
    ended = fit(name, tmp_path / "out", "--data-dir", str(tmp_path / "root"), "--epochs", "1")
    assert ended.code == 0, ended
    refused(fit(name, tmp_path / "new", "--data-dir", str(tmp_path)), 1, "lacks the file")


def test_cifar_is_read_through_torchvision(tmp_path: Path, monkeypatch: Patch) -> None:
    refused(fit("cifar10", tmp_path / "out", "--data-dir", str(tmp_path)), 1, "holds no CIFAR-10 that torchvision can")
    module: Any = pytest.importorskip("torchvision.datasets")
    pixels = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), dtype=np.uint8)

    class Made:
        def __init__(self, root: str, train: bool) -> None:
            self.data, self.targets = (pixels if train else pixels[::-1].copy()), [n % 10 for n in range(60)]

    monkeypatch.setattr(module, "CIFAR10", Made)
    found = datasets.load("cifar10", tmp_path)
    assert found.kind.shape == (3, 32, 32) and found.kind.labels[3] == "cat"
    assert np.array_equal(found.training.images[7].movedim(0, -1).numpy(), pixels[7])
    ended = fit("cifar10", tmp_path / "out", "--data-dir", str(tmp_path), "--arch", "cifar", "--epochs", "1")
    assert ended.code == 0, ended
