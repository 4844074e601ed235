"""Hypothesis profiles, one thread a process, a count of the property examples that ran and the ledger of proofs.

Choose a profile by ``MANUALCONV_PROFILE`` or by Hypothesis's own ``--hypothesis-profile``:

    mc-smoke    25 examples a property, always the same
    mc-ci       160, always the same: the default, 50,000 in all
    mc-random   170, others in every run; repeat one by ``--hypothesis-seed``
    mc-deep     MANUALCONV_EXAMPLES or 1,000, others in every run; tests without a property are left out

They are loaded by name because Hypothesis picks a profile of its own where the variable CI is set.
"""

import gc
import os
import warnings
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, settings

from manualconv.kernels.compiling import is_installed
from manualconv.testing import ledger

# Drawing is slow where others use the processor too: that is no fault of a strategy.
EVERY = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("mc-smoke", EVERY, max_examples=25, derandomize=True, database=None)
settings.register_profile("mc-ci", EVERY, max_examples=160, derandomize=True, database=None)
settings.register_profile("mc-random", EVERY, max_examples=160)
settings.register_profile(
    "mc-deep",
    EVERY,
    max_examples=int(os.environ.get("MANUALCONV_EXAMPLES", "1000")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
PROFILE = os.environ.get("MANUALCONV_PROFILE", "mc-ci")
settings.load_profile(PROFILE)

# Tensors here are small, and workers share the cores: more threads would only wait for each other.
torch.set_num_threads(int(os.environ.get("MANUALCONV_TEST_THREADS", "1")))

# torch's own notes the whole stack for every kind of device that is not there: a sixth of a short test's time.
if not torch.accelerator.is_available():
    torch.manual_seed = torch.default_generator.manual_seed

if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
    with warnings.catch_warnings():  # the one of the process
        warnings.simplefilter("ignore", RuntimeWarning)
        is_installed()

#: Examples whose test body ran to its end, in this process and in the workers that have reported.
EXAMPLES = {"ran": 0}


def counted(body: Callable[..., Any]) -> Callable[..., Any]:
    """The body of a property, counting the examples it completes."""

    @wraps(body)
    def counting(*args: Any, **kwargs: Any) -> Any:
        result = body(*args, **kwargs)
        EXAMPLES["ran"] += 1
        return result

    counting.is_counted = True  # type: ignore[attr-defined]
    return counting


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Nothing compiled before, nothing kept."""
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Count every property once, however many parameters it is run with."""
    handle = getattr(getattr(item, "obj", None), "hypothesis", None)
    if handle is not None and not hasattr(handle.inner_test, "is_counted"):
        handle.inner_test = counted(handle.inner_test)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A deep run repeats properties; what always does the same need not be done for it."""
    if PROFILE == "mc-deep":
        properties = [item for item in items if hasattr(getattr(item, "obj", None), "hypothesis")]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(properties)])
        items[:] = properties


def pytest_collection_finish() -> None:
    """What is loaded stays: the collector looks only at what the tests make."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its counts to the controller."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["property_examples"] = EXAMPLES["ran"]
        session.config.workeroutput["ledger"] = ledger.page()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    """The controller adds what a worker hands over; one that crashed has nothing."""
    output = getattr(node, "workeroutput", {})
    EXAMPLES["ran"] += output.get("property_examples", 0)
    ledger.add(output.get("ledger", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much was tried."""
    for line in ledger.table():
        terminalreporter.write_line(line)
    terminalreporter.write_line(f"property examples: {EXAMPLES['ran']:,}")
