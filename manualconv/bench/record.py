"""What is kept of a measurement: numbers that the table, the means and the list of missed goals are made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from manualconv.bench.suite import OF_FAST, Goal
from manualconv.bench.timing import Ratio

#: A result is wrong, and its row counts as ratio 0, beyond this relative L2 error.
WRONG = {"float32": 1e-3, "float64": 1e-10}
#: The spacing of numbers just below 1, halved: where torch's own error is smaller, this stands for it.
ROUNDING = {"float32": 2.0**-24, "float64": 2.0**-53}
#: Extra memory that a setting may take at its peak, over input + output.
MEMORY = {"exact": 1.0, "fast": 2.5}
#: The ratio of what failed.
NOTHING = Ratio(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Standing:
    """How manualconv stands under one accuracy setting.

    Attributes:
        seconds: the median time.
        first: the first call, chooser and all.
        ratio: over the better of torch's two layouts; default_ratio: over torch as a user calls it.
        error: relative L2 error of the worst output tensor.
        roof: per cent of the roofline reached.
        memory: extra peak beyond the results, over input + output.
        operators: how many operators of torch's ran.
        maps: the algorithms chosen for the three maps; empty for pooling and training steps.
        forbidden: operators that are convolutions or poolings and ran inside ours.
        failure: the exception, if it raised one; the numbers are zeros then.
    """

    seconds: float = 0.0
    first: float = 0.0
    ratio: Ratio = NOTHING
    default_ratio: Ratio = NOTHING
    error: float = 0.0
    roof: float = 0.0
    memory: float = 0.0
    operators: int = 0
    maps: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    failure: str = ""


@dataclass(frozen=True)
class Record:
    """What was measured of one row, in one dtype and one phase.

    Attributes:
        id, name, dtype, phase: which; the phases are ``'f'``, ``'f+b'``, ``'d2'``, ``'churn'`` and ``'step'``.
        goal: gate and moonshot, of the setting `of`.
        exact: ours in the default setting.
        fast: ours with fast algorithms admitted; None where all maps are computed by the same algorithms.
        seconds: the median time of every contender.
        control: torch over itself; None where it was timed once.
        torch_error: torch's own error; None where the reference is torch's result itself.
        torch_roof: per cent of the roofline that torch reaches.
        peers: how many times as fast ours (exact) is as each peer.
        failures: exceptions and wrong results of the other contenders.
        note: what was done otherwise than by the method, and why.
    """

    id: str
    name: str
    dtype: str
    phase: str
    goal: Goal
    exact: Standing
    fast: Standing | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    control: Ratio | None = None
    torch_error: float | None = None
    torch_roof: float = 0.0
    peers: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def of(self) -> str:
        """The setting whose speed the gate is for."""
        return "fast" if self.id in OF_FAST and self.phase != "d2" else "exact"

    def standing(self, setting: str) -> Standing:
        """Ours in the setting ``'exact'`` or ``'fast'``; the same where nothing is chosen otherwise."""
        return self.fast if setting == "fast" and self.fast is not None else self.exact

    def speed(self, setting: str = "exact") -> float:
        """The ratio that counts: 0 for a wrong result, an exception or a call that is not ours."""
        s = self.standing(setting)
        right = not s.failure and not s.forbidden and s.error <= WRONG[self.dtype]
        return s.ratio.median if right else 0.0

    @property
    def best(self) -> float:
        """The speed in the better setting: a moonshot may be reached by `fast`."""
        return max(self.speed("exact"), self.speed("fast"))

    def admitted(self, setting: str) -> float:
        """The error that a setting's tier admits; infinite where torch's own is not known."""
        if setting == "fast" and self.dtype == "float64":
            return 1e-12
        if self.torch_error is None:
            return float("inf")
        return (2 if setting == "exact" else 20) * max(self.torch_error, ROUNDING[self.dtype])

    def in_tier(self, setting: str) -> bool:
        """Whether the error is that of the setting's tier; what failed has none."""
        s = self.standing(setting)
        return bool(s.failure) or s.error <= self.admitted(setting)

    def as_json(self) -> dict[str, Any]:
        """Plain numbers."""
        settings = ("exact", "fast")
        counted = {"speed": {s: self.speed(s) for s in settings}, "in_tier": {s: self.in_tier(s) for s in settings}}
        return {**asdict(self), **counted}
