"""As a program, ``python -m tests.faults.trial``: every fault and every right implementation tried by every law."""

import sys

import torch

from manualconv.testing.faults import batch_normalization, convolution, max_pooling

EXAMS = (batch_normalization.EXAM, batch_normalization.MODULES, max_pooling.EXAM, convolution.EXAM)

if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(sum(not exam.report() for exam in EXAMS))
