"""docs/TORCH_BUGS.md: every program fails where torch is wrong; one that no longer does is to be taken out.

With another torch, or on a processor with other instructions, torch may be right.
"""

from __future__ import annotations

import json
import re

import pytest
import torch

from manualconv.testing.examiner import report, torch_bugs
from manualconv.testing.examiner.asking import GRADIENTS, Task
from manualconv.testing.examiner.examination import Examination
from manualconv.testing.examiner.outcome import Outcome
from manualconv.testing.examiner.target import Target
from tests.pages import DOCS

PAGE = (DOCS / "TORCH_BUGS.md").read_text(encoding="utf-8")
BUGS = {
    title: (where, program)
    for title, where, program in re.findall(r"^## (.*?)$(.*?)```python\n(.*?)```", PAGE, flags=re.MULTILINE | re.DOTALL)
}


HERE = f"torch {torch.__version__.partition('+')[0]} passes on {torch.backends.cpu.get_cpu_capability()}"


@pytest.mark.parametrize(("where", "program"), BUGS.values(), ids=BUGS)
def test_torch_is_still_wrong(where: str, program: str) -> None:
    if "with AMX" in where and not torch.cpu._is_amx_tile_supported():
        pytest.skip("this processor has no AMX")
    try:
        exec(compile(program, "docs/TORCH_BUGS.md", "exec"), {})
    except AssertionError:
        return
    if HERE in PAGE and "whatever the memory held" not in where:
        pytest.fail("torch is right: take it out of the page")
    pytest.skip(f"right here: {HERE}")


def test_a_report_knows_each_by_its_title() -> None:
    assert len(BUGS) == PAGE.count("\n## ") > 3
    assert set(BUGS) == set(torch_bugs.BUGS)
    assert f"torch {torch_bugs.TORCH} passes" in PAGE


@pytest.mark.parametrize(
    ("operation", "law", "words"),
    [
        ("hardsigmoid", GRADIENTS, "dX is wrong"),
        ("conv2d", "bfloat16 is off by the roundings of its sum", "dW has lost digits"),
        ("instance_norm", "channels-last", "wrong: dX is wrong"),
        ("batch_norm", "the third derivative is the second one's", "RuntimeError: Expected a proper Tensor"),
        ("batch_norm", "order 2", "wrong: the second derivative is wrong: Jacobian mismatch"),
        ("layer_norm", "order 3", "wrong: the third derivative is wrong: Jacobian mismatch"),
        ("layer_norm", "order 3, asked for", "RuntimeError: Expected a proper Tensor"),
        ("max_unpool3d", GRADIENTS, "RuntimeError: view size is not compatible"),
        ("dropout2d", "results have memory of their own", "y shares its memory with an operand"),
    ],
)
def test_what_torch_fails_by_is_known(operation: str, law: str, words: str) -> None:
    assert torch_bugs.known(operation, law, words)
    assert not torch_bugs.known("relu", law, words)


def examination(target: str, *outcomes: Outcome) -> Examination:
    """One that has come to its end."""
    task = Task(Target(target, "conv2d"), 4, 0, "direct")
    return Examination(task, abilities={"forward": ""}, outcomes=list(outcomes))


def test_a_known_failure_is_named_and_not_hidden() -> None:
    wrong = Outcome(GRADIENTS, 3, 4, words="dW is wrong")
    title = "conv2d: the gradient of the weight is wrong in silence"
    said = report.lines(examination("torch", wrong), ())
    assert [line for line in said if title in line] == [f"{'':14}known of torch {torch_bugs.TORCH}: {title}"]
    assert report.failed(examination("torch", wrong), ()) == ["dW is wrong"]
    assert (
        json.loads(report.as_json([examination("torch", wrong)], (), 0))["results"][0]["laws"][GRADIENTS]["known"]
        == title
    )
    lacking = Examination(Task(Target("torch", "nll_loss"), 4, 0, "direct"), abilities={"forward": ""})
    lacking.abilities["channels-last"] = "failed: RuntimeError: grad_input must be contiguous"
    assert "known of torch" in report.lines(lacking, ())[3]
    other = Outcome(GRADIENTS, 3, 4, words="dX is wrong")
    for unknown in (examination("torch", other), examination("kernel.py:conv2d", wrong)):
        assert not any("known of torch" in line for line in report.lines(unknown, ()))


def test_a_known_failure_of_an_ability_is_named_in_every_report() -> None:
    found = Examination(Task(Target("torch", "layer_norm"), 4, 0, "direct"))
    found.abilities.update(
        {"forward": "", "order 3": "failed: wrong: the third derivative is wrong: Jacobian mismatch"}
    )
    title = "layer_norm: the third derivative is wrong"
    assert any(title in line for line in report.lines(found, ()))
    said = json.loads(report.as_json([found], (), 0))["results"][0]["abilities"]
    assert (said["order 3"]["known"], said["forward"]["known"]) == (title, None)
    assert report.is_known(found, ())
    found.outcomes.append(
        Outcome("the third derivative is the second one's", 1, 2, words="the third derivative is wrong")
    )
    assert report.is_known(found, ())
    found.abilities["vmap"] = "unsupported: NotImplementedError"
    assert not report.is_known(found, ("vmap",))
    found.outcomes.append(Outcome(GRADIENTS, 1, 2, words="dX is wrong"))
    assert not report.is_known(found, ())
    assert not report.is_known(examination("torch"), ())
