"""What is made of a finished run: `evaluate`, `report` and `export`, each beside what the network says when asked."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from pathlib import Path

import matplotlib.figure
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.train.programs import Fit, Patch, called, refused
from train import data, figures, trained
from train.cli import main


@pytest.fixture
def out(fit: Fit, tmp_path: Path) -> Path:
    """A finished run's folder."""
    assert fit().code == 0
    return tmp_path / "out"


def guesses(out: Path, small_data: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The network's guesses, one image at a time, and the labels."""
    network, test = trained.load(out / "best.pt"), data.load(small_data).test
    x = [network.network.scale(image[None], torch.float32, torch.device("cpu")) for image in test.images]
    with torch.no_grad():
        return torch.tensor([int(network.model(each).argmax()) for each in x]), test.labels.long()


def test_evaluate_says_what_the_run_said_and_counts_each_image_once(fit: Fit, small_data: Path, tmp_path: Path) -> None:
    said = fit().out.splitlines()[-1]
    best, where = str(tmp_path / "out" / "best.pt"), ["--data-dir", str(small_data)]
    for backend in ("manual", "torch"):
        ended = called(main, "evaluate", best, *where, "--backend", backend)
        assert (ended.code, ended.out.splitlines()[-1]) == (0, said)
    found = json.loads(called(main, "evaluate", best, *where, "--json").out)
    got, labels = guesses(tmp_path / "out", small_data)
    expected = torch.zeros(10, 10, dtype=torch.long)
    for label, guess in zip(labels, got, strict=True):
        expected[label, guess] += 1
    assert found["confusion"] == expected.tolist()
    assert (found["images"], found["right"]) == (len(labels), int((got == labels).sum()))
    assert found["recall"] == pytest.approx((expected.diag() / expected.sum(1)).tolist())


def test_mistakes_come_most_confident_first() -> None:
    labels, got = torch.tensor([1, 2, 3, 4]), torch.tensor([1, 0, 0, 0])
    found = trained.Assessed(0.0, labels, got, torch.tensor([0.9, 0.5, 0.8, 0.7]))
    assert found.mistakes().tolist() == [2, 3, 1]
    assert found.right == 1


def test_a_report_is_one_file_that_asks_for_nothing(fit: Fit, out: Path, small_data: Path, tmp_path: Path) -> None:
    ended = called(main, "report", str(out))
    assert (ended.code, ended.err) == (0, "")
    assert str(out / "report.html") in ended.out
    page = (out / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r'src="([^"]*)"', page)
    assert not re.search(r"https?:|<script|<link|url\(|@import|href", re.sub(r'src="[^"]*"', "", page))
    shown = {base64.b64decode(source.removeprefix("data:image/png;base64,")) for source in sources}
    files = {path.read_bytes() for path in (out / "report").iterdir()}
    assert shown == files
    assert len(files) == len(sources) >= 5
    for file in files:
        with Image.open(io.BytesIO(file)) as image:
            assert np.ptp(np.asarray(image.convert("L"))) > 50
    got, labels = guesses(out, small_data)
    assert f"{100 * (got == labels).double().mean():.2f} % of {len(labels):,} images" in page
    assert "<th>seed</th><td>0</td>" in page


def test_fit_names_its_report_before_the_test_accuracy(fit: Fit, tmp_path: Path) -> None:
    assert "report  " not in fit(out="plain").out
    command = called(main, "--max-train", "64", "--epochs", "1", "--out", str(tmp_path / "r"), "--no-progress")
    lines = command.out.splitlines()
    assert lines[-2] == f"report         {tmp_path / 'r' / 'report.html'}"
    assert lines[-1].startswith("test accuracy")
    assert (tmp_path / "r" / "report.html").exists()


def test_a_library_that_is_missing_is_named_and_the_run_is_whole(tmp_path: Path, monkeypatch: Patch) -> None:
    for name in [name for name in sys.modules if name.startswith("train.report") or name == "train.figures"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("train.report", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    out = tmp_path / "r"
    command = called(main, "--max-train", "64", "--epochs", "1", "--out", str(out), "--no-progress")
    assert command.code == 0
    assert "report         none, since matplotlib" in command.out
    refused(called(main, "report", str(out)), 1, "report needs matplotlib")


def test_a_report_of_a_run_without_gradients_or_epochs(out: Path, tmp_path: Path) -> None:
    (out / "gradients.csv").unlink()
    assert called(main, "report", str(out)).code == 0
    assert not (out / "report" / "gradients.png").exists()
    (out / "metrics.csv").write_text("epoch\nx\n", encoding="utf-8")
    refused(called(main, "report", str(out)), 1, "metrics.csv cannot be read")
    refused(called(main, "report", str(tmp_path)), 1, "There is no run with a finished epoch")


def test_what_is_exported_gives_the_same_scores(out: Path, small_data: Path, tmp_path: Path) -> None:
    ended = called(main, "export", str(out / "best.pt"), "--out", str(tmp_path / "exported"))
    assert ended.code == 0, ended
    network = trained.load(out / "best.pt")
    state = load_file(tmp_path / "exported" / "best.safetensors")
    assert state.keys() == network.model.state_dict().keys()
    assert all(torch.equal(state[name], t) for name, t in network.model.state_dict().items())
    program = torch.export.load(tmp_path / "exported" / "best.pt2").module()
    for count in (1, 3, 40):
        x = network.network.scale(data.load(small_data).test.images[:count], torch.float32, torch.device("cpu"))
        torch.testing.assert_close(program(x), network.model(x), rtol=1e-5, atol=1e-5)
    (tmp_path / "file").touch()
    refused(called(main, "export", str(out / "best.pt"), "--out", str(tmp_path / "file")), 1, "cannot be")


def test_curves_go_through_their_numbers() -> None:
    one, two = [2.0, 1.0, 0.5], [1.5, 1.25, 1.0]
    lines = figures.losses([1, 2, 3], one, two).axes[0].get_lines()
    assert [list(line.get_ydata()) for line in lines] == [one, two]
    (line, mark) = figures.accuracy([1, 2, 3], [0.5, 0.75, 0.7], kept=2).axes[0].get_lines()
    assert list(line.get_ydata()) == [50, 75, 70]
    assert set(mark.get_xdata()) == {2}
    lines = figures.gradient_norms([1, 2, 3], {"a": one, "b": two}).axes[0].get_lines()
    assert [(line.get_label(), list(line.get_ydata())) for line in lines] == [("a", one), ("b", two)]


@pytest.mark.parametrize("shape", [(1, 1, 5, 5), (6, 1, 5, 5), (20, 4, 3, 3), (70, 3, 7, 7)])
def test_filters_of_any_layer_are_shown(shape: tuple[int, ...]) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    figure = figures.filters(weight)
    assert isinstance(figure, matplotlib.figure.Figure)
    shown = [cell.get_images()[0].get_array() for cell in figure.axes if cell.get_images()]
    assert len(shown) == min(shape[0], figures.FILTERS)
    largest = float(weight[: figures.FILTERS].double().abs().max())
    expected = weight[0].movedim(0, -1) if shape[1] == 3 else weight[0, 0]
    assert np.allclose((np.asarray(shown[0]) - 0.5) * 2 * largest, expected.numpy(), atol=1e-6)
