"""As a program, ``python -m tests.faults.trial``: every fault and every right implementation tried by every law."""

import sys

import torch

import tests.faults.channels
import tests.faults.memory
import tests.faults.numbers
import tests.faults.placement  # noqa: F401  (they enter their faults)
from tests.faults import bank, batch_normalization, max_pooling

EXAMS = (batch_normalization.EXAM, batch_normalization.MODULES, max_pooling.EXAM, bank.EXAM)

if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(sum(not exam.report() for exam in EXAMS))
