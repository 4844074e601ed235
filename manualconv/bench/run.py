"""Running the suite: which rows, dtypes and phases, and where the results go."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from manualconv.bench import document
from manualconv.bench.measure import Record, measured, measured_net
from manualconv.bench.suite import DOUBLE_BACKWARD, NETS, QUICK, SUITE
from manualconv.bench.timing import ROUNDS, SECONDS

#: One phase of F5 in float64 takes torch seconds; a layout of it that may be timed once is all it gets.
SLOW = {("F5", "float64")}


@dataclass(frozen=True)
class Options:
    """What to run and where to write.

    Attributes:
        only: row ids, or their letters; empty for all.
        quick: the short list, five rounds, no peers.
        dtypes: of ``'float32'``, ``'float64'``.
        json: a file for every number; None for none.
        output: the results file; None for none.
        plot: a picture; None for none.
    """

    only: tuple[str, ...] = ()
    quick: bool = False
    dtypes: tuple[str, ...] = ("float32", "float64")
    json: Path | None = None
    output: Path | None = None
    plot: Path | None = None


def chosen(options: Options) -> list[str]:
    """The ids to run, in the suite's order.

    Raises:
        ValueError: an id or letter that the suite does not have.
    """
    every = [*SUITE, *NETS]
    if unknown := [o for o in options.only if o not in every and not any(id.startswith(o) for id in every)]:
        raise ValueError(f"no row {', '.join(unknown)} in the suite; its rows are {', '.join(every)}")
    if options.only:
        return [id for id in every if any(id.startswith(o) for o in options.only)]
    return [id for id in every if id in QUICK] if options.quick else every


def _measurements(options: Options) -> Iterator[Record]:
    rounds, seconds = (5, 0.3) if options.quick else (ROUNDS, SECONDS)
    for dtype in options.dtypes:
        for id in chosen(options):
            if id in NETS:
                yield measured_net(id, dtype, rounds, seconds)
                continue
            row = SUITE[id]
            if (id, dtype) in SLOW:
                rounds_, seconds_ = 5, 0.0
            else:
                rounds_, seconds_ = rounds, seconds
            for phase in ("f+b",) if options.quick else ("f", "f+b"):
                yield measured(row, dtype, phase, rounds_, seconds_, not options.quick)
            if id in DOUBLE_BACKWARD and not options.quick:
                yield measured(row, dtype, "d2", rounds_, seconds_)


def run(options: Options) -> list[Record]:
    """Run the suite, print the table, write the files; the records."""
    records = []
    for r in _measurements(options):
        records.append(r)
        print(
            f"\r{r.id} {r.name} {r.dtype} {r.phase}: {r.speed:.2f} × torch".ljust(60),
            end="",
            file=sys.stderr,
            flush=True,
        )
    print(file=sys.stderr)
    document.on_terminal(records)
    if options.json:
        options.json.write_text(document.as_json(records) + "\n", encoding="utf-8")
    if options.output:
        options.output.write_text(document.rendered(records, "manualconv bench"), encoding="utf-8")
    if options.plot and not document.plotted(records, options.plot):
        print("no plot: matplotlib is not installed", file=sys.stderr)
    return records
