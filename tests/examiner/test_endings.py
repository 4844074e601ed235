"""A command that is ended from outside leaves no process at work."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from manualconv.testing.examiner.endings import started
from manualconv.testing.examiner.examination import processes

ROOT = Path(__file__).resolve().parents[2]
#: Says that it runs, and does not end; SIGTERM alone would not end it.
KERNEL = """
import multiprocessing, pathlib, signal, time

def relu(z):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    multiprocessing.RLock()
    pathlib.Path(__file__).with_name("runs").touch()
    time.sleep(1000)
"""
CHECK = ("check", "kernel.py:relu", "--timeout", "600", "--dtype", "float64")
MARK = "MANUALCONV_TEST_MARK"
#: Seconds for what has no end of its own: none is measured.
LONG = 300


def at_work(mark: str) -> list[int]:
    """The processes that were started with a mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:  # it has ended, or is somebody else's
            continue
    return found


def until(happens: Callable[[], object]) -> bool:
    """Whether something happens at all."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        if happens():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_what_ends_the_command_ends_its_processes(name: str, tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text(KERNEL, encoding="utf-8")
    number, mark = getattr(signal, name), uuid.uuid4().hex
    environment = {**os.environ, "PYTHONPATH": str(ROOT), MARK: mark}
    command = [sys.executable, "-m", "manualconv", *CHECK]
    # The suite may run where it is ignored, as under nohup: then the command goes on, as it should.
    default = partial(signal.signal, number, signal.SIG_DFL) if name != "SIGKILL" else None
    pipes = {"stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, preexec_fn=default, **pipes) as process:
        try:
            assert until((tmp_path / "runs").exists)
            assert len(at_work(mark)) > 2
            process.send_signal(number)
            _, said = process.communicate(timeout=LONG)
            assert process.returncode == (-number if name == "SIGKILL" else 128 + number)
            assert "Traceback" not in said
            assert "leaked" not in said
            assert until(lambda: not at_work(mark)), at_work(mark)
        finally:
            for each in at_work(mark):
                os.kill(each, signal.SIGKILL)


def name_a_lock(connection: Any) -> None:
    """As tqdm and Numba do."""
    connection.send(vars(multiprocessing.RLock())["_semlock"].name)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere locks have names")
def test_a_lock_of_a_process_that_is_killed_has_no_name_to_leave_behind() -> None:
    context = processes()
    ours, theirs = context.Pipe()
    process = started(context, name_a_lock, theirs)
    assert ours.recv() is None
    process.join()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_what_ends_a_self_test_ends_its_wards_and_their_copies() -> None:
    mark = uuid.uuid4().hex
    environment = {**os.environ, MARK: mark}
    command = [sys.executable, "-m", "manualconv", "check", "--self-test", "--only", "relu:"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("killed")
            process.terminate()
            said = process.communicate(timeout=LONG)[1]
            assert process.returncode == 128 + signal.SIGTERM
            assert "Traceback" not in said
            assert until(lambda: not at_work(mark)), at_work(mark)
        finally:
            for each in at_work(mark):
                os.kill(each, signal.SIGKILL)
