"""``pytest --manualconv-impl TARGET``: an examination as tests, one for each law.

The options are those of ``manualconv check`` with the prefix ``--manualconv-``; without the first of them nothing is
loaded or changed.  A law that fails is a test that fails, with the report's line and program; what the target does not
have is a skip.  Tests are called ``manualconv::OPERATION::LAW``, have the mark `manualconv`, and can be asked for by
these names.

Laws are asked in a process of their own, in their order, while pytest waits for the one whose turn it is.  Under xdist
the first worker that needs an operation examines it; the others wait for what it found.
"""

from __future__ import annotations

import pickle
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import pytest

from manualconv.testing.options import LIBRARIES, TARGET, add_options, examiner, wish

NAME = "manualconv"
#: The item that has what was found before any law: an ability that fails, or is missing though required.
ABILITIES = "abilities"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Those of ``manualconv check``."""
    group = parser.getgroup(NAME, "examine an implementation of a layer, law by law")
    group.addoption("--manualconv-impl", dest="manualconv_target", metavar="TARGET", help=TARGET)
    add_options(group.addoption, "manualconv-")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse at once what cannot be examined."""
    config.addinivalue_line("markers", "manualconv: a law, asked of --manualconv-impl")
    if config.getoption("manualconv_target"):
        config.pluginmanager.register(Plugin(config), "manualconv-examination")


class Broken(Exception):
    """A law that the target breaks, in the lines of the report."""


class Running:
    """An examination in a thread: what is known of it, and a way to wait for more."""

    def __init__(self, task: Any, timeout: float) -> None:
        self.program = examiner()
        self.found = self.program.Examination(task)
        self.order = list(self.program.laws(task))
        self.news, self.wrong = Condition(), ""
        self.thread = Thread(target=self._run, args=(timeout,), daemon=True)
        self.thread.start()

    def _run(self, timeout: float) -> None:
        try:
            self.program.examined(self.found.task, timeout, self._heard, self.found)
        except Exception as error:
            self.wrong = f"the examiner failed: {type(error).__name__}: {error}"
        with self.news:
            self.order = []
            self.news.notify_all()

    def _heard(self, outcome: Any) -> None:
        with self.news:
            self.order = self.order[self.order.index(outcome.law) + 1 :] if outcome.law in self.order else self.order
            self.news.notify_all()

    def until(self, law: str) -> Any:
        """What is known when a law has been asked, or will not be."""
        with self.news:
            while law in self.order or (law == ABILITIES and self.order):
                self.news.wait(0.5)
        if self.wrong:
            raise Broken(self.wrong)
        return self.found


class Plugin:
    """Of a session that examines a target."""

    def __init__(self, config: pytest.Config) -> None:
        self.wish = wish(vars(config.option), "manualconv-")
        self.worker = getattr(config, "workerinput", None)
        self.running: dict[str, Running] = {}
        self.found: dict[str, Any] = {}
        self.selected: dict[str, set[str]] = {}
        config.option.manualconv_json = None  # a path cannot be sent to workers, who write none
        self.program, self.tasks = self._loaded()
        self.items = {
            f"{NAME}::{operation}::{law}": (operation, law)
            for operation, task in self.tasks.items()
            for law in (*self.program.laws(task), ABILITIES)
        }
        self._choose(config.args)
        self.shared = Path(tempfile.mkdtemp(prefix="manualconv-")) if self.worker is None else Path(self.worker[NAME])

    def _loaded(self) -> tuple[Any, dict[str, Any]]:
        """The examiner and its tasks, if it and the target are there."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what torch says on import is nobody's failure here
                program = examiner()
            tasks = {task.target.operation: task for task in program.tasks(self.wish)}
        except ValueError as error:
            raise pytest.UsageError(f"--manualconv-impl: {error}") from None
        if self.worker is None and self.wish.target not in LIBRARIES:
            why = program.unloadable(next(iter(tasks.values())).target, self.wish.timeout)
            if why:
                raise pytest.UsageError(f"--manualconv-impl: {why}")
        return program, tasks

    def _choose(self, args: list[str]) -> None:
        """Take what is asked for by its name out of the arguments: it is no file for pytest to find."""
        names = [each for each in args if each.startswith(f"{NAME}::")]
        args[:] = [each for each in args if each not in names]
        for name in names:
            if not any(each.startswith(name) for each in self.items):
                raise pytest.UsageError(f"there is no {name}; there are: {'; '.join(self.items)}")
        if names:
            self.items = {each: what for each, what in self.items.items() if each.startswith(tuple(names))}

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of xdist where findings are shared."""
        node.workerinput[NAME] = str(self.shared)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Put the laws before the session's own tests, where every way to choose among tests finds them."""
        items[:0] = session.genitems(Laws.from_parent(session, name=NAME, nodeid=NAME, plugin=self))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Ask only the laws that are left."""
        for item in session.items:
            if isinstance(item, Law):
                self.selected.setdefault(item.operation, set()).add(item.law)

    def known(self, operation: str, law: str) -> Any:
        """What is known of an operation when a law has been asked."""
        if operation not in self.found:
            if self.worker is not None:
                self.found[operation] = self._once(operation)
                return self.found[operation]
            if operation not in self.running:
                self.running[operation] = Running(self._task(operation), self.wish.timeout)
            return self.running[operation].until(law)
        return self.found[operation]

    def _task(self, operation: str) -> Any:
        task, selected = self.tasks[operation], self.selected[operation]
        return task if selected >= set(self.program.laws(task)) else replace(task, only=tuple(sorted(selected)))

    def _once(self, operation: str) -> Any:
        """By one worker for all: torch brings `filelock`."""
        from filelock import FileLock

        file = self.shared / operation
        with FileLock(f"{file}.lock"):
            if not file.exists():
                found = Running(self._task(operation), self.wish.timeout).until(ABILITIES)
                file.write_bytes(pickle.dumps(found))
        return pickle.loads(file.read_bytes())

    def findings(self) -> Iterator[Any]:
        """Of every operation that was examined, by this process or by workers."""
        for operation in self.tasks:
            if operation in self.running:
                yield self.running[operation].found
            elif (self.shared / operation).exists():
                yield pickle.loads((self.shared / operation).read_bytes())

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what each target has and has not."""
        for found in self.findings():
            for line in self.program.report.abilities(found, self.wish.require):
                terminalreporter.write_line(line)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Write what was found, and leave nothing else behind."""
        if self.worker is None:
            if self.wish.json is not None:
                said = self.program.report.as_json([*self.findings()], self.wish.require, self.wish.seed)
                self.wish.json.write_text(said, encoding="utf-8")
            shutil.rmtree(self.shared, ignore_errors=True)


class Laws(pytest.Collector):
    """All laws of all operations."""

    def __init__(self, *, plugin: Plugin, **given: Any) -> None:
        super().__init__(**given)
        self.plugin = plugin
        self.add_marker(NAME)

    def collect(self) -> Iterator[pytest.Item]:
        """One for each law of each operation, and one for what comes before them."""
        for nodeid, (operation, law) in self.plugin.items.items():
            yield Law.from_parent(self, name=law, nodeid=nodeid, operation=operation, plugin=self.plugin)


class Law(pytest.Item):
    """A law, asked of an operation."""

    def __init__(self, *, operation: str, plugin: Plugin, **given: Any) -> None:
        super().__init__(**given)
        self.operation, self.law, self.plugin = operation, self.name, plugin
        self.extra_keyword_matches.add(operation)
        if self.config.pluginmanager.hasplugin("xdist"):  # which knows the mark
            self.add_marker(pytest.mark.xdist_group(f"{NAME}::{operation}"))

    def runtest(self) -> None:
        """Wait until it has been asked; fail with the report's lines, or skip with its reason."""
        report, found = self.plugin.program.report, self.plugin.known(self.operation, self.law)
        if self.law == ABILITIES:
            wrong = report.failed_abilities(found, self.plugin.wish.require)
            known = dict.fromkeys(report.known_ability(found, name) for name in found.abilities)
            if wrong:
                raise Broken("\n".join([*wrong, *(line for title in known for line in report.known_line(title))]))
            return
        outcome = next((each for each in found.outcomes if each.law == self.law), None)
        needs = self.plugin.program.laws(self.plugin.tasks[self.operation])[self.law]
        said = report.verdict(outcome) if outcome else report.UNSUPPORTED
        if said == report.UNSUPPORTED or (said == report.MISTRUSTED and not report.is_doubtful(outcome)):
            pytest.skip(report.why_not(found, outcome, needs))
        if said != report.PASSED:
            raise Broken("\n".join(report.failure(outcome) + report.known_line(report.known_law(found, outcome))))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Its lines alone: no traceback of ours helps who wrote the target."""
        return str(excinfo.value) if isinstance(excinfo.value, Broken) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """In no file."""
        return self.config.rootpath, None, f"{self.operation}: {self.law}"
