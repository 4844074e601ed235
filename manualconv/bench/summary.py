"""What many records say together: geometric means against the goals, peers, and torch against itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log

from manualconv.bench.record import Record
from manualconv.kernels.compiling import is_installed

CLASSES = {
    "A": "small images",
    "B": "dense 3×3",
    "C": "strides, 1×1, 5×5",
    "D": "groups and depthwise",
    "E": "dilation",
    "F": "one axis",
    "G": "three axes",
    "H": "transposed",
    "P": "pooling",
    "N": "training steps",
}
CONVOLUTION, POOLING = "convolution", CLASSES["P"]
#: The classes whose means have goals.
OVERALL = (CONVOLUTION, POOLING)
#: Gate and moonshot of geometric means: (class, phase, setting, dtype).
GOALS: dict[tuple[str, str, str, str], tuple[float, float]] = {
    (CONVOLUTION, "f+b", "exact", "float32"): (1.0, 1.3),
    (CONVOLUTION, "f+b", "exact", "float64"): (1.4, 2.0),
    (CONVOLUTION, "f+b", "fast", "float32"): (1.3, 1.8),
    (CONVOLUTION, "f+b", "fast", "float64"): (2.0, 3.5),
    (CONVOLUTION, "d2", "exact", "float32"): (1.0, 2.0),
    (CONVOLUTION, "d2", "exact", "float64"): (2.0, 4.0),
    (POOLING, "f+b", "exact", "float32"): (1.5, 4.0),
    (POOLING, "f+b", "exact", "float64"): (1.5, 4.0),
}
#: The same where there is no Numba, as far as they differ; None is no goal.
WITHOUT_NUMBA: dict[tuple[str, str, str, str], tuple[float, float] | None] = {
    (CONVOLUTION, "f+b", "exact", "float32"): None,
    (POOLING, "f+b", "exact", "float32"): (0.6, 1.0),
    (POOLING, "f+b", "exact", "float64"): (0.6, 1.0),
}
#: Gate and moonshot of the slowest convolution in the default setting, with Numba and without.
SLOWEST = {True: (0.45, 0.7), False: (0.2, 0.35)}
#: How many times as fast as the best peer, in the geometric mean: gate and moonshot.
PEERS = (3.0, 5.0)
#: How far torch may come out from itself.
CONTROL = 0.03


def _verdict(value: float, goal: tuple[float, float]) -> str:
    gate, moonshot = goal
    return f"{'★' if value >= moonshot else '✓' if value >= gate else '✗'} {gate:g} / {moonshot:g}"


def geometric_mean(ratios: Iterable[float]) -> float:
    """The geometric mean; 0 if any ratio is 0, or of none."""
    found = list(ratios)
    return 0.0 if not found or min(found) <= 0 else exp(sum(map(log, found)) / len(found))


@dataclass(frozen=True)
class Mean:
    """The geometric mean of a class of rows in one dtype, phase and setting, its worst row and its goal."""

    name: str
    dtype: str
    phase: str
    setting: str
    value: float
    rows: int
    worst: str

    @property
    def goal(self) -> tuple[float, float] | None:
        """Gate and moonshot; of the convolutions and the poolings as a whole alone."""
        key = (self.name, self.phase, self.setting, self.dtype)
        return GOALS.get(key) if is_installed() else WITHOUT_NUMBA.get(key, GOALS.get(key))

    @property
    def verdict(self) -> str:
        """The goal and what was reached of it: ★ moonshot, ✓ gate, ✗ missed."""
        return "" if self.goal is None else _verdict(self.value, self.goal)

    def cells(self) -> tuple[str, ...]:
        """A line of the table."""
        numbers = (f"{self.value:.2f}", str(self.rows), self.worst, self.verdict)
        return (self.name, self.dtype, self.phase, self.setting, *numbers)


def means(records: list[Record]) -> list[Mean]:
    """Every class, dtype, phase and setting; ``convolution`` is all rows A to H."""
    found = []
    for dtype in ("float32", "float64"):
        for phase in ("f", "f+b", "d2", "churn", "step"):
            rows = [r for r in records if r.dtype == dtype and r.phase == phase]
            groups = {CONVOLUTION: [r for r in rows if r.id[0] not in "PN"]}
            groups |= {text: [r for r in rows if r.id[0] == letter] for letter, text in CLASSES.items()}
            for name, group in groups.items():
                for setting in ("exact", "fast") if group else ():
                    if setting == "exact" or any(r.fast for r in group):
                        found.append(_mean(name, dtype, phase, setting, group))
    return found


def _mean(name: str, dtype: str, phase: str, setting: str, group: list[Record]) -> Mean:
    worst = min(group, key=lambda r: r.speed(setting))
    value = geometric_mean(r.speed(setting) for r in group)
    return Mean(name, dtype, phase, setting, value, len(group), f"{worst.id} {worst.speed(setting):.2f}")


def missed_together(records: list[Record]) -> list[str]:
    """Goals of means, of the slowest convolution and of torch against itself that were missed."""
    lines = [
        f"* geometric mean of {m.name}, {m.dtype}, {m.phase}, `{m.setting}`: {m.verdict}, reached {m.value:.2f}"
        for m in means(records)
        if m.goal is not None and not m.verdict.startswith("★")
    ]
    slowest = SLOWEST[is_installed()]
    for r in records:
        if r.phase == "f+b" and r.id[0] not in "PN" and r.speed() < slowest[1]:
            verdict = _verdict(r.speed(), slowest)
            lines.append(f"* {r.id} {r.name}, {r.dtype}: the slowest convolution {verdict}, is {r.speed():.2f}")
    for r in records:
        for peer, ratio in r.peers.items():
            if ratio < 1:
                lines.append(f"* {r.id} {r.name}, {r.dtype}, {r.phase}: {ratio:.2f} × as fast as {peer}")
    if (best := _best_peers(records)) is not None and best < PEERS[1]:
        lines.append(f"* the best peer of each row: {_verdict(best, PEERS)}, reached {best:.1f} ×")
    return lines


def _best_peers(records: list[Record]) -> float | None:
    ratios = [min(r.peers.values()) for r in records if r.peers]
    return geometric_mean(ratios) if ratios else None


def against_peers(records: list[Record]) -> list[str]:
    """How many times as fast as each peer, over the rows it supports, and as the best of them."""
    rows = [r for r in records if r.peers]
    lines = []
    for name in sorted({peer for r in rows for peer in r.peers}):
        asked = [r for r in rows if name in r.peers]
        slowest = min(asked, key=lambda r: r.peers[name])
        lines.append(
            f"* {name}: {geometric_mean(r.peers[name] for r in asked):.1f} × (geometric mean of {len(asked)} rows); "
            f"least {slowest.peers[name]:.2f} on {slowest.id} {slowest.phase}"
        )
    if (best := _best_peers(records)) is not None:
        lines.append(f"* the best of them on each row: {best:.1f} × (geometric mean of {len(rows)} rows)")
    return lines


def control(records: list[Record]) -> str:
    """What torch came out against itself."""
    timed = [(r, r.control.median) for r in records if r.control is not None]
    outside = ", ".join(f"{r.id} {r.dtype} {r.phase} {ratio:.3f}" for r, ratio in timed if abs(ratio - 1) > CONTROL)
    words = f"geometric mean {geometric_mean(ratio for _, ratio in timed):.3f} over {len(timed)} measurements"
    return f"{words}; outside ±{CONTROL:.0%}: {outside}" if outside else words
