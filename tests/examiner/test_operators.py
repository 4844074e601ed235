"""``manualconv check FILE.py:torch.ops.ns.name``: the operator as a function, and torch's own check of operators."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from manualconv.testing.adapters import Unusable
from manualconv.testing.examiner.opcheck import OPCHECK
from manualconv.testing.examiner.target import named
from tests.examiner.test_examiner import ROOT, examined, failures

FILE = f"{Path(__file__).parent}/operators.py"
BY = ("definition", "opcheck")


def test_a_right_operator_is_not_accused() -> None:
    abilities, outcomes = examined(f"{FILE}:torch.ops.examined.right", "relu", cases=8, only=BY)
    assert failures(abilities, outcomes) == []
    assert {outcome.law: outcome.reached for outcome in outcomes}[OPCHECK] == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fake_is_wrong", "opcheck finds a fault in the fake kernel: MetadataMismatchError"),
        (
            "edits_its_operand",
            "opcheck finds a fault in the schema: RuntimeError: Argument x is not defined as mutable",
        ),
    ],
)
def test_what_opcheck_finds_is_a_verdict_with_a_program_that_finds_it_again(
    name: str, words: str, tmp_path: Path
) -> None:
    _, outcomes = examined(f"{FILE}:torch.ops.examined.{name}", "relu", cases=8, only=BY)
    (found,) = (outcome for outcome in outcomes if outcome.law == OPCHECK)
    assert found.words.startswith(words)
    script = tmp_path / "again.py"
    script.write_text(found.script, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, env=environment)
    assert ended.returncode == 1
    assert "OpCheckError" in ended.stderr


def test_an_operator_without_autograd_is_examined_forward() -> None:
    abilities, outcomes = examined(f"{FILE}:torch.ops.examined.without_autograd", "relu", cases=8, only=BY)
    assert "no autograd formula was registered" in abilities["gradients"]
    assert failures(abilities, outcomes) == []
    assert [outcome.law for outcome in outcomes if outcome.reached] == ["the value is the definition's", OPCHECK]


def test_what_an_operator_s_schema_does_not_take_is_unsupported() -> None:
    abilities, outcomes = examined(f"{FILE}:torch.ops.examined.convolution", "conv2d", cases=8, only=BY)
    assert failures(abilities, outcomes) == []
    assert not abilities["stride"]
    for name, words in (("groups", "unexpected keyword argument"), ("string padding", "which 'same' is not")):
        if name in abilities:  # padding in words is drawn by the family's laws alone
            assert words in abilities[name]


@pytest.mark.parametrize("name", ["examined.rigth", "examinde.right"])
def test_an_operator_that_is_not_there_is_said_with_what_there_is(name: str) -> None:
    """Whether or not somebody has asked for it before: a namespace does not list it until then."""
    (target,) = named(f"{FILE}:torch.ops.{name}", "relu")
    with pytest.raises(Unusable, match=r"examined\.right.*\?"):
        target.thing()
