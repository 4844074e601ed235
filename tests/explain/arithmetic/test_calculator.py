"""The size calculator: torch's sizes for drawn layers, the notes' numbers, and every answer of the inverse question."""

from __future__ import annotations

import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from manualconv.cli import main
from manualconv.explain import arith
from manualconv.explain.arithmetic.sizing import sizing_of
from manualconv.explain.text import ranges
from manualconv.geometry import Window
from manualconv.testing.cases import windows


def text(*args: object, **kwargs: object) -> str:
    return str(arith(*args, **kwargs))  # type: ignore[arg-type]


def sizes(figure: str) -> list[int]:
    """The results of the equations."""
    lines = figure.splitlines()[1:]
    return [int(line.rsplit("= ", 1)[1].split(": ")[-1]) for line in lines if line.startswith("  ")]


WINDOW = ("input_size", "kernel_size", "stride", "dilation")


@given(windows(2))
def test_the_size_is_torch_s_and_the_reads_are_the_adjoint_of_ones(window: Window) -> None:
    """How many outputs read a position: what a transposed convolution of ones by ones puts there."""
    figure = text(window.input_size, window.kernel_size, window.stride, window.padding, window.dilation)
    lengths, unread = [], []
    for i, k, s, d, pair in zip(*(getattr(window, name) for name in WINDOW), window.padding):
        x = torch.ones(1, 1, i).requires_grad_()
        y = F.conv1d(F.pad(x, pair), torch.ones(1, 1, k), None, s, 0, d)
        (reads,) = torch.autograd.grad(y.sum(), x)
        lengths.append(y.shape[2])
        unread.append(ranges((reads[0, 0] == 0).nonzero().flatten().tolist()))
    found = sizes(figure)
    assert (found * 2 if len(found) == 1 else found) == lengths
    said = re.findall(r"(?:never read: ([^;\n]*))|every position is read", figure)
    assert (said * 2 if len(said) == 1 else said) == unread


@given(windows(1), st.data())
def test_a_transposed_size_is_torch_s(window: Window, data: st.DataObject) -> None:
    (k,), (s,), (d,) = window.kernel_size, window.stride, window.dilation
    more = data.draw(st.integers(0, max(s, d) - 1))
    i = data.draw(st.integers(1, 6))
    p = data.draw(st.integers(0, max(0, (s * (i - 1) + d * (k - 1) + more) // 2)))
    figure = text(i, k, s, p, d, transposed=True, output_padding=more)
    x = torch.ones(1, 1, i)
    y = F.conv_transpose1d(x, torch.ones(1, 1, k), None, s, p, more, 1, d)
    assert sizes(figure) == [y.shape[2]]
    if y.shape[2] <= 16:
        assert [int(n) for n in figure.split("each: ")[1].split()] == y[0, 0].int().tolist()


@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2))
def test_ceil_mode_is_torch_s(i: int, k: int, s: int, p: int) -> None:
    p = min(p, k // 2)
    if i + 2 * p < k:
        return
    assert sizes(text(i, k, s, p, ceil_mode=True)) == [
        F.max_pool1d(torch.ones(1, 1, i), k, s, p, ceil_mode=True).shape[2]
    ]


@pytest.mark.parametrize(
    ("args", "out"),
    [
        ((6, 3), 4),
        ((5, 3), 3),
        ((28, 3), 26),
        ((28, 5), 24),  # where the notes say 23
        ((32, 5), 28),
        ((6, 3, 1, "same"), 6),
        ((6, 4, 1, "same"), 6),
        ((6, 3, 1, "full"), 8),
        ((5, 3, 2, 1), 3),
        ((28, 3, 2), 13),
        ((7, 3, 2), 3),
        ((7, 3, 3), 2),
    ],
)
def test_the_notes_sizes(args: tuple[int, ...], out: int) -> None:
    assert sizes(text(*args)) == [out]


def test_the_notes_other_numbers() -> None:
    dense = text((32, 32), 5, channels=3, filters=6)
    assert "volume 3×32×32 → 6×28×28" in dense
    assert "= 456; a dense layer has 14,450,688 weights" in dense
    assert "volume 3×5×5 → 2×3×3\nparameters 2·3·3×3 + 2 = 56;" in text((5, 5), 3, 2, 1, channels=3, filters=2)
    assert text(6, 3).endswith("every position is read; by so many outputs each: 1 2 3 3 2 1")
    assert text(6, 3, 1, 1).endswith("each: 2 3 3 3 3 2")
    assert "of the input's 7 positions never read: 6;" in text(7, 3, 3)
    assert "padding 'same': 1 before, 2 after" in text(6, 4, 1, "same")
    assert "3, less the last window, which would start in the padding: 2" in text(5, 2, 3, 1, ceil_mode=True)
    assert "parameters 4·4/2·1×1 + 4 = 12;" in text((3, 3), 1, channels=4, filters=4, groups=2)


NUMBERS = st.tuples(st.integers(1, 8), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2))


def listed(answer: str) -> list[int]:
    """The numbers of ``…: 1, 3 to 5``."""
    runs = [part.replace(" or more", " to 40").split(" to ") for part in answer.rsplit(": ", 1)[1].split(", ")]
    return [n for run in runs for n in range(int(run[0]), int(run[-1]) + 1)]


@given(NUMBERS, st.booleans(), st.booleans())
def test_the_inverse_lists_all_that_give_the_size(drawn: tuple[int, ...], transposed: bool, ceil: bool) -> None:
    """Of each number alone, found out by asking forward."""
    i, k, s, p, d = drawn
    ceil = ceil and not transposed

    def forward(i: int, k: int, s: int, p: int) -> int | None:
        try:
            return sizes(text(i, k, s, p, d, transposed=transposed, ceil_mode=ceil))[0]
        except ValueError:
            return None

    o = forward(i, k, s, p)
    if o is None:
        return

    def asked(i: int | None, k: int | None, s: int | None, p: int | None) -> list[int]:
        return listed(text(i, k, s, p, d, output_size=o, transposed=transposed, ceil_mode=ceil))

    assert asked(None, k, s, p) == [n for n in range(1, 40) if forward(n, k, s, p) == o]
    assert asked(i, None, s, p) == [n for n in range(1, 40) if forward(i, n, s, p) == o]
    assert asked(i, k, None, p) == [n for n in range(1, 41) if forward(i, k, n, p) == o]
    assert asked(i, k, s, None) == [n for n in range(40) if forward(i, k, s, n) == o]


def test_two_numbers_are_listed_together() -> None:
    assert text(28, 3, output_size=14) == "stride and padding that give 14 from 28: stride 2, padding 1"
    answer = text(None, (3, 5), 2, (1, 2), output_size=(14, 9))
    assert answer == "rows: input sizes that give 14: 27 to 28\ncolumns: input sizes that give 9: 17 to 18"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "--input 4 --kernel 5 --dilation 2",
            "spans 2·(5 − 1) + 1 = 9 positions and the padded input has only 4 + 0 + 0 = 4",
        ),
        ("--input 28 --kernel 5 --stride 0", "the stride is 0; it is at least 1"),
        ("--input 28 --kernel 3 --padding=-1", "the padding is (-1, -1); it is at least 0"),
        ("--input 28x28 --kernel 3x3x3", "numbers for unequal axes: input 2, kernel 3"),
        ("--input 28", "give the input and the kernel"),
        ("--input 28 --kernel 3 --output 200", "padding was tried up to 2, which puts no window on padding alone"),
        ("--input 28 --kernel a", "one length or one per axis, as 224 or 224x320, not 'a'"),
        ("--input 28 --kernel 3 --padding 1:b", "before:after on each axis, not '1:b'"),
        ("--input 28 --kernel 3 --channels 3", "parameters need both"),
        ("--input 28 --kernel 3 --channels 3 --filters 4 --groups 2", "2 groups must divide 3 channels and 4 filters"),
        ("--input 28 --output 14 --kernel 3 --stride 1 --padding 0", "are all given: leave out the one that is asked"),
        ("--input 28 --output 29 --kernel 3 --padding 0", "no stride gives 29 from 28"),
        ("--output 14", "which input gives 14 depends on the kernel"),
        ("--output 14x3 --kernel 3x3x3", "numbers for 2 and 3 axes: give one, or one per axis"),
        ("--output 0 --kernel 3", "the output is 0"),
        ("--input 2 --kernel 1 --padding 4 --transposed", "the output would be -6: the padding cuts off all"),
        (
            "--input 2 --kernel 3 --transposed --output-padding 1",
            "the output padding is 1; it is at least 0 and less than",
        ),
        ("--input 2 --kernel 3 --transposed --ceil", "a transposed layer has no ceil mode"),
        ("--input 99999 --output 7 --kernel 99", "too many to try from 99999"),
        (f"--input {10**23} --output {10**23}", "too many to try"),
        ("--input 28 --kernel 3 --output 14 --stride 0", "the stride is 0; it is at least 1"),
        ("--input=-28 --kernel 3 --output 14", "the input is -28; it is at least 1"),
        ("--input 28 --kernel 3 --output 9 --channels 3", "leave channels and filters out"),
    ],
)
def test_a_mistake_is_a_sentence_with_its_numbers(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["arith", *words.split()])
    assert end.value.code == 2
    printed = capsys.readouterr().err
    assert said in printed and printed.count("\n") == 1


def test_the_command_prints_the_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["arith", "--input", "28x27", "--kernel", "3x2", "--stride", "2", "--padding", "1:0x0"]) == 0
    assert capsys.readouterr().out == text((28, 27), (3, 2), 2, ((1, 0), (0, 0))) + "\n"
    assert main(["arith", "--input", "28", "--kernel", "3", "--padding", "1x2"]) == 0
    assert "output 28×30" in capsys.readouterr().out


def test_numbers_that_are_not_whole_are_a_sentence() -> None:
    for words in ({"input_size": 28.5}, {"input_size": "28"}, {"output_size": 2.5, "stride": 1}):
        with pytest.raises(TypeError, match=r"the (in|out)put is .*; it is a whole number, or one per axis"):
            arith(kernel_size=5, **words)  # type: ignore[arg-type]
    assert arith([28, 28], 5).text == arith((28, 28), 5).text  # type: ignore[arg-type]


def test_a_large_input_is_not_counted() -> None:
    assert text(1_000_000, 3).endswith("is counted up to 100,000")
    assert sizing_of(1_000_000, 3, 1, 0, 1, False, False, 0).window().output_size == (999_998,)
