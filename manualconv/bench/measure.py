"""Measuring one row: contenders are checked against the reference, then timed in turn; ours is weighed at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from manualconv.bench.contenders import Layer, admitting_errors, algorithms, builtin, by_hand, relaid
from manualconv.bench.machine import DTYPES, roof
from manualconv.bench.memory import watched
from manualconv.bench.peers import FORWARD_ONLY, peers, quiet
from manualconv.bench.phases import WORK, is_pooling, phase_of, reference, tensors
from manualconv.bench.record import WRONG, Record, Standing
from manualconv.bench.reference import relative_error
from manualconv.bench.suite import Row
from manualconv.bench.timing import Call, Pace, Rounds, interleaved

FORBIDDEN = ("convolution", "aten.conv", "mkldnn", "slow_conv", "thnn_conv", "_pool", "im2col", "col2im")
OURS, FAST, BUILTIN, RELAID, AGAIN = "manualconv", "manualconv fast", "torch", "torch channels_last", "torch again"
#: Seconds a call of torch's beyond which it is timed once.
ONCE = 3.0
#: Seconds a call beyond which a peer is timed once, and the pace of the others.
PEER_ONCE, PEER_PACE = 1.0, Pace(7, 0.7)


@dataclass(frozen=True)
class Trial:
    """A contender's first call: how long it took and how wrong it was, or why there is none."""

    call: Call | None
    first: float = 0.0
    error: float = 0.0
    failure: str = ""


def tried(make: Callable[[], Call], judge: Callable[[object], float]) -> Trial:
    """Make a call and run it once; an exception is kept in words."""
    try:
        call = make()
        begin = time.perf_counter()
        results = call()
        first = time.perf_counter() - begin
        return Trial(call, first, judge(results))
    except Exception as error:  # whatever a contender raises is reported in its row and costs nobody else theirs
        return Trial(None, failure=f"{type(error).__name__}: {error}".splitlines()[0])


def torch_s_layout(found: Rounds) -> str:
    """The layout in which torch is faster."""
    return min((name for name in (BUILTIN, RELAID) if name in found.seconds), key=found.median)


def standing(
    name: str, trial: Trial, found: Rounds, bound: float = 0.0, size: int = 0, maps: tuple[str, ...] = ()
) -> Standing:
    """Ours in one setting, from its trial and the rounds, and from one more call under a watch.

    Args:
        name: `OURS` or `FAST`.
        trial: its first call.
        found: the rounds it was timed in.
        bound: the roofline's seconds.
        size: bytes of input and output.
        maps: the algorithms.
    """
    if trial.call is None:
        return Standing(maps=maps, failure=trial.failure)
    watch, seconds = watched(trial.call), found.median(name)
    return Standing(
        seconds,
        trial.first,
        found.ratio(name, torch_s_layout(found)),
        found.ratio(name, BUILTIN),
        trial.error,
        100 * bound / seconds,
        (watch.peak - watch.kept) / size if size else 0.0,
        watch.operators,
        maps,
        tuple(sorted(name for name in watch.names if any(part in name for part in FORBIDDEN))),
    )


def measured(row: Row, dtype: str, phase: str, pace: Pace, with_peers: bool = True) -> Record:
    """One row in one dtype and one phase: ``'f'``, ``'f+b'``, ``'d2'`` or ``'churn'``.

    Raises:
        RuntimeError: torch itself does not compute the row.
    """
    given = tensors(row, DTYPES[dtype])
    exact, is_judge = reference(row, dtype, "f+b" if phase == "f" else phase)  # y comes first in both
    maps = {setting: algorithms(row, DTYPES[dtype], setting) for setting in ("exact", "fast")}
    makers = {BUILTIN: lambda: phase_of(builtin(row), row, given, phase)}
    makers[OURS] = lambda: phase_of(by_hand(row), row, given, phase)
    if maps["fast"] != maps["exact"]:
        makers[FAST] = lambda: phase_of(admitting_errors(by_hand(row)), row, given, phase)
    if row.ndim > 1:
        makers[RELAID] = lambda: phase_of(builtin(row), row, tuple(map(relaid, given)), phase)

    def judge(results: object) -> float:
        assert isinstance(results, tuple)
        return relative_error(results, exact)

    trials: dict[str, Trial] = {}
    for name, make in makers.items():
        trials[name] = tried(make, judge)
        if trials[BUILTIN].failure:
            raise RuntimeError(f"torch does not compute it: {trials[BUILTIN].failure}")
    calls = {name: trial.call for name, trial in trials.items() if trial.call is not None}
    once = trials[BUILTIN].first > ONCE
    if once:
        found = _beside_one_call(calls, trials, pace)
    else:
        found = interleaved({**calls, AGAIN: phase_of(builtin(row), row, given, phase)}, pace)
    times, passes = WORK[phase]
    x, w, y = (t.numel() * t.element_size() for t in given[:3])
    bound = roof(dtype).seconds(0 if is_pooling(row) else times * row.flops(), passes * (x + w + y))
    standings = {
        name: standing(name, trials[name], found, bound, x + y, maps["exact" if name == OURS else "fast"])
        for name in (OURS, FAST)
        if name in trials
    }
    asked = with_peers and trials[OURS].call is not None and dtype == "float32"
    rivals, failures = _against_peers(row, phase, calls[OURS], given, judge) if asked else ({}, {})
    return Record(
        row.id,
        row.name,
        dtype,
        phase,
        row.goal(dtype, phase),
        standings[OURS],
        standings.get(FAST),
        {name: found.median(name) for name in found.seconds},
        None if once else found.ratio(AGAIN, BUILTIN),
        trials[BUILTIN].error if is_judge else None,
        100 * bound / found.median(torch_s_layout(found)),
        rivals,
        {**failures, **{name: t.failure for name, t in trials.items() if t.failure and name not in (OURS, FAST)}},
        f"torch was timed once, since a call of it took {trials[BUILTIN].first:.1f} s" if once else "",
    )


def _beside_one_call(calls: dict[str, Call], trials: dict[str, Trial], pace: Pace) -> Rounds:
    """Ours in rounds, torch by its first call alone."""
    found = interleaved({name: call for name, call in calls.items() if name in (OURS, FAST)}, pace)
    rounds = max((len(seconds) for seconds in found.seconds.values()), default=1)
    return Rounds({**found.seconds, BUILTIN: [trials[BUILTIN].first] * rounds}, found.dropped)


def _against_peers(
    row: Row, phase: str, ours: Call, given: tuple[Tensor, ...], judge: Callable[[object], float]
) -> tuple[dict[str, float], dict[str, str]]:
    """How many times as fast ours is as each peer, and what became of the others.

    Peers are timed forward and backward; those without a backward pass, forward.
    """
    calls, slow, failures = {OURS: ours}, {}, {}
    for name, make in peers(row).items():
        if phase != ("f" if name in FORWARD_ONLY else "f+b"):
            continue
        trial = tried(partial(_of_peer, make, row, given, phase), judge)
        if trial.call is None or not trial.error <= WRONG["float32"]:
            failures[name] = trial.failure or f"wrong by {trial.error:.0e}"
        elif trial.first > PEER_ONCE:
            slow[name] = trial.first
        else:
            calls[name] = trial.call
    if len(calls) + len(slow) == 1:
        return {}, failures
    found = interleaved(calls, PEER_PACE)
    ratios = {name: found.ratio(OURS, name).median for name in calls if name != OURS}
    return {**ratios, **{name: seconds / found.median(OURS) for name, seconds in slow.items()}}, failures


def _of_peer(make: Callable[[], Layer], row: Row, given: tuple[Tensor, ...], phase: str) -> Call:
    return quiet(phase_of(make(), row, given, phase))
