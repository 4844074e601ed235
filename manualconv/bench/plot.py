"""The results as a picture."""

from __future__ import annotations

from pathlib import Path

from manualconv.bench.record import Record

#: A bar is not drawn below this: 0 has no logarithm.
LEAST = 1e-2


def drawn(records: list[Record], path: Path) -> bool:
    """Bars of every row's speed-up on a logarithmic axis; what `fast` adds is pale.  False without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    rows = [r for r in records if r.phase in ("f+b", "step")] or records
    dtypes = sorted({r.dtype for r in rows})
    names = list(dict.fromkeys(f"{r.id} {r.name}" for r in rows))
    figure = Figure(figsize=(max(6, 0.32 * len(names)), 4.5), layout="constrained")
    axes = figure.subplots()
    for n, dtype in enumerate(dtypes):
        own = [r for r in rows if r.dtype == dtype]
        at = [names.index(f"{r.id} {r.name}") + (n - (len(dtypes) - 1) / 2) * 0.4 for r in own]
        exact = [max(r.speed("exact"), LEAST) for r in own]
        best = [max(r.best, LEAST) for r in own]
        axes.bar(at, [b - e for b, e in zip(best, exact)], 0.4, bottom=exact, color=f"C{n}", alpha=0.35)
        axes.bar(at, [e - 1 for e in exact], 0.4, bottom=1, color=f"C{n}", label=dtype)
    axes.set_yscale("log")
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_ylabel("times as fast as torch, forward + backward")
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return True
