"""``python -m train compare``: the same epoch with ``torch.nn`` and with ``manualconv.nn``, from the same seed.

Each timed epoch runs in a fresh process, the backends in turn, each after a few warm-up steps; the fastest of the
rounds counts, since other work on the machine can only add time. Memory is the highest resident size above the level
after the imports, data included. Losses are mean cross-entropies a batch, compared by absolute difference.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from train.errors import TrainError
from train.options import CompareOptions
from train.recipe import BATCH_SIZE

BACKENDS = ("torch", "manual")
FLOAT32_STEPS, FLOAT32_BOUND = 10, 1e-3  # beyond a few steps float32 diverges from itself
FLOAT64_STEPS, FLOAT64_BOUND = 200, 1e-8

Results = dict[str, list[dict[str, Any]]]


def run(options: CompareOptions) -> int:
    """Print the comparison; return 0, or 1 if the losses differ by more than their bounds. Time never decides."""
    epochs: Results = {backend: [] for backend in BACKENDS}
    for number in range(1, options.rounds + 1):
        for backend in BACKENDS:
            result = _measured(options, backend, "float32", None)
            epochs[backend].append(result)
            rate = result["images"] / result["seconds"]
            print(f"round {number}  {backend:6}  {result['seconds']:.2f} s an epoch  {rate:,.0f} images/s", flush=True)
    doubles = {backend: _measured(options, backend, "float64", FLOAT64_STEPS) for backend in BACKENDS}
    _print_time(epochs)
    _print_memory(epochs)
    singles = {backend: epochs[backend][0]["losses"][:FLOAT32_STEPS] for backend in BACKENDS}
    same32 = _print_losses("float32", singles, FLOAT32_BOUND)
    same64 = _print_losses("float64", {backend: doubles[backend]["losses"] for backend in BACKENDS}, FLOAT64_BOUND)
    return 0 if same32 and same64 else 1


def largest_difference(left: list[float], right: list[float]) -> float:
    """max |left − right| over the steps, NaN counting as infinite. Raises ValueError if one has more steps."""
    differences = [abs(a - b) for a, b in zip(left, right, strict=True)]
    return max(d if d == d else float("inf") for d in differences)


def _measured(options: CompareOptions, backend: str, dtype: str, steps: int | None) -> dict[str, Any]:
    """Run ``train.measurement``; raise ``TrainError`` with its sentence if it fails."""
    wanted = {
        "backend": backend,
        "dtype": dtype,
        "steps": steps,
        "seed": options.seed,
        "batch_size": options.batch_size or BATCH_SIZE,
        "threads": options.threads,
        "max_train": options.max_train,
        "data_dir": str(options.data_dir) if options.data_dir else None,
    }
    # The child must find this very package, from wherever it was started. Its own session keeps Ctrl-C to the parent,
    # which ends the child and says so once.
    paths = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    child = subprocess.run(
        [sys.executable, "-m", "train.measurement", json.dumps(wanted)],
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONIOENCODING": "utf-8"},
        start_new_session=True,
    )
    if child.returncode:
        lines = child.stderr.strip().splitlines() or [f"exit code {child.returncode}"]
        raise TrainError(f"The measurement with --backend {backend} in {dtype} failed: {lines[-1]}")
    result: dict[str, Any] = json.loads(child.stdout)
    return result


def _print_time(epochs: Results) -> None:
    torch, manual = (min(result["seconds"] for result in epochs[backend]) for backend in BACKENDS)
    print(f"time           torch {torch:.2f} s, manual {manual:.2f} s, speed-up {torch / manual:.2f} (fastest round)")


def _print_memory(epochs: Results) -> None:
    if any(result["peak"] is None for results in epochs.values() for result in results):
        print("peak memory    not measured: this system has no /proc")
        return
    torch, manual = (max(result["peak"] for result in epochs[backend]) / 2**20 for backend in BACKENDS)
    print(
        f"peak memory    torch {torch:.0f} MiB, manual {manual:.0f} MiB, ratio {manual / torch:.2f}"
        " (above the level after imports)"
    )


def _print_losses(dtype: str, losses: dict[str, list[float]], bound: float) -> bool:
    """Return whether the bound is kept."""
    difference = largest_difference(losses["torch"], losses["manual"])
    kept = difference <= bound
    verdict = "within" if kept else "BEYOND"
    steps = f"{len(losses['torch'])} steps"
    print(f"losses         {dtype}, {steps}: largest |difference| {difference:.1e}, {verdict} {bound:.0e}", flush=True)
    return kept
