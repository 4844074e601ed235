"""Reports about the command lines (CASES.md, row 24): help, sizes, paths, Ctrl-C, and the numbers of the trace."""

import errno
import os
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch

import manualconv
from manualconv import bench, cli, functional
from manualconv.bench.record import Record
from manualconv.geometry import Window
from manualconv.kernels.correlation import clipping
from tests.systems import needs_fifos
from tests.train.programs import ENCODINGS, MAINS, called, refused
from train import cli as training_cli

HELPS = {
    "train": [["--help"], ["fit", "-h"], *([name, "--help"] for name in training_cli.COMMANDS)],
    "manualconv": [["--help"], ["choice", "--help"], ["bench", "-h"], ["check", "--help"]],
}


@pytest.mark.parametrize("columns", ["20", "80", "400", "1", "many"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("words", [[p, *w] for p, many in HELPS.items() for w in many], ids=" ".join)
def test_help_needs_characters_that_the_terminal_lacks(
    monkeypatch: pytest.MonkeyPatch, words: list[str], encoding: str, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    ended = called(MAINS[words[0]], *words[1:], encoding=encoding)
    assert ended.code == 0 and not ended.err
    assert "usage" in ended.out
    assert ended.out.isascii()


CONVOLUTION = {"input": "2,4,9,8", "weight": "6,2,3,2", "stride": "1", "padding": "0", "dilation": "1", "groups": "2"}
BAD_CHOICES = [
    *({key: value} for key in ("stride", "dilation") for value in ("0", "-1", "0,1", "1,0", "1,2,3", str(2**63))),
    *({"groups": value} for value in ("0", "-1", "3", "2.5", "two", "", str(2**62), str(2**70))),
    *({"padding": value} for value in ("-1", "0,-1", "1,2,3", str(2**62), str(10**30), "same")),
    *(
        {"input": value}
        for value in ("", "1", "1,4", "0", "2,4", "2,5,9,8", "2,4,9,8,7", "-2,4,9,8", "2,4,-9,8", "2,4,0,8")
    ),
    *(
        {"input": value}
        for value in ("2,4,9", "2,4,2,8", "a,b", "2;4", "2,4,9,8,", "1e3,4,9,8", "2.0,4,9,8", f"2,4,{2**62},8")
    ),
    *(
        {"weight": value}
        for value in ("6", "6,2,0,2", "6,2,99,2", "5,2,3,2", "1,2,3,2", "6,3,3,2", "-6,2,3,2", "6,2,3,-2")
    ),
    *({"weight": value} for value in (f"6,2,{2**62},2", f"{2**62},2,3,2", f"6,2,{10**40},2", "日,2,3,2")),
    {"dilation": str(2**62)},
    {"dtype": "float16"},
    {"accuracy": "perfect"},
    {"padding": f"{2**62 - 1},{2**62 - 1}"},
]


def sizes(changes: dict[str, str]) -> list[str]:
    """Options of ``choice``: a convolution with other sizes."""
    return [f"--{key}={value}" for key, value in {**CONVOLUTION, **changes}.items()]


COUNTS = {
    "compare": ("--rounds", "--seed", "--batch-size", "--threads", "--max-train"),
    "fit": ("--epochs",),
    "trace": ("--steps",),
}
NO_NUMBERS = ("nan", "inf", "-inf", "1e400", "-1e400", "x", "", "日")
#: A program, its words, and what its line says.
REFUSED: list[tuple[str, list[str], str]] = [
    *(("manualconv", ["choice", *sizes(bad)], "manualconv choice: ") for bad in BAD_CHOICES),
    *(("manualconv", ["choice", *words], "") for words in ([], ["--input", "1,1,9"], ["--weight", "1,1,3"])),
    *(("manualconv", ["choice", word], "") for word in ("--input", "--frob")),
    *(("manualconv", ["bench", "--only", *rows], "no row") for rows in (["Q7"], [""], ["A1", "日"], ["a1"])),
    ("train", ["train"], "no sub-command 'train'"),
    ("train", ["--epoch", "1"], "unrecognized arguments"),
    ("train", ["--epochs", "1", "compare"], "unrecognized arguments: compare"),
    ("train", ["--epochs"], "expected one argument"),
    ("train", ["--threads", "1000000"], "from 1 to 1024"),
    ("train", ["--arch", "lenet"], "--arch: 'lenet' is none of lenet5, "),
    ("train", ["--download"], "--download needs --data-dir"),
    ("train", ["compare", "--epochs", "2"], "unrecognized arguments"),
    ("train", ["trace", "--eta", "0"], "'0' is not a finite number above 0"),
    ("train", ["trace", "--input", "1"], "expected 2 arguments"),
    *(("train", [option, value], option) for option, value in (("--backend", "jax"), ("--dtype", "float16"))),
    *(("train", ["--lr", value], f"{value!r} is not a finite number above 0") for value in ("0", "nan", "inf", "fast")),
    *(("train", ["trace", "--input", value, "1"], "--input") for value in NO_NUMBERS),
    *(("train", ["trace", key, value], key) for key in ("--target", "--eta") for value in NO_NUMBERS),
    *(
        ("train", [command, option, value], option)
        for command, options in COUNTS.items()
        for option in options
        for value in ("-1", "", "1.5", "two", str(2**63), "9" * 400, *(["0"] if option != "--seed" else []))
    ),
]


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
@pytest.mark.parametrize(("program", "words", "message"), REFUSED, ids=lambda value: ascii(value)[:60])
def test_words_of_no_sense_are_a_line(program: str, words: list[str], message: str, encoding: str) -> None:
    """``--stride 0`` was a ZeroDivisionError."""
    refused(called(MAINS[program], *words, encoding=encoding), 2, message)


@pytest.mark.parametrize("accuracy", ["exact", "fast"])
@pytest.mark.parametrize(
    "good",
    [
        {"input": "0,4,9,8"},
        {"input": "1,0,9", "weight": "3,0,2", "groups": "1"},
        {"input": "1,1,2147483648", "weight": "1,1,2147483648", "groups": "1"},
        {"input": "1,1,2147483648", "weight": "1,1,1073741824", "groups": "1"},
        {"input": "1,1,1000000,1000000", "weight": "1,1,99999,99999", "groups": "1"},
        {"stride": str(2**63 - 1)},
        {"weight": "6,2,1,1", "dilation": str(2**62)},
        {"padding": str(2**20)},
        {"stride": "2,1", "padding": "1,0", "dilation": "1,3"},
    ],
    ids=str,
)
def test_sizes_far_from_the_usual_are_answered_at_once(good: dict[str, str], accuracy: str) -> None:
    """The cost of clipping was added up tap by tap: a kernel of 2³¹ taps never came to an end."""
    ended = called(cli.main, "choice", *sizes({**good, "accuracy": accuracy}), encoding="ascii")
    assert ended.code == 0, ended
    assert all(f"to_{map}: " in ended.out for map in ("output", "input", "weight"))


def test_the_cost_of_clipping_without_a_loop_is_that_of_its_loops() -> None:
    numbers = torch.randint(0, 7, (4000, 6), generator=torch.Generator().manual_seed(0)).tolist()
    count = 0
    for i, k, d, lo, hi, more in numbers:
        axes = ((i, i + more), (k + 1, 2), ((lo, hi), (hi, more)), (d + 1, 1))
        size, kernel, padding, dilation = axes
        window = Window(size, kernel, (1, 1), dilation, padding)
        if min(window.output_size) < 1:
            continue
        count += 1
        rows, boxes = clipping._rows(window), [box for _, box in clipping._cuts(window)]
        first, second = (clipping._pairs(window, axis) for axis in range(2))
        assert first == (len(rows), sum(p.stop - p.start for _, p, _ in rows))
        assert second == (len(boxes), sum(prod(p.stop - p.start for p in box.placements) for box in boxes))
    assert count > 1000


@pytest.mark.parametrize(
    "bad",
    [
        {"stride": 0},
        {"stride": (1, 0)},
        {"dilation": 0},
        {"padding": -1},
        {"groups": 0},
        {"groups": 4},
        {"stride": 1.5},
        {"stride": None},
        {"stride": "1"},
        {"groups": None},
        {"groups": (1,)},
        {"dilation": 99},
        {"padding": (1, 2, 3)},
        {"stride": 2**64},
    ],
    ids=str,
)
def test_choice_takes_what_the_layer_refuses(bad: dict[str, Any]) -> None:
    sizes = ((2, 4, 9, 8), (6, 2, 3, 2))
    with pytest.raises((RuntimeError, TypeError, ValueError)):
        functional.conv2d(*(torch.ones(size) for size in sizes), **{"groups": 2, **bad})
    with pytest.raises(ValueError, match=r"."):
        manualconv.choice(*sizes, **{"groups": 2, **bad})


@pytest.mark.parametrize(
    "size", [(2, 4.0, 9, 8), "2498", None, (2, None, 9, 8), (-1, 4, 9, 8), 4, (2**64, 4, 9, 8)], ids=str
)
def test_a_size_that_is_none_is_refused(size: Any) -> None:
    for sizes in ((size, (6, 4, 3, 2)), ((2, 4, 9, 8), size)):
        with pytest.raises(ValueError, match=r"size|numbers"):
            manualconv.choice(*sizes)


BAD_FILES = {
    "no such folder to make": "file/x",
    "a folder": ".",
    "an empty name": "",
    "too long": "x" * 300 + ".svg",
    "below a device": "/dev/null/x.svg",
}


@pytest.mark.parametrize("option", ["--json", "--output", "--plot"])
@pytest.mark.parametrize("bad", BAD_FILES)
def test_an_hour_of_measuring_ends_at_a_path_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, option: str, bad: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setattr(bench, "run", lambda _: pytest.fail("measured"))
    refused(called(cli.main, "bench", option, BAD_FILES[bad]), 2, option)
    assert sorted(os.listdir(tmp_path)) == ["file"]


@needs_fifos
def test_a_path_that_can_be_written_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench, "run", lambda _: [])
    (tmp_path / "old.json").write_text("{}", encoding="utf-8")
    os.mkfifo(tmp_path / "fifo")  # opening it would wait for a reader
    words = [
        "--json",
        str(tmp_path / "old.json"),
        "--output",
        str(tmp_path / "fifo"),
        "--plot",
        str(tmp_path / "a.svg"),
    ]
    assert called(cli.main, "bench", *words) == (0, "", "")
    assert (tmp_path / "old.json").read_text(encoding="utf-8") == "{}"
    assert not (tmp_path / "a.svg").exists()
    refused(called(cli.main, "bench", "--plot", str(tmp_path / "a.xyz")), 2, "a picture ends in .svg")


def test_a_file_that_cannot_be_written_behind_the_measuring_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "日.json")

    monkeypatch.setattr(bench, "run", full)
    refused(called(cli.main, "bench", encoding="ascii"), 1, "\\u65e5.json: No space left on device")


@pytest.mark.parametrize(
    "words", [(p, c) for p in MAINS for c in (training_cli, cli)[p != "train"].COMMANDS], ids=" ".join
)
def test_ctrl_c_is_a_traceback(monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]) -> None:
    def interrupted(*_: Any) -> int:
        raise KeyboardInterrupt

    module: Any = training_cli if words[0] == "train" else cli
    old = module.COMMANDS[words[1]]
    new = (
        old._replace(run=interrupted)
        if words[0] == "manualconv"
        else training_cli.Command(old.options, interrupted, old.is_for_reading)
    )
    monkeypatch.setitem(module.COMMANDS, words[1], new)
    needed = {"choice": ["--input", "1,1,9", "--weight", "1,1,3"], "check": ["torch"], "predict": ["best.pt", "a.png"]}
    needed |= {name: ["best.pt"] for name in ("evaluate", "report", "export")}
    needed |= {"animate": ["conv"], "explain": ["conv"], "kernels": ["a.png"]}
    needed |= {name: ["alexnet", "--input", "224"] for name in ("rf", "summary")}
    refused(called(MAINS[words[0]], words[1], *needed.get(words[1], [])), 130, "stopped by Ctrl-C")


def test_a_benchmark_stopped_by_ctrl_c_counts_as_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(_: Any) -> Iterator[Record]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(bench, "run", lambda options: bench_run(options, interrupted))
    ended = called(cli.main, "bench", "--json", str(tmp_path / "x.json"), encoding="ascii")
    assert ended.code == 130
    assert "interrupted" in (tmp_path / "x.json").read_text(encoding="utf-8")


bench_run = bench.run
