"""Measuring a training step: the same net by `manualconv.nn` and by torch.nn, from the same seed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from manualconv import nn
from manualconv.bench import nets
from manualconv.bench.machine import DTYPES
from manualconv.bench.measure import AGAIN, BUILTIN, FAST, OURS, standing, tried
from manualconv.bench.record import Record
from manualconv.bench.suite import NETS
from manualconv.bench.timing import Pace, interleaved
from manualconv.kernels.correlation.settings import accuracy


def _admitting(step: Callable[[], Tensor]) -> Callable[[], Tensor]:
    def admitted() -> Tensor:
        with accuracy("fast"):
            return step()

    return admitted


def measured_step(id: str, dtype: str, pace: Pace) -> Record:
    """One training step of a net; its error is that of the first step's loss, relative to torch's.

    Raises:
        RuntimeError: torch itself does not take the step.
    """
    expected = float(nets.step(id, torch.nn, DTYPES[dtype])())

    def judge(loss: object) -> float:
        return abs(float(loss) - expected) / abs(expected)  # type: ignore[arg-type]

    trials = {
        BUILTIN: tried(lambda: nets.step(id, torch.nn, DTYPES[dtype]), judge),
        OURS: tried(lambda: nets.step(id, nn, DTYPES[dtype]), judge),
        FAST: tried(lambda: _admitting(nets.step(id, nn, DTYPES[dtype])), judge),
        AGAIN: tried(lambda: nets.step(id, torch.nn, DTYPES[dtype]), judge),
    }
    if trials[BUILTIN].failure:
        raise RuntimeError(f"torch does not take the step: {trials[BUILTIN].failure}")
    found = interleaved({name: trial.call for name, trial in trials.items() if trial.call is not None}, pace)
    return Record(
        id,
        nets.NAMES[id],
        dtype,
        "step",
        NETS[id][0 if dtype == "float32" else 1],
        standing(OURS, trials[OURS], found),
        standing(FAST, trials[FAST], found),
        {name: found.median(name) for name in found.seconds},
        found.ratio(AGAIN, BUILTIN),
    )
