"""Hypothesis profiles, one thread a process, and a count of the property examples that ran.

Choose a profile by ``MANUALCONV_PROFILE`` or by Hypothesis's own ``--hypothesis-profile``:

    mc-smoke    25 examples a property, always the same
    mc-ci       300, always the same: the default
    mc-random   300, others in every run; repeat one by ``--hypothesis-seed``
    mc-deep     5,000, others in every run

They are loaded by name because Hypothesis picks a profile of its own where the variable CI is set.
"""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, settings

settings.register_profile("mc-smoke", max_examples=25, deadline=None, derandomize=True, database=None)
settings.register_profile("mc-ci", max_examples=300, deadline=None, derandomize=True, database=None, print_blob=True)
settings.register_profile("mc-random", max_examples=300, deadline=None, print_blob=True)
settings.register_profile(
    "mc-deep",
    max_examples=5000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile(os.environ.get("MANUALCONV_PROFILE", "mc-ci"))

# Tensors here are small, and workers share the cores: more threads would only wait for each other.
torch.set_num_threads(1)

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


def pytest_itemcollected(item: pytest.Item) -> None:
    """Count every property once, however many parameters it is run with."""
    handle = getattr(getattr(item, "obj", None), "hypothesis", None)
    if handle is not None and not hasattr(handle.inner_test, "is_counted"):
        handle.inner_test = counted(handle.inner_test)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its count to the controller."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["property_examples"] = EXAMPLES["ran"]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    """The controller adds what a worker hands over; one that crashed has nothing."""
    EXAMPLES["ran"] += getattr(node, "workeroutput", {}).get("property_examples", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much was tried."""
    terminalreporter.write_line(f"property examples: {EXAMPLES['ran']:,}")
