"""``manualconv animate``: every pass printed, pictures saved, a sentence for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from manualconv.cli import main
from manualconv.explain.animation.animate import FRAMES, MOST
from manualconv.explain.tracing.passes import KEYS

WORDS = ["animate", "conv", "--input", "5x4", "--kernel", "3x2", "--stride", "2x1", "--padding", "1:0x0", "--pass"]


def test_the_command_prints_every_pass_and_saves_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*WORDS, "weight", "--steps", "1:3", "--seed", "4", "--out", str(tmp_path / "new")]) == 0
    said = capsys.readouterr().out
    assert "weight gradient: dw[k] = Σ x[i] · dy[p]" in said
    assert said.count("    step ") == 2
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"conv-weight.gif", "conv-weight.png", "conv.html"}
    assert main([*WORDS, "all"]) == 0
    assert capsys.readouterr().out.count("\n\n") == len(KEYS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("conv --kernel 3,3", "argument --kernel: one length or one per axis, as 224 or 224x320, not '3,3'"),
        ("conv --input 5xa", "argument --input: one length or one per axis"),
        ("conv --padding 1:2:3", "or 1:0x2:2 for before:after on each axis, not '1:2:3'"),
        ("conv --steps 3", "argument --steps: a first step and one behind the last, as 0:20, not '3'"),
        ("conv --pass sideways", "argument --pass: 'sideways' is no pass: name one or more of forward,input,"),
        ("dense", "invalid choice: 'dense'"),
        (
            "conv --kernel 9",
            "the kernel spans 1·(9 − 1) + 1 = 9 positions and the padded input has only 5 + 0 + 0 = 5",
        ),
        (
            "conv --input 5x5x5 --kernel 2 --pass bias --out {}",
            "a picture has one or two axes, this layer has 3: without --out all steps are printed",
        ),
        ("conv --channels 3 --groups 2", "2 groups must divide 3 channels and 1 filters"),
        ("conv --filters 0", "filters must be at least 1, not 0"),
        ("conv --seed -1", "a seed is a whole number from 0 up to 2^63, not -1"),
        ("max_pool --pass weight", "max_pool has no pass 'weight': it has no weight"),
        ("max_pool --padding 2", "padding 2 is more than half of the kernel 2: max_pool takes at most 1"),
        (
            "conv --input 17x17 --out {}",
            f"225 steps of the pass 'forward' are asked for, and an animation holds {FRAMES} at most: "
            f"show a part of them, as --pass forward --steps 0:{FRAMES}",
        ),
        ("conv --input 17x17 --steps 9: --out {}", "216 steps of the pass 'forward' are asked for"),
        ("conv --input 40x40 --out {}", "than a picture of 1300 x 900 points shows: give a smaller input"),
        ("conv --input 40x40 --pass forward --steps 0:9 --out {}", "more cells than a picture of"),
        ("conv --input 900x900", f"products in a pass, and {MOST:,} are traced at most"),
        ("conv --input 9000x9000 --stride 9000", f"cells in a tensor, and {MOST:,} are traced at most"),
        (
            "conv --kernel 1 --padding 99999999 --stride 99999999",
            f"cells in a tensor, and {MOST:,} are traced at most",
        ),
        ("conv --input 0x5", "the input is 0×5; it is at least 1 on each axis"),
        ("conv --input 2x2x2x2 --kernel 1", "the input has 4 axes, and PyTorch's layers have one to three"),
        ("conv --kernel 3x3x3", "numbers for unequal axes: input 2, kernel 3; each has one number, or 2"),
        ("conv --pass bias --steps 4:8", "the pass 'bias' has the steps 0 to 0, none of which is asked for"),
    ],
)
def test_a_mistake_is_a_sentence_and_nothing_is_written(
    words: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["animate", *words.format(tmp_path / "out").split()])
    assert end.value.code == 2
    said = capsys.readouterr()
    assert message in said.err
    assert not said.out
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main([*WORDS, "bias", "--out", str(tmp_path / "file")]) == 1
    assert f"{tmp_path / 'file'}: " in capsys.readouterr().err


def test_without_pillow_the_command_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(SystemExit):
        main([*WORDS, "bias", "--out", str(tmp_path)])
    assert "pictures are drawn by PIL, which is not here: pip install '.[explain]'" in capsys.readouterr().err
