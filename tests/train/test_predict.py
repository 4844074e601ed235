"""``predict``: labels, confidences and bars of files and folders; what cannot be read is said, and the rest done."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.train.programs import called
from train import checkpoint, machine
from train.cli import main
from train.models import NETWORKS
from train.photographs import as_mnist


@pytest.fixture(params=["lenet5", "lenet5-1998"])
def best(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A checkpoint of first weights."""
    place = machine.prepare("torch", "cpu", "float32", 1)
    weights = checkpoint.weights(machine.build(request.param, place, seed=1))
    checkpoint.save(tmp_path / "best.pt", request.param, weights, {"epoch": 1})
    return tmp_path / "best.pt"


def bar(path: Path, row: int) -> Path:
    """A picture of one bar."""
    page = np.full((60, 60), 240, np.uint8)
    page[row : row + 8, 10:50] = 20
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(page).save(path)
    return path


def test_json_has_the_softmax_of_what_the_network_says_of_each_image(best: Path, tmp_path: Path) -> None:
    files = [bar(tmp_path / "p" / "b.png", 20), bar(tmp_path / "p" / "deep" / "a.JPG", 30)]
    ended = called(main, "predict", str(best), str(tmp_path / "p"), "--json")
    assert (ended.code, ended.err) == (0, "")
    found = json.loads(ended.out)
    assert [set(each) for each in found] == [{"file", "label", "confidence", "top"}] * 2
    assert [each["file"] for each in found] == [str(file) for file in files]
    name = checkpoint.load(best)["network"]
    model = machine.build(name, machine.prepare("torch", "cpu", "float32", 1), seed=1)
    x = NETWORKS[name].scale(torch.stack([as_mnist(file) for file in files]), torch.float32, torch.device("cpu"))
    for shares, each in zip(model(x).softmax(1), found, strict=True):
        likeliest = shares.topk(3)
        assert [top["label"] for top in each["top"]] == [str(int(label)) for label in likeliest.indices]
        assert [top["confidence"] for top in each["top"]] == pytest.approx(likeliest.values.tolist(), abs=2e-6)
        assert (each["label"], each["confidence"]) == (each["top"][0]["label"], each["top"][0]["confidence"])


def test_three_lines_an_image_with_bars_in_any_encoding(best: Path, tmp_path: Path) -> None:
    file = bar(tmp_path / "é.png", 20)
    for encoding in ("utf-8", "ascii"):
        ended = called(main, "predict", str(best), str(file), encoding=encoding)
        assert ended.code == 0
        assert len(ended.out.splitlines()) == 3
        assert sum(float(line.split("%")[0].split()[-1]) for line in ended.out.splitlines()) <= 100.2


def test_what_the_network_saw_is_saved(best: Path, tmp_path: Path) -> None:
    file, other = bar(tmp_path / "bar.png", 20), bar(tmp_path / "other" / "bar.png", 30)
    assert called(main, "predict", str(best), str(file), str(other), "--show", str(tmp_path / "seen")).code == 0
    saved = sorted((tmp_path / "seen").iterdir())
    assert len(saved) == 2
    with Image.open(saved[0]) as image:
        small = np.asarray(image.resize((28, 28), Image.Resampling.NEAREST))
    assert np.array_equal(small, as_mnist(file).numpy())


def test_one_bad_image_is_named_and_the_others_are_predicted(best: Path, tmp_path: Path) -> None:
    good, bad = bar(tmp_path / "good.png", 20), tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    ended = called(main, "predict", str(best), str(bad), str(good), "--json")
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert str(bad) in ended.err
    assert [each["file"] for each in json.loads(ended.out)] == [str(good)]


def test_an_empty_folder_and_a_missing_checkpoint_are_a_sentence_each(best: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words, said in (
        ([str(best), str(tmp_path / "empty")], "holds no image"),
        ([str(tmp_path / "none.pt"), str(best)], "There is no checkpoint"),
        ([str(best), str(best)], "no image"),
        ([str(best)], "the following arguments are required: IMAGE"),
    ):
        ended = called(main, "predict", *words)
        assert ended.code in (1, 2)
        assert ended.out == ""
        assert said in ended.err
        assert "Traceback" not in ended.err


def test_what_is_hidden_in_a_folder_is_passed_over(best: Path, tmp_path: Path) -> None:
    """Such as the ._ files of macOS, and the thumbnails in a hidden folder."""
    shown = bar(tmp_path / "p" / "deep" / "a.png", 20)
    (tmp_path / "p" / "._a.png").write_bytes(b"no image")
    bar(tmp_path / "p" / ".thumbnails" / "a.png", 20)
    ended = called(main, "predict", str(best), str(tmp_path / "p"), "--json")
    assert (ended.code, ended.err, [each["file"] for each in json.loads(ended.out)]) == (0, "", [str(shown)])


def test_the_folder_of_a_run_is_told_which_file_is_meant(best: Path, tmp_path: Path) -> None:
    ended = called(main, "predict", str(best.parent), str(bar(tmp_path / "bar.png", 20)))
    assert ended.code == 1 and f"no checkpoint {best.parent}. It is a folder; in it is {best}." in ended.err


def test_where_what_is_seen_cannot_be_saved_the_path_is_named(best: Path, tmp_path: Path) -> None:
    file = bar(tmp_path / "bar.png", 20)
    ended = called(main, "predict", str(best), str(file), "--show", str(file))
    assert (ended.code, ended.out) == (1, "")
    assert f"{file} cannot be written" in ended.err
