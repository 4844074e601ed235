"""Which tests run which line, found by running them once, and the tests to try on a mutant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

#: Where tests are taken from.  Each is run once, and again only when it or the package has changed.
SOURCES = (
    "tests/test_geometry.py",
    "tests/geometry",
    "tests/definitions",
    "tests/kernels",
    "tests/autograd",
    "tests/functional",
    "tests/nn",
    "tests/swap",
    "tests/laws",
    "tests/proof",
    "tests/reports",
    "tests/test_bad_input.py",
    "tests/test_by_hand.py",
    "tests/test_autocast.py",
    "tests/test_compile.py",
    "tests/test_derivatives.py",
    "tests/test_graph.py",
    "tests/test_memory.py",
    "tests/test_package.py",
    "tests/test_per_sample.py",
    "tests/test_transforms.py",
)
#: How tests begin that look at all files, whose lines they do not run: at arguments, and at what is public.
LOOKING = ("tests/swap/test_table.py::test_an_argument", "tests/test_package.py::test_all_lists")
#: Processor seconds, without a mutant: of the tests named like the file, and of the others.
NEAR, FAR = 8.0, 20.0


@dataclass(frozen=True)
class Test:
    """A test that passes, and the processor seconds that it takes."""

    __test__ = False

    name: str
    seconds: float


@dataclass
class Lines:
    """Which tests run each line."""

    tests: dict[str, Test] = field(default_factory=dict)
    #: File → line → names of tests.
    ran: dict[str, dict[int, set[str]]] = field(default_factory=dict)

    def add(self, said: Mapping[str, Any]) -> None:
        """Take in what a worker says; a test that fails without a mutant is not used."""
        good = {name for name in said["seconds"] if name not in said["failed"]}
        self.tests.update({name: Test(name, said["seconds"][name]) for name in good})
        for file, lines in said["lines"].items():
            for line, names in lines.items():
                if good.intersection(names):
                    self.ran.setdefault(file, {}).setdefault(int(line), set()).update(good.intersection(names))

    def rounds(self, file: str, line: int, beside: Sequence[str] = ()) -> list[list[Test]]:
        """The tests for a mutant in this line, in rounds: those named like the file, others, those that look at files.

        Each begins with the tests that run the line.  Then come those that run any line of the file: they may have met
        the line in a cache or when the file was imported; and those of files beside it.  Quick ones are first.
        """
        reach = self.ran.get(file, {}).get(line, set())
        anywhere = set().union(*(names for each in (file, *beside) for names in self.ran.get(each, {}).values()))
        named = {name for name in self.tests if is_named_like(name, file)}

        def ordered(names: set[str]) -> list[Test]:
            return [
                self.tests[name]
                for name in sorted(names, key=lambda n: (n not in reach, n not in anywhere, self.tests[n].seconds, n))
            ]

        looking = {name for name in self.tests if name.startswith(LOOKING)} - named - anywhere
        rounds = within(ordered(named), NEAR), within(ordered(anywhere - named), FAR), ordered(looking)
        return [tests for tests in rounds if tests]


def within(tests: Sequence[Test], seconds: float) -> list[Test]:
    """The first tests, as many as take so long."""
    kept, total = list[Test](), 0.0
    for test in tests:
        if total + test.seconds <= seconds:
            kept.append(test)
            total += test.seconds
    return kept


def is_named_like(test: str, file: str) -> bool:
    """Whether a test's file has the name of a file of the package, or of the folder that it is in.

    >>> is_named_like("tests/nn/test_linear.py::test_it", "manualconv/functional/linear.py")
    True
    """
    stem = PurePosixPath(test.partition("::")[0]).stem.removeprefix("test_")
    return stem in (PurePosixPath(file).stem.removeprefix("compiled_"), PurePosixPath(file).parent.name)
