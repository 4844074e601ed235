"""A kernel that lacks one ability is examined in all others, and its lack is neither a failure nor overlooked."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from manualconv.testing.examiner import abilities, parts, patient, report
from manualconv.testing.examiner.asking import Task
from manualconv.testing.examiner.examination import Examination
from manualconv.testing.examiner.families import FAMILIES
from manualconv.testing.examiner.outcome import Outcome
from manualconv.testing.examiner.program import tasks
from manualconv.testing.examiner.target import Target
from manualconv.testing.options import Wish
from tests.examiner.kernels import PARTIAL
from tests.examiner.test_examiner import KERNELS, examined, failures

#: What is not there without another.
FOLLOWS = {"order 2": {"order 3", "forward mode", "vmap"}, "float64": {"order 2", "order 3"}}
LAWS = ("definition", "roundings", "computed as", "order", "derivative", "manner", "operands are left")


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abilities, "POOL", 150)
    monkeypatch.setattr(patient, "FAMILIES", {})


@pytest.mark.parametrize("lacks", PARTIAL)
def test_a_partial_kernel_is_examined_within_its_part(lacks: str) -> None:
    name = f"without_{lacks.replace(' ', '_')}"
    found, outcomes = examined(name, "conv2d", cases=6, only=LAWS)
    assert failures(found, outcomes) == []
    missing = {
        ability: why for ability, why in found.items() if why and ability not in ("compile", "asymmetric padding")
    }
    assert lacks in missing
    assert missing[lacks].startswith("unsupported: ")
    assert missing.keys() - {lacks} <= FOLLOWS.get(lacks, set()) | {"string padding"}
    mistrusted = [o.law for o in outcomes if report.verdict(o) != report.PASSED]
    assert mistrusted == []


#: Laws whose own calls need more than the drawn case does, or of which some proofs are of another part.
BEYOND = ("C8 ", "C18", "C24", "C25", "C26", "C36", "definition")


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("plainest_convolution", "conv2d"),
        ("without_padding", "conv2d"),
        ("without_stride", "conv2d"),
        ("without_dilation", "conv2d"),
        ("of_own_statistics", "instance_norm"),
    ],
)
def test_no_law_of_a_partial_kernel_is_mistrusted(name: str, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "FAMILIES", FAMILIES)
    found, outcomes = examined(name, operation, cases=40, only=BEYOND)
    assert failures(found, outcomes) == []
    verdicts = {o.law: (report.verdict(o), o.reached, o.meant) for o in outcomes}
    assert {verdict for verdict, _, _ in verdicts.values()} <= {report.PASSED, report.UNSUPPORTED}, verdicts
    assert sum(verdict == report.PASSED for verdict, _, _ in verdicts.values()) >= len(verdicts) - 2


def test_a_depthwise_kernel_is_examined_within_its_part() -> None:
    """Its plainest case has one channel, so that it is one."""
    found, outcomes = examined("depthwise", "conv2d", cases=30, only=LAWS)
    assert failures(found, outcomes) == []
    assert {name for name, why in found.items() if "depthwise convolutions alone" in why} == {
        "several channels a group",
        "several filters a group",
    }
    assert found["groups"] == ""
    assert [o.law for o in outcomes if report.verdict(o) != report.PASSED] == []


def test_a_wrong_depthwise_kernel_is_told() -> None:
    _, outcomes = examined("depthwise_by_one_kernel", "conv2d", cases=30, only=("definition",))
    assert any(o.words for o in outcomes)


#: Laws of the family that bring a bias of their own.
WITH_A_BIAS = ("C12", "C15", "C21", "C27", "C29", "C30", "C35", "C40", "D1 ", "D11", "D14", "T bound")


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("name", ["bare_{}d", "Bare{}d"])
def test_a_kernel_without_a_bias_is_asked_every_law_but_those_of_the_bias(
    name: str, axes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient, "FAMILIES", FAMILIES)
    found, outcomes = examined(
        name.format(axes), f"conv{axes}d", cases=8, only=("definition", *WITH_A_BIAS, "C3 ", "C9 ")
    )
    assert failures(found, outcomes) == []
    assert found["bias"].startswith("unsupported: TypeError: ")
    lacking = [o.law[:2] for o in outcomes if report.verdict(o) == report.UNSUPPORTED and "bias" in o.lacking]
    assert lacking == ["C3", "C9"]
    assert {report.verdict(o) for o in outcomes if o.law.startswith(WITH_A_BIAS)} == {report.PASSED}


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("name", ["bare_and_wrong_{}d", "BareAndWrong{}d"])
def test_a_wrong_kernel_without_a_bias_is_told_by_the_laws_that_bring_one(
    name: str, axes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient, "FAMILIES", FAMILIES)
    found, outcomes = examined(name.format(axes), f"conv{axes}d", cases=80, only=("D1 ",))
    assert found["bias"].startswith("unsupported: TypeError: ")
    assert [o.law[:2] for o in outcomes if o.words] == ["D1"]


def test_a_pair_without_a_bias_does_not_have_it() -> None:
    found, _ = examined("bare_pair", "conv1d", cases=2, only=("definition",))
    assert found["bias"].startswith("unsupported: NotImplementedError: forward does not take input, weight, bias")


def test_an_ability_is_asked_of_the_plainest_case_that_needs_it() -> None:
    found, outcomes = examined("stride_or_dilation", "conv2d", cases=60, only=("definition",))
    assert not found["stride"] and not found["dilation"]
    assert [o.words for o in outcomes if o.words] == ["RuntimeError: an unlucky pair"] * 2


def test_what_needs_another_option_is_asked_beside_one_that_is_there() -> None:
    """Of output_padding a stride is enough: the dilation that the kernel has not does not hide that it is wrong."""
    found, outcomes = examined("WithoutDilation", "conv_transpose2d", cases=40, only=("definition",))
    assert found["dilation"].startswith("unsupported: ")
    assert not found["output_padding"].startswith("unsupported: ")
    assert any(o.words for o in outcomes)


def test_an_ability_that_is_wrong_was_examined_and_the_law_alone_says_where() -> None:
    task = Task(Target(f"{KERNELS}:in_numpy", "conv2d"), 4, 0, "direct")
    found = Examination(task, abilities={"forward": "", "stride": "failed: wrong: dX is wrong"})
    assert any(line.split()[:2] == ["FAILED", "stride:"] for line in report.lines(found, ()))
    found.outcomes.append(Outcome("the gradients are the definition's", 1, 2, words="dX is wrong"))
    said = report.lines(found, ())
    assert not any("stride" in line for line in said)
    assert said[-1].startswith("  not examined: nothing;")


def report_of(found: dict[str, str], required: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    """What is wrong, and the report."""
    task = Task(Target(f"{KERNELS}:in_numpy", "conv2d"), 4, 0, "direct")
    examination = Examination(task, abilities=found)
    return report.failed(examination, required), report.lines(examination, required)


def test_what_is_required_and_not_there_is_failed() -> None:
    found = {"forward": "", "gradients": "", "groups": "unsupported: NotImplementedError: one group", "stride": ""}
    wrong, said = report_of(found)
    assert wrong == []
    assert said[-1].startswith("  not examined: groups;")
    wrong, said = report_of(found, ("groups", "stride"))
    assert wrong == ["groups is required: NotImplementedError: one group"]
    assert any(line.split()[:2] == ["FAILED", "groups:"] for line in said)


@pytest.mark.parametrize(
    "name", ["groups", "stride", "padding", "bias", "unbatched", "order 2", "vmap", "channels-last"]
)
def test_what_one_does_without_is_not_asked(name: str) -> None:
    wish = Wish("torch", "conv2d", without=(name,), require=(name,))
    (task,) = tasks(wish)
    assert task.without == (name,)


def test_a_function_without_a_bias_is_called_by_its_names() -> None:
    """``forward(ctx, x, w, stride, padding)``: the stride does not get the bias."""
    found, outcomes = examined("unbiased_function", "conv2d", cases=6, only=LAWS)
    assert failures(found, outcomes) == []
    assert found["bias"].startswith("unsupported: ")
    assert found["stride"] == found["padding"] == found["forward"] == ""
    assert found["dilation"].startswith("unsupported: ")


#: Kernels that refuse the plainest calls, and what every case is brought to.
PARTS = {
    "of_several_channels": ("conv2d", ("more than one channel",)),
    "with_a_bias": ("conv2d", ("weights and biases that are there",)),
    "of_tensor_cores": ("conv2d", ("3 taps an axis", "channels in multiples of 8")),
    "softmax_of_rows": ("softmax", ("matrices",)),
    "norm_with_parameters": ("layer_norm", ("weights and biases that are there",)),
    "back_by_three_taps": ("conv2d", ("3 taps an axis",)),
    "halves": ("avg_pool2d", ("2 taps an axis",)),
    "doubles": ("conv_transpose2d", ("4 taps an axis", "strides of 2", "padding of half a kernel")),
}


@pytest.mark.parametrize(("name", "operation", "part"), [(name, *rest) for name, rest in PARTS.items()], ids=PARTS)
def test_a_kernel_that_refuses_the_plainest_call_is_examined_in_its_part(
    name: str, operation: str, part: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abilities, "POOL", 60)
    said: list[tuple[str, ...]] = []
    monkeypatch.setattr(abilities, "part_of", lambda *asks: said.append(parts.part_of(*asks)) or said[-1])
    found, outcomes = examined(name, operation, cases=4, only=("definition",))
    assert said[-1:] == [part]
    assert failures({n: why for n, why in found.items() if n != "order 3"}, outcomes) == []  # torch's own is wrong
    assert [(report.verdict(o), o.reached) for o in outcomes] == [(report.PASSED, 4)] * 2


def test_a_wrong_kernel_is_told_in_its_part() -> None:
    _, outcomes = examined("of_three_taps_and_wrong", "conv2d", cases=20, only=("the value",))
    (outcome,) = (o for o in outcomes if o.words)
    assert outcome.config["shapes"]["weight"][2:] == [3, 3]


def test_a_kernel_that_takes_nothing_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "CHOICES", parts.CHOICES[:2])
    found, _ = examined("of_nothing", "conv2d", cases=4, only=("definition",))
    assert found["forward"] == (
        "unsupported: NotImplementedError: not for this kernel; so is every other case that was tried"
    )


def test_the_weakest_part_is_found_of_which_half_is_taken() -> None:
    def share(part: Sequence[str]) -> float:
        return float("3 taps an axis" in part and any("channels in" in name for name in part))

    assert parts.part_of(share, share) == ("3 taps an axis", "channels in multiples of 2")
    assert parts.part_of(lambda part: 0.5, lambda part: True) == ()
    assert parts.part_of(lambda part: 0.4, lambda part: True) is None


def test_what_a_kernel_refuses_is_no_failure_of_it() -> None:
    task = Task(Target(f"{KERNELS}:in_numpy", "conv2d"), 4, 0, "direct")
    found = Examination(task, abilities={"forward": ""}, part=("one sample",), refused="NotImplementedError: one")
    found.outcomes.append(Outcome("a law", 1, 6, lacking=frozenset({"groups"})))
    assert report.failed(found, ()) == []
    said = report.lines(found, ())
    assert any(line.split()[0] == report.MISTRUSTED for line in said)
    assert "  its part    one sample, since it says: NotImplementedError: one" in said
    assert "other than one sample" in said[-1]
    found.outcomes.append(Outcome("another", 1, 6))
    assert report.failed(found, ()) == ["another: mistrusted: 1 of 6 cases reached its end"]
