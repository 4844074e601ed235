"""The machine: its name, and the two ceilings of the roofline, measured with torch's own product and copy."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from manualconv.bench.timing import seconds_of

DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Roof:
    """Multiplications and additions a second of a large matrix product; bytes a second, read and written, of a copy."""

    flops: float
    bandwidth: float

    def seconds(self, flops: float, bytes: float) -> float:
        """No call that computes `flops` and moves `bytes` takes less."""
        return max(flops / self.flops, bytes / self.bandwidth)


@cache
def roof(dtype: str) -> Roof:
    """The roof in a dtype: the best of a few tries."""
    size, kind = 1024, DTYPES[dtype]
    a, b = torch.randn(size, size, dtype=kind), torch.randn(size, size, dtype=kind)
    product = min(seconds_of(lambda: a @ b, 2) for _ in range(8))
    source = torch.randn(2**23, dtype=kind)
    target = torch.empty_like(source)
    copy = min(seconds_of(lambda: target.copy_(source), 2) for _ in range(8))
    return Roof(2 * size**3 / product, 2 * source.numel() * source.element_size() / copy)


def cpu_name() -> str:
    """The processor as the system calls it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def instructions() -> str:
    """The widest vector instructions that torch uses here."""
    return torch.backends.cpu.get_cpu_capability()


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """The versions of those packages that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
