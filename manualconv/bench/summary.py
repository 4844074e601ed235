"""What many records say together: geometric means against the goals, peers, and torch against itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log

from manualconv.bench.record import Record

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
CONVOLUTION = "convolution"
#: Gate and moonshot of geometric means over the convolutions: (phase, setting, dtype).
GOALS: dict[tuple[str, str, str], tuple[float | None, float]] = {
    ("f+b", "exact", "float32"): (0.7, 1.0),
    ("f+b", "exact", "float64"): (1.8, 2.5),
    ("f+b", "fast", "float32"): (None, 1.5),
    ("f+b", "fast", "float64"): (None, 4.4),
    ("d2", "exact", "float32"): (2.0, 6.0),
    ("d2", "exact", "float64"): (2.5, 8.0),
}
#: No convolution may be slower than this in its default setting, A5 apart.
FLOOR = {"float32": 0.3, "float64": 1.0}
#: How many times as fast as the best peer, in the geometric mean.
PEERS = 3.0
#: How far torch may come out from itself.
CONTROL = 0.03


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
    def goal(self) -> tuple[float | None, float] | None:
        """Gate and moonshot; of the convolutions as a whole alone."""
        return GOALS.get((self.phase, self.setting, self.dtype)) if self.name == CONVOLUTION else None

    @property
    def verdict(self) -> str:
        """The goal and what was reached of it: ★ moonshot, ✓ gate, ✗ missed."""
        if self.goal is None:
            return ""
        gate, moonshot = self.goal
        mark = "★" if self.value >= moonshot else "✗" if gate is None or self.value < gate else "✓"
        return f"{mark} {'–' if gate is None else f'{gate:g}'} / {moonshot:g}"

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
    for r in records:
        if r.phase == "f+b" and r.id[0] not in "PN" and r.id != "A5" and r.speed() < FLOOR[r.dtype]:
            lines.append(f"* {r.id} {r.name}, {r.dtype}: no convolution below {FLOOR[r.dtype]:g}, is {r.speed():.2f}")
    for r in records:
        for peer, ratio in r.peers.items():
            if ratio < 1:
                lines.append(f"* {r.id} {r.name}, {r.dtype}, {r.phase}: {ratio:.2f} × as fast as {peer}")
    if (best := _best_peers(records)) is not None and best < PEERS:
        lines.append(f"* the best peer of each row: goal {PEERS:g} ×, reached {best:.1f}")
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
