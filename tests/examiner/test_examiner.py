"""``manualconv check``: right implementations pass, wrong ones and cheats are noticed, bad patients get a sentence."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from manualconv.cli import main
from manualconv.testing.adapters import Unusable
from manualconv.testing.examiner import explaining, judgement
from manualconv.testing.examiner.asking import Task, drawn
from manualconv.testing.examiner.examination import Judge, processes
from manualconv.testing.examiner.outcome import Outcome
from manualconv.testing.examiner.target import named
from manualconv.testing.faults.bank import FromBank
from manualconv.testing.faults.everything import BANK
from manualconv.testing.faults.sitting import Acquainted
from manualconv.testing.laws.operation import Kind

KERNELS = "tests.examiner.kernels"
ROOT = Path(__file__).resolve().parents[2]


def examined(
    name: str, operation: str, cases: int = 40, only: Sequence[str] = (), tier: str = "direct"
) -> tuple[dict[str, str], list[Outcome]]:
    """Abilities and outcomes, without processes of their own."""
    text = name if name in ("torch", "manualconv") or ":" in name else f"{KERNELS}:{name}"
    target = FromBank(name, operation) if name in BANK else named(text, operation)[0]
    abilities: dict[str, str] = {}
    outcomes: list[Outcome] = []

    def say(kind: str, *rest: Any) -> None:
        if kind == "ability":
            abilities[rest[0]] = rest[1]
        elif kind == "outcome":
            outcomes.append(rest[0])

    def ask(label: str, case: Any, small: bool, kind: Any, results: list[torch.Tensor]) -> Any:
        return judgement.judged(label, case, small, kind, [t.detach().double() for t in results], tier)

    Acquainted(Task(target, cases, 0, tier, tuple(only), without=("compile",)), say, ask).examine()
    return abilities, outcomes


def failures(abilities: dict[str, str], outcomes: list[Outcome]) -> list[str]:
    """What is wrong."""
    return [f"{o.law}: {o.words}" for o in outcomes if o.words] + [
        f"{name}: {why}" for name, why in abilities.items() if why.startswith("failed")
    ]


RIGHT = {
    "torch's relu": ("torch", "relu"),
    "our relu": ("manualconv", "relu"),
    "our batch_norm": ("manualconv", "batch_norm"),
    "a pair of NumPy functions": ("in_numpy", "conv2d"),
    "an autograd.Function": ("Gate", "relu"),
    "a module without parameters": ("avg_pool2d: a Module class without parameters", "avg_pool2d"),
    "a module with parameters": ("linear: a Module class with parameters", "linear"),
    "one in float32 alone": ("in_float32_alone", "relu"),
}


@pytest.mark.parametrize(("name", "operation"), RIGHT.values(), ids=RIGHT)
def test_who_is_right_is_not_accused(name: str, operation: str) -> None:
    abilities, outcomes = examined(name, operation, cases=8)
    assert failures(abilities, outcomes) == []
    assert sum(outcome.reached for outcome in outcomes) > 30


def test_an_algorithm_that_is_no_direct_sum_is_not_accused_in_its_tier() -> None:
    """Whole numbers are not exact in it, in no mode and in no order."""
    found, outcomes = examined(
        "by_tenths", "linear", cases=40, only=("definition", "derivative", "forward"), tier="fast"
    )
    assert failures(found, outcomes) == []
    _, outcomes = examined("by_tenths", "linear", cases=20, only=("the value",))
    assert any(o.words for o in outcomes)


WRONG_PLACES = "adaptive_max_pool2d: places counted by the height"


@pytest.mark.parametrize(("name", "told"), [("torch", False), ("manualconv", False), (WRONG_PLACES, True)])
def test_positions_of_adaptive_maxima_are_examined(name: str, told: bool) -> None:
    _, outcomes = examined(name, "adaptive_max_pool2d", cases=120, only=("A1 ",))
    (outcome,) = outcomes
    assert bool(outcome.words) is told
    assert told or outcome.reached == 15


#: A cheat of the bank, and words of what notices it.
WRONG = {
    "relu: zeros": "the value is the definition's",
    "relu: remembered by shape": "the value is the definition's",
    "relu: the first image alone": "the value is the definition's",
    "relu: its operand is zeroed": "operands are left as they are",
    "relu: its operand is given back": "results have memory of their own",
    "relu: a little noise": "the same call gives the same bits",
    "softmax: float16 inside": "float64 is computed as float64",
    "relu: the collector switched off": "switches are left as they are",
    "relu: spoiled on another thread": "a result is finished when it is returned",
}


@pytest.mark.parametrize(("name", "law"), WRONG.items())
def test_a_cheat_is_noticed(name: str, law: str) -> None:
    try:
        abilities, outcomes = examined(name, BANK[name].operation, only=[law])
    finally:
        gc.enable()
    assert any(law in wrong for wrong in failures(abilities, outcomes)) or abilities["forward"].startswith("failed")


@pytest.mark.parametrize(
    ("name", "slot", "fact"),
    [("remainder_forgotten", "dW", "stride leaves a remainder"), ("dilation_of_the_other_axis", "y", "dilation")],
)
def test_a_failure_is_one_line_and_a_script_that_fails_again(
    name: str, slot: str, fact: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explaining, "EXPLAINING", 60.0)
    _, outcomes = examined(name, "conv2d", cases=150, only=["definition"])
    found = next(outcome for outcome in outcomes if outcome.words)
    assert found.sentence.startswith(f"{slot} is wrong")
    assert fact in found.sentence
    assert "should be" in found.sentence
    assert len(found.script.splitlines()) <= 25
    script = tmp_path / "again.py"
    script.write_text(found.script, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, env=environment)
    assert ended.returncode == 1
    assert "AssertionError" in ended.stderr
    assert "should be" in ended.stderr


def test_a_result_without_a_graph_is_an_ability_that_is_missing() -> None:
    abilities, outcomes = examined("relu: forward alone, by NumPy", "relu", cases=16)
    assert abilities["gradients"].startswith("unsupported: the result has no graph")
    assert [o.law for o in outcomes if not o.words][:1] == ["the value is the definition's"]
    assert failures(abilities, outcomes) == []


def test_a_derivative_whose_graph_is_cut_is_noticed_at_order_two() -> None:
    abilities, _ = examined("tanh: a slope with a cut graph", "tanh", cases=4, only=["second derivative"])
    assert not abilities["gradients"]
    assert abilities["order 2"].startswith("failed: wrong: the second derivative is wrong")


def test_a_partial_kernel_is_examined_within_its_part() -> None:
    abilities, outcomes = examined("in_numpy", "conv2d", cases=8, only=["C17"])
    assert abilities["groups"] == "unsupported: NotImplementedError: batches, numbers and one group alone"
    assert not abilities["dilation"]
    depthwise = next(outcome for outcome in outcomes if outcome.law.startswith("C17"))
    assert (depthwise.reached, "groups" in depthwise.lacking) == (0, True)


# -------------------------------------------------------------------------------------------------- bad patients


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("raises", "ValueError: no way"),
        ("takes_two", "TypeError: takes_two() missing 1 required positional argument"),
        ("gives_a_list", "the result is list, not a tensor"),
        ("Crooked", "has the parameters kernel"),
    ],
)
def test_who_cannot_be_asked_gets_a_sentence(name: str, words: str) -> None:
    abilities, outcomes = examined(name, "linear" if name == "Crooked" else "relu", cases=4)
    assert words in abilities["forward"]
    assert [outcome.law for outcome in outcomes] == ["forward, asked for"]


@pytest.mark.parametrize(
    ("text", "operation", "words"),
    [
        ("nothing", None, "names nothing"),
        (f"{KERNELS}:raises", None, "is no operation: say which it is by --as"),
        (f"{KERNELS}:raises", "conv9d", "there is no operation 'conv9d' (conv"),
    ],
)
def test_what_there_is_not_is_said_with_what_there_is(text: str, operation: str | None, words: str) -> None:
    with pytest.raises(Unusable) as refused:
        named(text, operation)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no.such.module:relu", "cannot be imported: ModuleNotFoundError"),
        ("no/such/file.py:relu", "there is no file no/such/file.py"),
        (f"{KERNELS}:raizes", "has no raizes (raises, crashes?)"),
        (f"{KERNELS}:not_callable", "it is a int"),
    ],
)
def test_a_target_that_cannot_be_loaded_is_said_in_a_sentence(text: str, words: str) -> None:
    (target,) = named(text, "relu")
    with pytest.raises(Unusable) as refused:
        target.adapted(target.thing())
    assert words in str(refused.value)


def test_it_survives_its_patients(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """In processes of their own; the exit codes, the lines and the JSON."""
    file = tmp_path / "found.json"
    modes = ("compile", "vmap", "order 2", "order 3", "forward mode", "autocast", "float16", "bfloat16", "float32")
    asked = ["--as", "relu", "--profile", "smoke", "--only", "value", "--json", str(file), "--without", *modes]
    assert main(["check", f"{KERNELS}:prints_megabytes", *asked]) == 0
    assert len(capfd.readouterr().out) < 10_000
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["schema"] == 1
    assert found["results"][0]["laws"]["the value is the definition's"]["verdict"] == "passed"
    assert main(["check", f"{KERNELS}:crashes", *asked, "--dtype", "float64"]) == 1
    assert "ends the process (SIGABRT)" in capfd.readouterr().out
    assert main(["check", f"{KERNELS}:hangs", *asked, "--dtype", "float64", "--timeout", "3"]) == 1
    assert "hangs: no answer within 3 s" in capfd.readouterr().out


def test_a_process_that_may_use_cuda_is_no_copy() -> None:
    assert processes("cuda:0").get_start_method() == "spawn"


def test_the_judge_prints_nothing_about_a_target_of_another_size(capfd: pytest.CaptureFixture[str]) -> None:
    """Such targets are drawn on purpose."""
    cases = drawn(judgement.proofs()["mse_loss"].cases, 40, 0)
    case = next(case for case in cases if case.extent(case.target) != case.shape)
    judge = Judge()
    try:
        answer = judge("mse_loss", case, False, Kind("real float64"), [np.zeros(())], "direct")
    finally:
        judge.close()
    assert answer.difference is not None
    assert "target size" not in capfd.readouterr().err


def test_wrong_usage_ends_with_2(capfd: pytest.CaptureFixture[str]) -> None:
    for more, words in (
        (["--only", "nosuchlaw"], "no law has"),
        (["--require", "wings"], "there is no ability 'wings'"),
    ):
        assert main(["check", "--as", "relu", *more, "torch"]) == 2
        assert words in capfd.readouterr().err
