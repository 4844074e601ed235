"""`manualconv` under its own examiner: every function and every module of the catalogue, a few cases a law.

The families' laws run in tests/laws, on more cases.  Compiling takes longest: tests/test_compile.py does it.
"""

from __future__ import annotations

import pytest

from manualconv.testing.catalogue import OPERATIONS
from manualconv.testing.examiner import abilities, patient
from manualconv.testing.examiner.asking import GRADIENTS, VALUE
from manualconv.testing.examiner.outcome import Outcome
from manualconv.testing.examiner.target import LIBRARIES, named
from manualconv.testing.laws.operation import LAWS
from tests.examiner.test_examiner import examined, failures

CASES, POOL = 2, 40
NAMES = [target.operation for target in named("manualconv", None)]
#: One module an operation, called as torch.nn's with the operation's arguments.  A padding's mode is its class, and
#: so is a norm's dimension.
MODULES = {
    name: layer
    for name in NAMES
    for layer in [each.name for each in OPERATIONS[name].layers if not each.name.startswith("Lazy")][:1]
    if name not in ("pad", "batch_norm", "instance_norm")
}


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abilities, "POOL", POOL)
    monkeypatch.setattr(patient, "FAMILIES", {})


def reached(outcomes: list[Outcome]) -> set[str]:
    """Laws of which a case reached the end."""
    return {outcome.law for outcome in outcomes if outcome.reached}


def test_every_operation_is_examined() -> None:
    missing = sorted(OPERATIONS.keys() - set(NAMES))
    assert missing == ["flatten"]  # reshapes, and computes nothing
    assert "manualconv" in LIBRARIES


@pytest.mark.parametrize("name", NAMES)
def test_our_function_passes(name: str) -> None:
    found, outcomes = examined("manualconv", name, CASES)
    assert failures(found, outcomes) == []
    unsupported = {ability for ability, why in found.items() if why}
    assert unsupported <= {"compile"}, found
    assert reached(outcomes) == {law for law, each in LAWS.items() if "compile" not in each.needs}


@pytest.mark.parametrize(("name", "module"), MODULES.items(), ids=MODULES.values())
def test_our_module_passes(name: str, module: str) -> None:
    found, outcomes = examined(f"manualconv.nn:{module}", name, CASES, only=[VALUE, GRADIENTS])
    assert failures(found, outcomes) == []
    assert reached(outcomes) == {VALUE, GRADIENTS}
