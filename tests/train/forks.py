"""The training program in a process of its own without the seconds that it takes to import torch: by fork.

The parent must not have run a backward pass, after which torch refuses to run one in a child.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from tests.train.tiny import tiny
from train import fit
from train.cli import main

__all__ = ["ended", "forked", "warm"]


def warm() -> None:
    """Import what a first step and a first checkpoint import."""
    assert fit is not None
    torch.set_num_threads(1)
    model = tiny(torch.nn)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
    optimizer.zero_grad()
    optimizer.step()


def forked(words: list[str], log: Path, before: Callable[[], object] = lambda: None) -> int:
    """Start ``python -m train`` with ``words`` and what it prints in ``log``; return the process."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        before()
        code = main(words)
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """Its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
