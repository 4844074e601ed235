"""``manualconv check --self-test``: the bank is as large as it says, and a sample of it is killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

from manualconv.cli import main
from manualconv.testing.faults.bank import CHEAT, FAULT, RIGHT
from manualconv.testing.faults.everything import BANK
from manualconv.testing.faults.page import families
from manualconv.testing.faults.right import PEERS
from manualconv.testing.faults.self_test import Found, chosen, run, summary
from manualconv.testing.faults.usual_rule import passes
from manualconv.testing.faults.wards import Sitting
from tests.pages import DOCS

SAMPLE = (
    *("relu: zeros", "relu: slope one at zero", "relu: an answer up the call stack", "relu: a little noise"),
    "relu: done when somebody looks",
)


#: Faults that no law noticed once, each for a cause of its own: what was not drawn, or not asked of all.
ONCE = (
    "conv1d: conv(x, x) has half its gradient",
    "conv1d: positions counted in too few bits",
    "fractional_max_pool3d: places of the first sample for all",
    "fractional_max_pool3d: places of the axes rotated",
    "l1_loss: slope one at zero",
    "layer_norm: mean of the squares less the square of the mean",
    "linear: the first row of a batch for all",
    "lp_pool1d: absolute values",
)
PAGE = DOCS / "SELF_TEST.md"
TITLES = {FAULT: "Planted faults", CHEAT: "Cheats", RIGHT: "Right implementations"}


def test_the_bank_is_as_large_as_it_is_to_be() -> None:
    kinds = Counter(entry.kind for entry in BANK.values())
    assert kinds[FAULT] >= 140
    assert kinds[CHEAT] >= 20
    assert kinds[RIGHT] >= 10
    assert len({entry.family for entry in BANK.values() if entry.kind == FAULT}) >= 8


def test_every_fault_has_an_origin() -> None:
    assert [key for key, entry in BANK.items() if not entry.origin.strip()] == []


@pytest.fixture(scope="module")
def found() -> Found:
    """What came of both, in one ward."""
    return run((*SAMPLE, *ONCE), until_killed=True, jobs=1)


def test_a_sample_is_killed_and_the_usual_rule_lets_most_of_it_pass(found: Found) -> None:
    assert {each.key for each in found.sittings} == {*SAMPLE, *ONCE}
    assert not {each.key for each in found.survivors} & set(SAMPLE)
    passed = {each.key for each in found.passed_by_the_usual_rule(1e-4)}
    assert {"relu: slope one at zero", "relu: a little noise", "relu: done when somebody looks"} <= passed
    assert "relu: zeros" not in passed


def test_what_survived_once_is_killed(found: Found) -> None:
    assert not {each.key for each in found.survivors} & set(ONCE)


def rows(kind: str) -> dict[str, list[str]]:
    """The page's table of one kind: the cells behind each name."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {TITLES[kind]}\n")[2].partition("\n## ")[0]
    lines = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")][1:]
    return {key: cells for key, *cells in lines}


def installed(keys: Iterable[str]) -> set[str]:
    """Those that no other package is needed for."""
    return {key for key in keys if not any(peer in key for peer in PEERS)}


def test_the_page_is_of_the_bank_as_it_is() -> None:
    for kind in (FAULT, CHEAT):
        expected = {key: entry.origin for key, entry in BANK.items() if entry.kind == kind}
        assert {key: cells[0] for key, cells in rows(kind).items()} == expected
    right = {key: entry.tier for key, entry in BANK.items() if entry.kind == RIGHT}
    found = {key: cells[0] for key, cells in rows(RIGHT).items()}
    assert installed(found) == installed(right)
    assert found.items() >= {key: tier for key, tier in right.items() if key in found}.items()
    counts = ", ".join(f"{n} {family}" for family, n in sorted(families().items()))
    assert f"\nPlanted faults by family: {counts}.\n" in PAGE.read_text(encoding="utf-8")


def test_on_the_page_nobody_survives_and_nobody_is_accused() -> None:
    wrong = {**rows(FAULT), **rows(CHEAT)}
    assert [key for key, cells in wrong.items() if cells[-1] == "SURVIVES"] == []
    assert [key for key, cells in rows(RIGHT).items() if cells[-1] != "not accused"] == []
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert f"killed {len(wrong)} of {len(wrong)}, survivors 0" in lines
    assert f"right {len(rows(RIGHT))}, accusations 0" in lines


def test_a_process_that_ends_or_hangs_is_noticed_and_the_next_one_sits() -> None:
    """The ward outlives it."""
    from manualconv.testing.faults.sitting import task_of
    from manualconv.testing.faults.wards import Ward

    ward = Ward()
    try:
        ward.process.kill()
        assert ward.sat(task_of("relu: zeros", 8, 0)).words == "ends the process"
        assert ward.sat(task_of("relu: zeros", 8, 0), until_killed=True).noticed == ["the value is the definition's"]
    finally:
        ward.close()


def test_the_usual_rule_lets_the_right_ones_pass() -> None:
    for key in ("relu: nothing replaced", "layer_norm: ours", "conv_transpose2d: nothing replaced"):
        assert passes(BANK[key]) == {1e-2: True, 1e-4: True}, key


def test_the_summary_names_survivors_and_accusations() -> None:
    found = Found([Sitting("relu: zeros"), Sitting("relu: nothing replaced", ["some law"], "is wrong", 1.0)])
    said = "\n".join(summary(found))
    assert "survives: relu: zeros" in said
    assert "accused: relu: nothing replaced: some law: is wrong" in said


def test_a_part_that_there_is_not_ends_with_2(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--self-test", "--only", "no such thing"]) == 2
    assert "families: activations" in capfd.readouterr().err
    assert chosen(["softmin"]) == [key for key, entry in BANK.items() if "softmin" in key]
    with pytest.raises(SystemExit) as ended:
        main(["check"])
    assert ended.value.code == 2
    assert "name a TARGET" in capfd.readouterr().err
