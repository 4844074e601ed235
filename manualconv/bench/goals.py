"""Goals: what a record reached of its own, and every one missed, with the share of the roofline and the reason.

The gate must hold in the default setting, or in `fast` where the row's goals are `fast`'s; the moonshot may be reached
in either.  An error beyond its tier and memory beyond its allowance are missed goals too.  Reasons are read off the
numbers: where torch stands below the roofline, where ours does, and how many operators it calls: more than that they do
not claim.
"""

from __future__ import annotations

from manualconv.bench.record import MEMORY, ROUNDING, Record

#: Seconds that an operator's call costs at the least: below a few of them a layer is small.
CALL = 5e-6
#: Times that F5, four times as long as F4, may take in `fast`; a direct sum needs 16.
SCALE = 5.0


def verdict(r: Record) -> str:
    """★ moonshot, ✓ gate, ✗ missed; nothing without a goal."""
    if r.goal is None:
        return ""
    gate, moonshot = r.goal
    return "✗" if r.speed(r.of) < gate else "★" if r.best >= moonshot else "✓"


def reason(r: Record) -> str:
    """Why a speed is what it is, from the numbers of the record."""
    s = r.standing(r.of)
    if s.failure:
        return s.failure
    if s.forbidden:
        return f"{', '.join(s.forbidden)} ran inside ours"
    if r.speed(r.of) == 0:
        return f"wrong by {s.error:.0e}"
    maps = f"; by {', '.join(s.maps)}" if s.maps else ""
    if s.operators and s.seconds < 2 * CALL * s.operators:
        return f"{s.operators} operator calls in {1e6 * s.seconds:.0f} µs: their overhead is most of it{maps}"
    if r.goal is not None and r.torch_roof * r.goal[1] > 100:
        return (
            f"torch is at {r.torch_roof:.0f} % of the roofline: without fewer multiplications no more than "
            f"{100 / r.torch_roof:.1f} × is possible{maps}"
        )
    if s.roof:
        return f"neither is near the roofline, torch at {r.torch_roof:.0f} %, ours at {s.roof:.0f}{maps}"
    return f"{s.operators} operator calls a step"


def _speed(r: Record) -> str | None:
    if r.goal is None:
        return None
    (gate, moonshot), setting = r.goal, "" if r.of == "exact" else f" of `{r.of}`"
    if r.speed(r.of) < gate:
        words = f"gate {gate:g}{setting}, reached {r.speed(r.of):.2f}"
    elif r.best < moonshot:
        words = f"moonshot {moonshot:g}, reached {r.best:.2f}"
    else:
        return None
    roof = r.standing(r.of).roof
    reached = f", {roof:.0f} % of the roofline" if roof else ""
    return f"{words}{reached}: {reason(r)}"


def _tiers(r: Record) -> list[str]:
    return [
        f"error of `{setting}`: {r.standing(setting).error:.1e}, admitted {r.admitted(setting):.1e}"
        for setting in ("exact", "fast")
        if (setting == "exact" or r.fast is not None) and not r.in_tier(setting)
    ]


def _memories(r: Record) -> list[str]:
    return [
        f"memory of `{setting}`: {r.standing(setting).memory:.1f} × (input + output), goal {most:g}"
        for setting, most in MEMORY.items()
        if (setting == "exact" or r.fast is not None) and r.standing(setting).memory > most
    ]


def missed(records: list[Record]) -> list[str]:
    """A line for every goal missed, row by row."""
    lines = []
    for r in records:
        found = [text for text in (_speed(r), *_tiers(r), *_memories(r)) if text]
        lines += [f"* {r.id} {r.name}, {r.dtype}, {r.phase}: {text}" for text in found]
    return lines


def scale(records: list[Record]) -> list[str]:
    """What a signal and a kernel four times as long cost where a Fourier transform may compute them."""
    times = {(r.id, r.dtype, r.phase): r.standing("fast").seconds for r in records if r.standing("fast").seconds}
    lines = []
    for (id, dtype, phase), long in times.items():
        short = times.get(("F4", dtype, phase))
        if id == "F5" and short:
            mark = "✓" if long <= SCALE * short else "✗"
            lines.append(
                f"* F5 over F4, {dtype}, {phase}, `fast`: {long / short:.1f} × the time, goal ≤ {SCALE:g} {mark}"
            )
    return lines


def relative_to_torch(r: Record, setting: str) -> str:
    """An error, and how many times torch's own it is, where that is known."""
    error = r.standing(setting).error
    if r.torch_error is None:
        return f"{error:.0e}"
    return f"{error:.0e} ({error / max(r.torch_error, ROUNDING[r.dtype]):.1f}×)"
