"""Every network that has a name: those of train/models, torchvision's, and a ``module:factory`` of the test's own."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from manualconv import conversion_report
from tests.train.equality import differing
from tests.train.programs import Fit, Patch, called, refused
from tests.train.test_resume import raising
from train import architectures, checkpoint, data, machine, trained
from train.cli import main
from train.image_kind import ImageKind

PLACES = {backend: machine.prepare(backend, "cpu", "float64", None) for backend in ("torch", "manual")}
FOUR = ImageKind(tuple("abcd"), (3, 32, 32), (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))

SOURCE = """
import torch
from torch import nn
from torch.nn import functional as F

class Small(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.first, self.norm, self.last = nn.Conv2d(1, 4, 5, stride=3), nn.BatchNorm2d(4), nn.Linear(64, num_classes)
        self.drop = nn.Dropout(0.2)

    def forward(self, x):
        return self.last(self.drop(F.relu(F.max_pool2d(self.norm(self.first(x)), 2)).flatten(1)))

class inner:
    small = Small

def fixed():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))

def three():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 3))

def broken():
    raise RuntimeError("no such\\nweights")

def lazy():
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(10))

class Pair(Small):
    def forward(self, x):
        return super().forward(x), x

number, model = (lambda: 3), fixed()
words = "no function"
"""


@pytest.fixture
def code(tmp_path: Path, monkeypatch: Patch) -> Path:
    """A module ``of_mine``, and one that cannot be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "of_mine.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "spoiled.py").write_text("import torch\n1 / 0\n", encoding="utf-8")
    for name in ("of_mine", "spoiled"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


@pytest.mark.parametrize("arch", ["lenet5-unpadded", "conv-pool", "normalized", "sub-sampled"])
def test_networks_of_train_models_train_on_other_classes_colours_and_sizes(arch: str) -> None:
    kind = ImageKind(tuple("abc"), (3, 40, 33), (0.5,) * 3, (0.2,) * 3)
    model = machine.build(arch, PLACES["manual"], 0, kind)
    assert model(torch.zeros(2, 3, 40, 33, dtype=torch.float64)).shape == (2, 3)
    with pytest.raises(architectures.OptionError, match=f"--arch {arch} cannot take images of 3×9×9: .* leave nothing"):
        machine.build(arch, PLACES["manual"], 0, ImageKind(tuple("abc"), (3, 9, 9), (0.5,) * 3, (0.2,) * 3))


@pytest.mark.parametrize(
    ("arch", "kind", "words"),
    [
        ("cifar", ImageKind(), "Images of 1×28×28 came, and --arch cifar takes 3×32×32"),
        ("lenet5-1998", FOUR, "Images of 3×32×32 came, and --arch lenet5-1998 takes 1×28×28"),
        ("lenet5-1998", ImageKind(tuple("abcd")), "tells 10 classes apart, and the images have 4"),
        ("torchvision:resnet17", FOUR, "There is no torchvision:resnet17; torchvision has alexnet, .*wide_resnet50_2"),
        ("torchvision:resnet18", ImageKind(), "Images of 1×28×28 came, .* takes 3 channels of at least 1×1"),
        ("torchvision:alexnet", FOUR, "Images of 3×32×32 came, .* takes 3 channels of at least 63×63"),
    ],
)
def test_images_or_names_that_do_not_fit_are_said(arch: str, kind: ImageKind, words: str) -> None:
    with pytest.raises(architectures.OptionError, match=words):
        machine.build(arch, PLACES["torch"], 0, kind)


@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5"])
def test_torchvision_s_network_runs_by_hand_throughout(name: str) -> None:
    """The same weights, logits and gradients; every call's derivative is ours, whoever asks for it."""
    x = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found: dict[str, Any] = {}
    for backend, place in PLACES.items():
        model = machine.build(f"torchvision:{name}", place, 3, FOUR).train()
        logits = model(x)
        logits.square().sum().backward()
        found[backend] = logits.detach(), {n: p.grad for n, p in model.named_parameters()}, model
    (ours, our_slopes, model), (theirs, slopes, _) = found["manual"], found["torch"]
    assert ours.shape == (4, 4) and our_slopes.keys() == slopes.keys()
    torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)
    for key, slope in slopes.items():
        torch.testing.assert_close(our_slopes[key], slope, rtol=1e-6, atol=1e-8)
    assert not any(entry.reason == "code of its own" for entry in conversion_report(model) if entry.type == "Conv2d")


def test_what_a_network_calls_without_a_layer_runs_by_hand_too(code: Path) -> None:
    model = machine.build("of_mine:Small", PLACES["manual"], 0)
    y, seen, waiting = model(torch.randn(2, 1, 28, 28, dtype=torch.float64)), set[str](), list[Any]()
    waiting = [y.grad_fn]
    while waiting:
        node = waiting.pop()
        seen.add(type(node).__name__)
        waiting += [before for before, _ in node.next_functions if before is not None]
    assert not seen & {"ReluBackward0", "MaxPool2DWithIndicesBackward0", "ConvolutionBackward0", "AddmmBackward0"}
    assert list(model.state_dict())[:2] == ["first.weight", "first.bias"]


@pytest.mark.parametrize(
    ("arch", "words"),
    [
        ("of_theirs:Small", "of_theirs cannot be imported: ModuleNotFoundError: No module named 'of_theirs'"),
        ("spoiled:Small", "spoiled cannot be imported: ZeroDivisionError: division by zero"),
        ("of_mine:Large", "of_mine has no Large; it has F, Pair, Small, broken,"),
        ("of_mine:words", "is a str, and has to be a function or class"),
        ("of_mine:model", "is a Sequential, and has to be a function or class"),
        ("of_mine:broken", "makes no network: RuntimeError: no such weights"),
        ("of_mine:number", "makes a int, and has to make a torch.nn.Module"),
        ("of_mine:lazy", "has lazy layers"),
        ("of_mine:three", "makes 2×3 of 2 images, and has to make 2×10 scores"),
        ("of_mine:Pair", "makes a tuple of 2 images, and has to make 2×10 scores"),
    ],
)
def test_a_factory_that_makes_no_network_is_said(fit: Fit, code: Path, arch: str, words: str) -> None:
    refused(fit("--arch", arch), 1, words)
    assert not (code / "out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--image-size", "8"), "cannot take 2 images of 1×8×8: RuntimeError"),
        (("--channels", "3"), "cannot take 2 images of 3×28×28: RuntimeError"),
    ],
)
def test_images_that_a_factory_s_network_does_not_take_are_said(
    fit: Fit, code: Path, options: tuple[str, ...], words: str
) -> None:
    refused(fit("--arch", "of_mine:Small", *options), 1, words)


@pytest.mark.parametrize("arch", ["of_mine:Small", "of_mine:inner.small", "of_mine:fixed"])
def test_a_factory_is_trained_resumed_and_read_by_who_vouches_for_it(
    fit: Fit, code: Path, tmp_path: Path, monkeypatch: Patch, arch: str
) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    whole = fit("--arch", arch, "--backend", "manual", out="whole")
    assert whole.code == 0, whole
    out, vouched = tmp_path / "out", ["--arch", arch]
    with monkeypatch.context() as patch:
        raising(patch, "steps", 14)
        stopped = fit("--arch", arch, "--backend", "manual")
    refused(stopped, 128 + signal.SIGTERM, f"To go on: python -m train --resume {out} --arch {arch}\n")
    refused(called(main, "--resume", str(out)), 1, f"names code, {arch}, that only you can vouch for")
    assert called(main, "--resume", str(out), *vouched).code == 0
    assert differing(tmp_path / "whole", out) is None
    best = str(out / "best.pt")
    refused(called(main, "evaluate", best), 1, f"--arch {arch} lets it be imported")
    refused(called(main, "evaluate", best, "--arch", "lenet5"), 1, f"holds the network '{arch}', not 'lenet5'")
    said = called(main, "evaluate", best, *vouched, "--data-dir", str(tmp_path / "data"))
    assert said.out.splitlines()[-1] == whole.out.splitlines()[-1]
    assert called(main, "report", str(out), *vouched).code == 0
    ended = called(main, "export", best, *vouched, "--out", str(tmp_path / "exported"))
    assert ended.code == 0, ended


def test_a_checkpoint_s_word_imports_nothing(tmp_path: Path, code: Path) -> None:
    checkpoint.save(tmp_path / "best.pt", "of_mine:fixed", {"1.weight": torch.zeros(10, 784)}, {})
    refused(called(main, "predict", str(tmp_path / "best.pt"), str(tmp_path)), 1, "only you can vouch")
    assert "of_mine" not in sys.modules


def test_a_network_of_colours_is_trained_on_grey_images_of_another_size(fit: Fit, tmp_path: Path) -> None:
    ended = fit("--arch", "cifar", "--channels", "3", "--image-size", "32", "--epochs", "1")
    assert ended.code == 0, ended
    network = trained.load(tmp_path / "out" / "best.pt")
    assert network.kind.shape == (3, 32, 32) and network.kind.mean == (0.1307,) * 3
    said = called(main, "evaluate", str(tmp_path / "out" / "best.pt"), "--data-dir", str(tmp_path / "data"))
    assert said.out.splitlines()[-1] == ended.out.splitlines()[-1]


def test_resizing_keeps_what_is_constant_and_grey_is_the_mean_of_the_colours() -> None:
    images = torch.randint(0, 256, (5, 3, 6, 7), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    assert torch.equal(data.images_shaped(images, (1, 6, 7)), images.float().mean(1).round().byte())
    constant = torch.full((2, 6, 7), 77, dtype=torch.uint8)
    assert torch.equal(data.images_shaped(constant, (3, 9, 4)), torch.full((2, 3, 9, 4), 77, dtype=torch.uint8))


def test_a_network_on_a_batch_of_one_that_it_cannot_train_on_is_said() -> None:
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(784), nn.Linear(784, 10))
    before = torch.get_rng_state()
    architectures.tried("mine", model, ImageKind(), 2, torch.device("cpu"))
    assert torch.equal(model[1].running_mean, torch.zeros(784)) and torch.equal(torch.get_rng_state(), before)
    with pytest.raises(architectures.OptionError, match="cannot take 1 images of 1×28×28: ValueError: Expected more"):
        architectures.tried("mine", model, ImageKind(), 1, torch.device("cpu"))
