"""An examination: the patient's process is started, timed, and started again behind a case that it did not survive."""

from __future__ import annotations

import pickle
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from manualconv.testing.examiner import judgement
from manualconv.testing.examiner.asking import ASKED, Task
from manualconv.testing.examiner.autopsy import autopsy, explain
from manualconv.testing.examiner.endings import started
from manualconv.testing.examiner.outcome import Outcome
from manualconv.testing.examiner.patient import serve
from manualconv.testing.examiner.script import Manner

if TYPE_CHECKING:  # Windows has one of them
    from multiprocessing.context import ForkServerContext, SpawnContext

#: Laws that may end the process.
DEATHS = 3
#: In the names of laws that trace, and import what torch traces with.
TRACED = "compile", "opcheck"
#: Seconds that imports and a first compilation may take.
STARTING = 120.0


@dataclass
class Examination:
    """What is known of a target."""

    task: Task
    unusable: str = ""
    abilities: dict[str, str] = field(default_factory=dict)
    asking: str = ""
    manner: Manner | None = None
    all_asked: bool = False
    part: tuple[str, ...] | None = None
    refused: str = ""
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0


def processes(device: str = "cpu") -> SpawnContext | ForkServerContext:
    """Where processes come from: on Linux they are copies of one that has loaded torch and the laws, and nothing else.

    Elsewhere each loads them anew: libraries of macOS do not survive a copy, and no copy may use CUDA.
    """
    if sys.platform != "linux" or device != "cpu":
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([serve.__module__])
    return context


def judge(connection: Connection) -> None:
    """The process of the judge: results in, differences out, until the connection closes."""
    torch.set_num_threads(1)
    connection.send_bytes(b"ready")
    while True:
        try:
            message = connection.recv_bytes()
        except EOFError:
            return
        *question, arrays, tier = pickle.loads(message)
        try:
            label, case, small, kind = question
            answer: Any = judgement.judged(label, case, small, kind, [torch.from_numpy(a) for a in arrays], tier)
        except Exception as error:
            answer = RuntimeError(f"the judge failed: {type(error).__name__}: {error}")
        connection.send_bytes(pickle.dumps(answer))


class Judge:
    """The judge's process, kept for all examinations of a run."""

    def __init__(self) -> None:
        context = processes()
        self.connection, theirs = context.Pipe()
        self.process = started(context, judge, theirs)
        theirs.close()
        self.connection.recv_bytes()

    def __call__(self, *question: Any) -> Any:
        """The difference between results and what they should be."""
        try:
            self.connection.send_bytes(pickle.dumps(question))
            return pickle.loads(self.connection.recv_bytes())
        except (EOFError, OSError) as error:
            return RuntimeError(f"the judge's process ended: {type(error).__name__}")

    def close(self) -> None:
        """End the process."""
        self.connection.close()
        self.process.join(5)
        self.process.terminate()


@dataclass
class Life:
    """What a patient's process said until its end, and how it ended."""

    law: str = ""
    noted: bytes | None = None
    end: str = ""


def live(task: Task, judge: Judge, timeout: float, heard: Callable[..., None]) -> Life:
    """Run a patient until it ends, hangs or dies; everything it says is passed on."""
    context = processes(task.device)
    ours, theirs = context.Pipe()
    process = started(context, serve, theirs, task)
    theirs.close()
    life, patience = Life(), STARTING
    try:
        while True:
            if not says(ours, process.pid or 0, patience):
                life.end = f"hangs: no answer within {patience:g} s"
                return life
            try:
                kind, *rest = pickle.loads(ours.recv_bytes())
            except (EOFError, ConnectionResetError):
                process.join(5)
                life.end = f"ends the process ({_ended(process.exitcode)})"
                return life
            if kind == "case":
                life.law, life.noted = rest
                patience = max(STARTING, timeout) if any(word in life.law for word in TRACED) else timeout
            elif kind == "judge":
                ours.send_bytes(pickle.dumps(judge(*rest, task.tier)))
            elif kind in ("end", "unusable", "broken"):
                heard(kind, *rest)
                process.join(5)  # killed at once, it would leave locks of other libraries behind
                return life
            else:
                heard(kind, *rest)
                patience = max(timeout, 60.0)
    finally:
        ours.close()
        process.kill()
        process.join(5)


def says(connection: Connection, pid: int, patience: float) -> bool:
    """Whether a process says something within so many seconds; those that it waits for a processor do not count."""
    begin = time.monotonic() - waited(pid)
    while (left := patience - (time.monotonic() - waited(pid) - begin)) > 0:
        if connection.poll(left):
            return True
    return connection.poll(0)


def waited(pid: int) -> float:
    """Seconds that a process has waited for a processor, where the system counts them."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) * 1e-9
    except (OSError, IndexError):
        return 0.0


def _ended(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


def examine(
    task: Task, judge: Judge, timeout: float, progress: Callable[[Outcome], None], into: Examination | None = None
) -> Examination:
    """All laws of a target; a case that ends its process fails its law, and the examination goes on behind it.

    What is known by and by can be read in `into`.
    """
    found, begin = into or Examination(task), time.perf_counter()

    deaths = 0

    def heard(kind: str, *rest: Any) -> None:
        if kind in ("unusable", "broken"):
            found.unusable = rest[0]
        elif kind == "asking":
            found.asking = rest[0]
        elif kind == "ability":
            found.asking, found.abilities[rest[0]] = "", rest[1]
        elif kind == "manner":
            found.manner = rest[0]
        elif kind == "part":
            found.part, found.refused = rest
        elif kind == "abilities":
            found.all_asked = True
        elif kind == "outcome":
            found.outcomes.append(rest[0])
            progress(rest[0])

    while True:
        done = frozenset(outcome.law for outcome in found.outcomes)
        now = replace(task, done=done, abilities=found.abilities, all_asked=found.all_asked, part=found.part)
        life = live(now, judge, timeout, heard)
        if not life.end:
            break
        if life.noted is None:
            found.unusable = f"importing it {life.end}"
            break
        law = f"{found.asking}{ASKED}" if found.asking else life.law
        # What abilities are asked by is the smallest case of many.
        dies = None if found.asking else partial(_dies, now, life.law, judge, timeout)
        outcome, culprit = autopsy(life.noted, life.end, law, dies)
        explain(outcome, task.target, found.manner)
        found.outcomes.append(outcome)
        progress(outcome)
        if found.asking:
            found.abilities[found.asking], found.asking = f"failed: {life.end}", ""
        elif culprit in found.abilities:  # the others are examined without it
            found.abilities[culprit] = f"failed: {life.end}"
        else:
            deaths += 1
        if deaths == DEATHS:
            found.unusable = f"{deaths} laws ended its process: the rest is not examined"
            break
    found.seconds = time.perf_counter() - begin
    return found


def _dies(task: Task, law: str, judge: Judge, timeout: float, label: str, case: Any, small: bool) -> bool:
    """Whether one case of a law ends the process too."""
    return bool(live(replace(task, single=(law, label, case, small)), judge, timeout, lambda *_: None).end)
