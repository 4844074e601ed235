"""Running the suite: which rows, dtypes and phases, how long each, and where the results go."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from manualconv.bench import document, plot
from manualconv.bench.front import FRONT, speeds
from manualconv.bench.measure import measured
from manualconv.bench.phases import ENDLESS
from manualconv.bench.record import Record, Standing
from manualconv.bench.steps import measured_step
from manualconv.bench.suite import CHURN, DOUBLE_BACKWARD, NETS, QUICK, SUITE
from manualconv.bench.timing import Pace

#: The forward map alone has no goal: it gets less time.
PACES = {"f": Pace(15, 0.5), "f+b": Pace(25, 2.0), "d2": Pace(25, 2.0), "churn": Pace(25, 2.0), "step": Pace(25, 3.0)}
QUICK_PACE = Pace(7, 0.5)


@dataclass(frozen=True)
class Options:
    """What to run and where to write.

    Attributes:
        only: row ids, or their letters; empty for all.
        quick: the short list, few rounds, forward and backward only, no peers.
        front: the ten rows of the first table, forward and backward only, no peers.
        dtypes: of ``'float32'``, ``'float64'``.
        json: a file for every number; None for none.
        output: the results file; None for none.
        plot: a picture; None for none.
        beside: JSON of other runs, whose speed-ups are columns of the first table, by the columns' names.
    """

    only: tuple[str, ...] = ()
    quick: bool = False
    dtypes: tuple[str, ...] = ("float32", "float64")
    json: Path | None = None
    output: Path | None = None
    plot: Path | None = None
    front: bool = False
    beside: Mapping[str, Path] = field(default_factory=dict)


def chosen(options: Options) -> list[str]:
    """The ids to run, in the suite's order.

    Raises:
        ValueError: an id or letter that the suite does not have.
    """
    every = [*SUITE, *NETS]
    if unknown := [o for o in options.only if not any(id == o or id[0] == o for id in every)]:
        raise ValueError(f"no row {', '.join(unknown)} in the suite; its rows are {', '.join(every)}")
    if options.front:
        return [id for id in every if id in FRONT]
    if options.only:
        return [id for id in every if id in options.only or id[0] in options.only]
    return [id for id in every if id in QUICK] if options.quick else every


def phases(id: str, dtype: str, brief: bool) -> tuple[str, ...]:
    """What is timed of a row; briefly, forward and backward together."""
    if id in NETS:
        return ("step",)
    if brief or (id in ENDLESS and dtype == "float64"):
        return ("f+b",)
    more = {"d2": id in DOUBLE_BACKWARD, "churn": id in CHURN and dtype == "float32"}
    return ("f", "f+b", *(phase for phase, wanted in more.items() if wanted))


def _measurement(id: str, dtype: str, phase: str, pace: Pace, with_peers: bool) -> Record:
    """One record; an exception becomes a record with ratio 0."""
    try:
        return measured_step(id, dtype, pace) if id in NETS else measured(SUITE[id], dtype, phase, pace, with_peers)
    except Exception as error:  # one row's end is not the run's
        words = f"{type(error).__name__}: {error}".splitlines()[0]
        name = id if id in NETS else SUITE[id].name
        goal = NETS[id][0 if dtype == "float32" else 1] if id in NETS else SUITE[id].goal(dtype, phase)
        return Record(id, name, dtype, phase, goal, Standing(failure=words))


def measurements(options: Options) -> Iterator[Record]:
    """Every record, as it is measured."""
    brief = options.quick or options.front
    for dtype in options.dtypes:
        for id in chosen(options):
            for phase in phases(id, dtype, brief):
                yield _measurement(id, dtype, phase, QUICK_PACE if options.quick else PACES[phase], not brief)


class Interrupted(list[Record]):
    """The records of a run that Ctrl-C has ended early."""


def run(options: Options, source: Callable[[Options], Iterator[Record]] = measurements) -> list[Record]:
    """Run the suite, print the table, write the files; an interrupted run writes what there is.

    Args:
        options: what to run and where to write.
        source: where records come from.

    Returns:
        The records; `Interrupted` if they are not all.

    Raises:
        ValueError: an id or letter that the suite does not have, or a file to stand beside that has no results.
    """
    chosen(options)
    beside = {name: speeds(path) for name, path in options.beside.items()}
    records: list[Record] = []
    note = ""
    try:
        for r in source(options):
            records.append(r)
            print(document.progress(r), file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        records, note = Interrupted(records), "The run was interrupted: what follows is not the whole suite."
        print(note, file=sys.stderr)
    document.on_terminal(records)
    if options.json is not None:
        document.write(options.json, document.as_json(records, note))
    if options.output is not None:
        document.write(options.output, document.rendered(records, note, beside))
    if options.plot and records and not plot.drawn(records, options.plot):
        print("no plot: matplotlib is not installed", file=sys.stderr)
    return records
