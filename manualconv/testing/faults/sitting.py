"""One implementation of the bank before the examiner: in a process of its own, judged as any target is.

A ward is a process that knows an operation's cases; it is copied for each implementation, where the system can, so that
what one of them leaves behind (a switch, a cache, a thread) is not there for the next.
"""

from __future__ import annotations

import os
import pickle
import random
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch.autograd import forward_ad

from manualconv.testing.examiner import abilities
from manualconv.testing.examiner.abilities import Candidate
from manualconv.testing.examiner.asking import Misjudged, Task, quoted
from manualconv.testing.examiner.endings import end_with_the_parent
from manualconv.testing.examiner.outcome import Outcome
from manualconv.testing.examiner.patient import Patient, silence
from manualconv.testing.faults.everything import BANK, FromBank
from manualconv.testing.faults.usual_rule import passes

#: What candidates need, by label and case: found out once a ward.
_KNOWN: dict[tuple[str, Any], Candidate] = {}
_POOLS: dict[tuple[str, int, int], list[Candidate]] = {}


def task_of(key: str, cases: int, seed: int) -> Task:
    """What is asked of an entry; faults are not compiled, which takes longest and notices nothing of them alone."""
    entry = BANK[key]
    without = entry.without if entry.compiled else ("compile", *entry.without)
    return Task(FromBank(key, entry.operation), cases, seed, entry.tier, without=without)


class Acquainted(Patient):
    """A target of an operation whose cases were drawn, and looked through, for an earlier one."""

    def pool(self) -> list[Candidate]:
        """Of an operation the same for all."""
        key = self.operation, self.task.seed, abilities.POOL
        if key not in _POOLS:
            _POOLS[key] = super().pool()
        return _POOLS[key]

    def candidate(self, label: str, case: Any) -> Candidate:
        """Looked up, since every implementation is offered the same."""
        found = _KNOWN.get((label, case))
        if found is None:
            found = _KNOWN[label, case] = super().candidate(label, case)
        return found


class Examinee(Acquainted):
    """A target whose failures are noted and not explained."""

    def explain(self, law: Any, result: Outcome) -> None:
        """Nothing."""

    def show(self, result: Outcome) -> None:
        """Nothing."""


class Rehearsal(Examinee):
    """One that has every ability at once: the way to them is known afterwards."""

    def find(self, name: str, cases: Sequence[Candidate], law: str, found: dict[str, str]) -> None:
        """It is there."""
        found.setdefault(name, "")

    def says_no_to(self, label: str, case: Any, asks: str, *bases: torch.dtype) -> str:
        """Nobody is called."""
        return ""


def ward(connection: Connection) -> None:
    """The process: examine what it is told, one after the other, until the connection closes."""
    silence()
    torch.set_num_threads(1)
    warm_up()
    while True:
        try:
            task: Task = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        code = copied(connection, task)
        connection.send_bytes(pickle.dumps(("over", code)))


def warm_up() -> None:
    """What torch imports when a mode is first used takes seconds: here once, and not in every copy."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.use_deterministic_algorithms(False)
    with forward_ad.dual_level():
        torch.relu(forward_ad.make_dual(torch.ones(1), torch.ones(1)))
    torch.vmap(torch.relu)(torch.ones(2))


def copied(connection: Connection, task: Task) -> int:
    """Examine in a copy of this process, and say how that ended; here, where the system copies none."""
    rehearse(task)
    if not hasattr(os, "fork"):
        sit(connection, task)
        return 0
    child = os.fork()
    if child == 0:
        end_with_the_parent()
        renew_threads()
        sit(connection, task)
        os._exit(0)
    connection.send_bytes(pickle.dumps(("sits", child)))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def renew_threads() -> None:
    """Make torch's pool of threads anew in a copy of a process.

    torch does so by itself at the first use, but without a lock: of two threads that come first at once, one finds no
    pool ("Invalid thread pool", `pthreadpool` in caffe2/utils/threadpool/pthreadpool-cpp.cc).
    """
    torch.set_num_threads(1)


def rehearse(task: Task) -> None:
    """Find out what an operation's cases need."""
    found = {"float64": "", "forward": ""}
    Rehearsal(replace(task, abilities=found), lambda *_: None, lambda *_: None).find_abilities(found)


def passes_usually(key: str) -> dict[float, bool]:
    """Whether the usual rule lets it pass, found out in one more copy, since a cheat leaves things changed."""
    if not hasattr(os, "fork"):
        return passes(BANK[key])
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        end_with_the_parent()
        os.write(theirs, pickle.dumps(passes(BANK[key])))
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    found: dict[float, bool] = pickle.loads(said) if said else {}
    return found


def sit(connection: Connection, task: Task) -> None:
    """Ask everything of one."""
    random.seed(task.seed)
    torch.manual_seed(task.seed)

    def say(*message: Any) -> None:
        connection.send_bytes(pickle.dumps(message))

    def ask(label: str, case: Any, small: bool, kind: Any, results: list[torch.Tensor]) -> Any:
        arrays = [t.detach().double().contiguous().numpy() for t in results]
        say("judge", label, case, small, kind, arrays, task.tier)
        answer = pickle.loads(connection.recv_bytes())
        if isinstance(answer, Exception):
            raise Misjudged(str(answer))
        return answer

    say("usual", passes_usually(task.target.text))
    try:
        examinee = Examinee(task, say, ask)
        examinee.examine()
        say("end")
    except (Exception, Misjudged) as error:
        say("broken", quoted(error))
