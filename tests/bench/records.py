"""Records made up for the tests of what is said about records."""

from typing import Any

from manualconv.bench.record import Record, Standing
from manualconv.bench.timing import Ratio


def ratio(value: float) -> Ratio:
    """A ratio with an interval of a tenth."""
    return Ratio(value, 0.9 * value, 1.1 * value)


def standing(speed: float, **more: Any) -> Standing:
    """Ours at a speed, 10 ms a call."""
    plain: dict[str, Any] = {"error": 1e-7, "roof": 40.0, "memory": 0.5, "operators": 20, "maps": ("direct",) * 3}
    return Standing(0.01, 0.02, ratio(speed), ratio(2 * speed), **{**plain, **more})


def record(
    id: str = "B3", speed: float = 1.0, *, dtype: str = "float32", phase: str = "f+b", ours: Any = None, **more: Any
) -> Record:
    """A record whose torch errs by 1e-7 and reaches 30 % of the roofline; `ours` changes the standing."""
    plain: dict[str, Any] = {"control": ratio(1.0), "torch_error": 1e-7, "torch_roof": 30.0, "goal": (0.6, 1.2)}
    error = {"error": 1e-15} if dtype == "float64" else {}
    if dtype == "float64":
        plain["torch_error"] = 1e-15
    return Record(id, "name", dtype, phase, exact=standing(speed, **{**error, **(ours or {})}), **{**plain, **more})
