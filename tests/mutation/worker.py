"""``python -m tests.mutation.worker MODULE…``, in a copy of the tree: runs tests, each time in a forked child.

What takes seconds to import is imported once, before the first child: pytest, Hypothesis, the modules named on the
command line.  manualconv is not among them, for each child imports the files as they are then; its bytecode is known by
the source's hash, which no two mutants share.  A request and its answer are a line of JSON each.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from time import monotonic, process_time, sleep
from typing import Any

import pytest
from hypothesis import Phase, settings

#: Bytes that a child may take beyond what it starts with: ``1 << n`` of a mutant must fail, not fill the machine.
MEMORY = 6 * 2**30
#: How much longer than its processor time a child may last: others use the processor too.
PATIENCE = 8


class Selection:
    """A pytest plugin: the tests asked for, in that order, how long each took, and the first that failed."""

    def __init__(self, tests: list[str] | None, tracer: Any) -> None:
        self.order = None if tests is None else {test: number for number, test in enumerate(tests)}
        self.tracer = tracer
        self.seconds = dict[str, float]()
        self.failed = list[str]()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Have a property stop at its first failure: nobody reads the smallest one."""
        profile = settings.get_profile(os.environ["MANUALCONV_PROFILE"])
        settings.register_profile("mutation", profile, phases=[Phase.explicit, Phase.generate])
        settings.load_profile("mutation")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep what was asked for."""
        if self.order is not None:
            items[:] = [item for item in items if item.nodeid in self.order]
            items.sort(key=lambda item: self.order[item.nodeid])

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Take the time, and have the tracer know whose lines these are."""
        if self.tracer is not None:
            self.tracer.switch_context(item.nodeid)
        started = process_time()
        yield
        self.seconds[item.nodeid] = process_time() - started

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.failed and report.nodeid not in self.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be imported."""
        if report.failed:
            self.failed.append(report.nodeid)


def lines_of(tracer: Any) -> dict[str, dict[int, list[str]]]:
    """File → line → the tests that ran it."""
    data, found = tracer.get_data(), dict[str, dict[int, list[str]]]()
    for file in data.measured_files():
        lines = {line: [t for t in tests if t] for line, tests in data.contexts_by_lineno(file).items()}
        found[Path(file).relative_to(Path.cwd()).as_posix()] = lines
    return found


def run(request: dict[str, Any], folder: Path) -> None:
    """In the child: run the tests, and write down what happened."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (request["seconds"], request["seconds"] + 5))
    statm = Path("/proc/self/statm")
    if statm.exists():
        most = int(statm.read_text(encoding="utf-8").split()[0]) * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    with open(folder / "log", "w", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ.update(request["environment"])
    tracer = None
    if request["traced"]:
        import coverage

        tracer = coverage.Coverage(data_file=None, config_file=False, include=[str(Path.cwd() / "manualconv" / "*")])
        tracer.start()
    selection = Selection(request.get("tests"), tracer)
    # Hypothesis is imported before pytest could rewrite its assertions, and says so.
    words = [
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
        "-p",
        "no:cacheprovider",
        "--color=no",
        f"--basetemp={folder / 'pytest'}",
        *request["words"],
    ]
    code = int(pytest.main(words, plugins=[selection]))
    if tracer is not None:
        tracer.stop()
    said = {"code": code, "failed": selection.failed, "seconds": selection.seconds}
    if tracer is not None:
        said["lines"] = lines_of(tracer)
    (folder / "said.json").write_text(json.dumps(said), encoding="utf-8")
    os._exit(0)


def waited(child: int, seconds: float) -> int | None:
    """The status that a child ends with; None if it must be killed.  Its own children go with it."""
    until, status = monotonic() + seconds, None
    try:
        while monotonic() < until:
            ended, found = os.waitpid(child, os.WNOHANG)
            if ended:
                status = found
                break
            sleep(0.02)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        if status is None:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return status


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What a child says of the tests, with the end of what it printed; ``code`` is None if it took too long."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        folder = Path(name)
        child = os.fork()
        if child == 0:
            try:
                run(request, folder)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(70)
        status = waited(child, request["seconds"] * PATIENCE)
        log = (folder / "log").read_text(encoding="utf-8", errors="replace")[-4000:] if status != 0 else ""
        if (folder / "said.json").exists():
            return {**json.loads((folder / "said.json").read_text(encoding="utf-8")), "log": log}
        late = status is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL))
        return {"code": None if late else -1, "failed": [], "seconds": {}, "log": log}


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    for name in sys.argv[1:]:
        with suppress(ImportError):
            import_module(name)
    gc.freeze()  # so that a child's collector does not copy the pages of what was imported
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
