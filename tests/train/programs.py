"""Calls of the two programs, with streams of the test's own, and what a refusal looks like."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from manualconv import cli
from train import cli as training_cli

ROOT = Path(training_cli.__file__).resolve().parents[1]
MAINS = {"train": training_cli.main, "manualconv": cli.main}
FILES = ["best.pt", "gradients.csv", "last.pt", "metrics.csv", "options.json", "previous.pt"]  # of a run
ENCODINGS = ("ascii", "latin-1", "cp1252", "utf-8", "utf-16")


#: Said once in a process, by whichever call is the first to compile.
COMPILING = "manualconv: compiling loops"


class Ended(NamedTuple):
    """The exit code and what was printed."""

    code: int
    out: str
    err: str


def called(main: Callable[[list[str]], int], *words: str, encoding: str = "utf-8") -> Ended:
    """Call a program with strict streams of an encoding; what loops say when they are compiled is left out."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding, "strict", newline="\n") for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        try:
            code = main(list(words))
        except SystemExit as end:
            code = int(end.code or 0)
        assert (sys.stdout, sys.stderr) == tuple(streams)
        assert [stream.errors for stream in streams] == ["strict", "strict"]
    texts = []
    for stream in streams:
        stream.flush()
        buffer = stream.detach()
        assert isinstance(buffer, io.BytesIO)
        lines = buffer.getvalue().decode(encoding).splitlines(keepends=True)
        texts.append("".join(line for line in lines if not line.startswith(COMPILING)))
    return Ended(code, *texts)


def refused(ended: Ended, code: int, message: str = "") -> None:
    """One line on standard error, and that exit code."""
    assert ended.code == code, ended
    assert message in ended.err
    assert ended.err.strip().count("\n") == 0
    assert ended.err.endswith("\n")
    assert "Traceback" not in ended.err and "usage" not in ended.err


Fit = Callable[..., Ended]
Patch = pytest.MonkeyPatch
Shown = pytest.CaptureFixture[str]
