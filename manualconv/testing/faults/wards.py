"""The wards from outside: each a process with a judge beside it, started again behind one that it did not survive."""

from __future__ import annotations

import os
import pickle
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from manualconv.testing.examiner import report
from manualconv.testing.examiner.asking import Task
from manualconv.testing.examiner.endings import started
from manualconv.testing.examiner.examination import STARTING, Examination, Judge, processes, says
from manualconv.testing.faults.sitting import ward

#: Seconds that a case may take.
PATIENCE = 120.0


@dataclass
class Sitting:
    """What came of one: the laws that noticed something, the first of them, and when; its words; all seconds."""

    key: str
    noticed: list[str] = field(default_factory=list)
    words: str = ""
    killed_after: float = float("nan")
    seconds: float = 0.0
    cases: int = 0
    usual: dict[float, bool] = field(default_factory=dict)

    def notice(self, law: str, words: str, seconds: float) -> None:
        """Note what a law says; the first is kept in words."""
        if not self.noticed:
            self.words, self.killed_after = words, seconds
        if law not in self.noticed:
            self.noticed.append(law)


class Ward:
    """A ward and its judge."""

    def __init__(self) -> None:
        self.judge = Judge()
        self.child = 0
        self.process, self.connection = self.started()

    def started(self) -> tuple[BaseProcess, Connection]:
        """A process that waits for tasks."""
        context = processes()
        ours, theirs = context.Pipe()
        process = started(context, ward, theirs)
        theirs.close()
        return process, ours

    def close(self) -> None:
        """End both processes."""
        self.connection.close()
        self.process.kill()
        self.process.join(5)
        self.judge.close()

    def sat(self, task: Task, until_killed: bool = False) -> Sitting:
        """Examine one; `until_killed` ends it at the first law that notices anything."""
        found, examination = Sitting(task.target.text), Examination(task)
        self.connection.send_bytes(pickle.dumps(task))
        begin, law, patience, stopped = time.perf_counter(), "importing", STARTING, False
        while True:
            if not says(self.connection, self.child or self.process.pid or 0, patience):
                found.notice(law, f"hangs: no answer within {patience:g} s", time.perf_counter() - begin)
                self.stop()
                stopped = True
                continue
            try:
                kind, *rest = pickle.loads(self.connection.recv_bytes())
            except (EOFError, ConnectionResetError):
                found.notice(law, "ends the process", time.perf_counter() - begin)
                self.process, self.connection = self.started()
                break
            now = time.perf_counter() - begin
            if kind == "over":
                if rest[0] > 0 or (rest[0] < 0 and not found.noticed):
                    found.notice(law, f"ends the process ({rest[0]})", now)
                break
            if kind == "usual":
                found.usual = rest[0]
            elif kind == "sits":
                self.child, begin = rest[0], time.perf_counter()
            elif kind == "case":
                law, patience = rest[0], STARTING if "compile" in rest[0] else PATIENCE
            elif kind == "judge":
                if stopped:
                    continue  # nobody is there to read the answer
                self.connection.send_bytes(pickle.dumps(self.judge(*rest)))
            elif kind != "end":
                _heard(kind, rest, law, examination, found, now)
                if found.noticed and until_killed:
                    self.stop()
                    stopped = True
        found.seconds = time.perf_counter() - begin
        found.cases = sum(outcome.reached for outcome in examination.outcomes)
        if not found.noticed and (wrong := report.failed(examination, ())):
            found.notice("the examination", wrong[0], found.seconds)
        return found

    def stop(self) -> None:
        """End the copy that sits; the ward says that it is over."""
        if self.child:
            os.kill(self.child, signal.SIGKILL)
            self.child = 0
        elif not hasattr(os, "fork"):
            self.process.kill()


def _heard(kind: str, rest: Any, law: str, examination: Examination, found: Sitting, now: float) -> None:
    if kind == "ability":
        examination.abilities[rest[0]] = rest[1]
        if rest[1].startswith("failed"):
            found.notice(law, f"{rest[0]}: {rest[1].partition(': ')[2]}", now)
    elif kind == "outcome":
        examination.outcomes.append(rest[0])
        if rest[0].words:
            found.notice(rest[0].law, rest[0].words, now)
    elif kind in ("unusable", "broken"):
        examination.unusable = rest[0]
