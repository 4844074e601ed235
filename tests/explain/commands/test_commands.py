"""The commands that show layers, figures, matrices and filters: what they print and save, a sentence for a mistake."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from PIL import Image

from manualconv.cli import main
from manualconv.explain import photograph, worked_example
from manualconv.explain.figures import FIGURES
from manualconv.explain.worked import TOPICS


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "house.png"
    Image.fromarray(photograph.house(40).movedim(0, -1).numpy()).save(path)
    return path


def test_explain_prints_a_topic(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "softmax"]) == 0
    assert capsys.readouterr().out == f"{worked_example('softmax')}\n"


def test_help_names_every_topic(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["explain", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert all(name in said.replace("- ", "-") for name in TOPICS)


def test_figures_lists_prints_and_saves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["figures"]) == 0
    listed = capsys.readouterr().out
    assert all(re.search(rf"^ +{number}  {name} ", listed, re.MULTILINE) for name, (number, *_) in FIGURES.items())
    assert main(["figures", "mask", "stride", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert printed.index("max pooling backward") < printed.index("strided convolution")
    for name in ("13-mask.png", "06-stride.png"):
        path = tmp_path / name
        assert f"wrote {path}, {path.stat().st_size:,} bytes" in printed


def test_all_figures_are_saved_where_none_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from manualconv.explain import figures

    two = {name: FIGURES[name] for name in ("mask", "max-pooling")}  # each picture takes half a second
    monkeypatch.setattr(figures, "FIGURES", two)
    assert main(["figures", "--out", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["12-max-pooling.png", "13-mask.png"]
    assert capsys.readouterr().out.count("wrote ") == 2


def test_toeplitz_takes_the_geometry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--input", "4x5", "--kernel", "2x3", "--stride", "2x1", "--padding", "1x0", "--dilation", "1"]
    assert main(["toeplitz", *words, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    head = "input 4x5, kernel 2x3, padding 1+1, 0+0, stride 2x1, dilation 1x1 -> output 3x3"
    assert head in printed
    assert (tmp_path / "09-toeplitz.png").exists()
    assert main(["toeplitz", "--input", "5", "--kernel", "3", "--padding", "1:0"]) == 0
    assert "11 of 20 non-zeros" in capsys.readouterr().out
    assert main(["toeplitz", "--input", "5", "--kernel", "3", "--padding", "full"]) == 0
    assert "padding 2+2, stride 1, dilation 1 -> output 7" in capsys.readouterr().out


def test_kernels_shows_filters_and_one_of_one_s_own(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["kernels", str(picture)]) == 0
    printed = capsys.readouterr().out
    assert f"filters over {picture}: 40 x 40 pixels" in printed
    assert [line.split()[0] for line in printed.splitlines() if " = " in line[:8]] == ["K1", "K2", "K3", "K4"]
    own = ["--filter", "K3", "--kernel", "1,-1;0.5,0;-0.5,0", "--threshold", "0.25", "--out", str(tmp_path)]
    assert main(["kernels", str(picture), *own]) == 0
    printed = capsys.readouterr().out
    assert "sums 38 x 39" in printed and "above 0.25" in printed
    assert re.search(r"own = +1 -1\n +0.5 +0\n +-0.5 +0\n", printed)
    assert (tmp_path / "filters.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["explain", "batch-norm"], "no topic is called 'batch-norm'; did you mean batchnorm"),
        (["explain"], "required: TOPIC"),
        (["figures", "mask", "strid"], "no figure is called 'strid'; did you mean stride"),
        (["toeplitz", "--input", "3x3", "--kernel", "5x5"], "the kernel spans 1·(5 − 1) + 1 = 5 positions"),
        (["toeplitz", "--input", "3y3"], "one length or one per axis, as 224 or 224x320, not '3y3'"),
        (["toeplitz", "--padding", "sane"], "for before:after on each axis, not 'sane'"),
        (["kernels", __file__], "holds no picture that Pillow reads"),
        (["kernels", "{picture}", "--kernel", "1,2;3"], "a kernel's rows have equally many numbers"),
        (["kernels", "{picture}", "--kernel", "1,a"], "a kernel is numbers with commas between, rows with semicolons"),
        (["kernels", "{picture}", "--kernel", ""], "a kernel is numbers with commas between"),
        (["kernels", "{picture}", "--kernel", "1,inf"], "a kernel's numbers are finite"),
        (
            ["kernels", "{picture}", "--kernel", ";".join(["1"] * 41)],
            "40 x 40 pixels has no place for a kernel of 41 x 1",
        ),
        (["kernels", "{picture}", "--filter", "K5"], "invalid choice: 'K5'"),
        (["kernels", "{picture}", "--threshold", "2"], "the threshold must lie between 0 and 1"),
    ],
)
def test_a_mistake_is_a_sentence(
    words: list[str], message: str, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([word.replace("{picture}", str(picture)) for word in words])
    assert end.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_file_that_is_not_there_and_a_folder_that_cannot_be_one_are_named(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["kernels", str(tmp_path / "none.png")]) == 1
    assert capsys.readouterr().err == f"manualconv: {tmp_path / 'none.png'}: No such file or directory.\n"
    assert main(["figures", "mask", "--out", str(picture / "inside")]) == 1
    assert capsys.readouterr().err == f"manualconv: {picture / 'inside'}: Not a directory.\n"


@pytest.mark.parametrize(
    ("library", "words"),
    [
        ("matplotlib.figure", ["figures", "mask", "--out", "{folder}"]),
        ("PIL", ["figures", "gallery"]),
        ("PIL", ["kernels", "{folder}/house.png"]),
    ],
)
def test_a_library_that_is_not_there_is_named(
    library: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SystemExit):
        main([word.replace("{folder}", str(tmp_path)) for word in words])
    said = capsys.readouterr().err
    assert f"pictures are drawn by {library}" in said and "pip install '.[explain]'" in said
