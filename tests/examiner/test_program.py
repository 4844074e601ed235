"""What the command and the plugin share: which laws there are for a target, and how progress is shown."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import pytest

from manualconv.testing.examiner import examination, program
from manualconv.testing.options import Wish, add_options, with_target


def test_a_terminal_without_rich_gets_plain_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with program.watched(2) as step:
        step("one law")
        step("another")
    assert capsys.readouterr().err == "one law\nanother\n"


@pytest.mark.parametrize(
    ("wish", "there", "not_there"),
    [
        (Wish("torch", "relu"), "the value is the definition's", "C1 linear in x"),
        (Wish("torch", "conv2d"), "C1 linear in x", "P1 it is the largest of all readings"),
        (Wish("torch", "conv2d", tier="fast"), "the value is the definition's", "C1 linear in x"),
        (Wish("torch", "conv2d", only=("C1 ",)), "C1 linear in x", "C2 linear in w"),
    ],
)
def test_the_laws_of_a_target_are_those_of_its_operation_tier_and_choice(
    wish: Wish, there: str, not_there: str
) -> None:
    (task,) = program.tasks(wish)
    laws = program.laws(task)
    assert there in laws
    assert not_there not in laws


def test_what_only_our_layers_promise_is_asked_of_ours_alone() -> None:
    (ours,), (theirs,) = (program.tasks(Wish(target, "conv2d")) for target in ("manualconv", "torch"))
    more = set(program.laws(ours)) - set(program.laws(theirs))
    assert more
    assert set(program.laws(theirs)) < set(program.laws(ours))
    assert all("gradients" in program.laws(ours)[name] for name in more)


@pytest.mark.parametrize(
    ("words", "target", "only"),
    [
        (["--only", "C1 ", "C2 ", "kernel.py:conv2d"], "kernel.py:conv2d", ["C1 ", "C2 "]),
        (["--only", "C1 ", "--without", "vmap", "order 2", "torch"], "torch", ["C1 "]),
        (["--only", "C1 ", "--only", "C2 ", "package.module:pool"], "package.module:pool", ["C1 ", "C2 "]),
        (["kernel.py:conv2d", "--only", "C1 "], "kernel.py:conv2d", ["C1 "]),
        (["--only", "C1 ", "numbers:"], None, ["C1 ", "numbers:"]),
        ([], None, []),
    ],
)
def test_a_target_behind_a_list_of_words_is_the_target(words: list[str], target: str | None, only: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("target", nargs="?")
    add_options(parser.add_argument)
    said = with_target(vars(parser.parse_args(words)))
    assert said["target"] == target
    assert said["only"] == only


def test_waiting_for_a_processor_is_no_hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that says something after three seconds, two of them in the queue for a processor."""
    clock = {"now": 100.0, "waited": 0.0}
    monkeypatch.setattr(examination.time, "monotonic", lambda: clock["now"])
    monkeypatch.setattr(examination, "waited", lambda pid: clock["waited"])

    class Starved:
        def poll(self, seconds: float) -> bool:
            clock["now"] += seconds
            clock["waited"] = min(2.0, 2 / 3 * (clock["now"] - 100.0)) if self.waits else 0.0
            return clock["now"] >= 103.0

        waits = True

    connection: Any = Starved()
    assert examination.says(connection, 0, 1.2)
    clock.update(now=100.0, waited=0.0)
    connection.waits = False
    assert not examination.says(connection, 0, 1.2)
