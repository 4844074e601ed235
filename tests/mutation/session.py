"""What is kept between runs, in runs/mutation: the mutants of each file, which test runs which line, and every outcome.

Everything is kept by the text of the files that it depends on.  A mutant's outcome is kept while its file is the same:
one that was killed stays so, and one that survived is tried again when it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from queue import Queue
from typing import Any

from tests.mutation import mutants, reach
from tests.mutation.mutants import FLOORS, Change, Mutant
from tests.mutation.trials import Outcome, Trials, callers, compiles, fingerprint
from tests.suite import ROOT

KEPT = ROOT / "runs" / "mutation"
#: Processor seconds for all tests of one source of the map.
MEASURING = 3000
#: A test that took longer is timed once more: kernels are compiled then.
SLOW = 2.0


@dataclass(frozen=True)
class Result:
    """What a mutant changed, and what became of it."""

    mutant: Mutant
    change: Change
    outcome: Outcome


def digest(file: str) -> str:
    """The text of a file, in short."""
    return sha256((ROOT / file).read_bytes()).hexdigest()


def read(path: Path, otherwise: Any) -> Any:
    """What a JSON file has."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else otherwise


def write(path: Path, content: Any) -> None:
    """Write a JSON file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content), encoding="utf-8")
    new.replace(path)


def listed() -> list[Mutant]:
    """All mutants of all floors; those of a file that has changed are listed anew."""
    path = KEPT / "mutants.json"
    known, new = read(path, {}), dict[str, Any]()
    rules = sha256(Path(mutants.__file__).read_bytes()).hexdigest()
    for file in mutants.files(ROOT):
        text = rules + digest(file)
        if file in known and known[file]["text"] == text:
            new[file] = known[file]
        else:
            new[file] = {"text": text, "mutants": [asdict(mutant) for mutant in mutants.mutants(ROOT, file)]}
    write(path, new)
    return [Mutant(**each) for entry in new.values() for each in entry["mutants"]]


def measured(everyone: Sequence[Trials], sources: Sequence[str] = reach.SOURCES) -> reach.Lines:
    """Which test runs which line; what has not changed since it was measured is not measured again."""
    free, found = Queue[Trials](), reach.Lines()
    for trials in everyone:
        free.put(trials)

    def said_of(source: str) -> dict[str, Any]:
        trials = free.get()
        try:
            return _measured(trials, source)
        finally:
            free.put(trials)

    with ThreadPoolExecutor(len(everyone)) as pool:
        for said in pool.map(said_of, sources):
            found.add(said)
            if said["failed"]:
                print(f"not used, as they fail here without a mutant: {', '.join(said['failed'])}", flush=True)
    return found


def _measured(trials: Trials, source: str) -> dict[str, Any]:
    """What a worker says of the tests of one source."""
    path = KEPT / "lines" / f"{source.replace('/', '.')}.json"
    key = fingerprint(ROOT, [*(f"manualconv/{floor}" for floor in FLOORS), source])
    known: dict[str, Any] = read(path, {})
    if known.get("key") == key:
        return known
    print(f"which lines {source} runs", flush=True)
    said = {"key": key, **trials.ask([source], MEASURING, traced=True)}
    if "lines" not in said:
        raise SystemExit(f"the tests of {source} do not run without a mutant:\n{said['log']}")
    slow = [name for name, seconds in said["seconds"].items() if seconds > SLOW]
    words = [*dict.fromkeys(name.partition("::")[0] for name in slow)]
    said["seconds"].update(trials.ask(words, MEASURING, tests=slow)["seconds"] if slow else {})
    write(path, said)
    return said


def results() -> dict[Mutant, Result]:
    """The outcomes so far, of files that have the same text still."""
    path, found, texts = KEPT / "results.jsonl", dict[Mutant, Result](), dict[str, str]()
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        kept = json.loads(line)
        mutant = Mutant(**kept["mutant"])
        if mutant.file not in texts:
            texts[mutant.file] = digest(mutant.file) if (ROOT / mutant.file).exists() else ""
        if kept["text"] == texts[mutant.file]:
            found[mutant] = Result(mutant, Change(**kept["change"]), Outcome(**kept["outcome"]))
    return found


def tried(trials: Trials, lines: reach.Lines, todo: Iterator[Mutant]) -> Iterator[Result]:
    """Try one mutant after another."""
    for mutant in todo:
        source = (ROOT / mutant.file).read_text(encoding="utf-8")
        text = mutants.mutated(source, mutant)
        # Which lines of kernels run nobody sees, and what is only imported runs none.
        unseen = compiles(source) or mutant.file not in lines.ran
        rounds = lines.rounds(mutant.file, mutant.line, callers(ROOT, mutant.file) if unseen else ())
        outcome = trials.tried(mutant.file, text, rounds)
        yield Result(mutant, mutants.change(mutant, source, text), outcome)


def keep(result: Result) -> None:
    """Write an outcome behind the others."""
    with (KEPT / "results.jsonl").open("a", encoding="utf-8") as file:
        print(json.dumps({"text": digest(result.mutant.file), **asdict(result)}), file=file)
