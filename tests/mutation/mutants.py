"""The mutants, which cosmic-ray makes: which there are, which are drawn, and how one is known when lines move."""

from __future__ import annotations

import ast
import difflib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

#: The floors whose files are mutated, as their folders.
FLOORS = ("geometry", "definitions", "kernels", "autograd", "functional", "nn", "swap")
#: Those of which no mutant is left out.
WHOLE = ("geometry",)
#: Two need names to put in.  The others exchange == and `is`, the same for small integers, names and None; where
#: tensors are compared, the other comparisons are tried.
LEFT_OUT = {"VariableReplacer", "VariableInserter"} | {
    f"ReplaceComparisonOperator_{pair}" for pair in ("Eq_Is", "NotEq_IsNot", "Is_Eq", "IsNot_NotEq")
}
#: The kind of node that a family of operators changes.  Asking every member about every node takes minutes.
ONLY = {"core/ReplaceBinaryOperator": "operator", "core/ReplaceComparisonOperator": "comparison"}


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    file: str
    operator: str
    occurrence: int
    line: int
    where: str

    @property
    def floor(self) -> str:
        """The folder of the package that its file is in."""
        return self.file.split("/")[1]


@dataclass(frozen=True)
class Change:
    """What a mutant does to its file, told by lines: this is its name, whatever moves around it."""

    file: str
    where: str
    before: str
    after: str


def files(root: Path) -> list[str]:
    """The files that are mutated."""
    found = (path for floor in FLOORS for path in sorted((root / "manualconv" / floor).rglob("*.py")))
    return [path.relative_to(root).as_posix() for path in found]


def annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """From where to where annotations go: no program runs them, as each file has them postponed."""
    tree = ast.parse(source)
    if not any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in tree.body):
        return []
    found = []
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            part = getattr(node, name, None)
            if isinstance(part, ast.expr):
                found.append(((part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)))
    return found


def mutants(root: Path, file: str) -> Iterator[Mutant]:
    """All mutants of a file, but those of annotations."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.ast.ast_query import ASTQuery
    from cosmic_ray.plugins import get_operator, operator_names

    source = (root / file).read_text(encoding="utf-8")
    apart = annotations(source)
    every = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        if name.removeprefix("core/") in LEFT_OUT:
            continue
        operator = get_operator(name)()
        kind = ONLY.get(name.split("_")[0])
        nodes = [node for node in every if node.type == kind] if kind else every
        places = ((node, start) for node in nodes for start, _ in operator.mutation_positions(node))
        for occurrence, (node, start) in enumerate(places):
            if not any(first <= start < last for first, last in apart):
                where = ASTQuery(node).get_definition_name() or ""
                yield Mutant(file, name.removeprefix("core/"), occurrence, start[0], where)


def mutated(source: str, mutant: Mutant) -> str:
    """The text of the file with the change in it."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    text = mutate_code(source, get_operator(f"core/{mutant.operator}")(), mutant.occurrence)
    if text is None:
        raise ValueError(f"{mutant} is not in its file any more: remove runs/mutation and start again")
    return str(text)


def change(mutant: Mutant, before: str, after: str) -> Change:
    """The lines that differ, without their indentation, and the function or class that they stand in."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    old, new = (" ".join(line[1:].strip() for line in lines if line[0] == sign and line[1:].strip()) for sign in "-+")
    return Change(mutant.file, mutant.where, old, new)


def shares(sizes: Mapping[str, int], total: int) -> dict[str, int]:
    """How many to draw of each file: in proportion to its mutants, at least one; the largest remainders go up."""
    there = {name: size for name, size in sizes.items() if size}
    total = min(total, sum(there.values()))
    exact = {name: Fraction(size * total, sum(there.values())) for name, size in there.items()}
    drawn = {name: max(1, int(share)) for name, share in exact.items()}
    by_remainder = sorted(there, key=lambda name: (int(exact[name]) - exact[name], name))
    while sum(drawn.values()) < total:
        for name in by_remainder:
            if sum(drawn.values()) < total and drawn[name] < there[name]:
                drawn[name] += 1
    while sum(drawn.values()) > max(total, len(there)):
        drawn[max(drawn, key=lambda name: (drawn[name], name))] -= 1
    return drawn


def sample(found: Sequence[Mutant], total: int, seed: int) -> list[Mutant]:
    """All mutants of the floors that are tried whole, then a seeded sample of the others, floor by floor."""
    whole = [mutant for mutant in found if mutant.floor in WHOLE]
    by_file = dict[str, list[Mutant]]()
    for mutant in found:
        if mutant.floor not in WHOLE:
            by_file.setdefault(mutant.file, []).append(mutant)
    share = shares({file: len(each) for file, each in by_file.items()}, total)
    # Each file has a seed of its own, so that a change of one file leaves what is drawn of the others.
    drawn = [m for file in by_file for m in random.Random(f"{seed} {file}").sample(by_file[file], share[file])]
    # In no order of their lines: a run that is stopped has tried a fair part of the floor that it was at.
    drawn += whole
    random.Random(seed).shuffle(drawn)
    return sorted(drawn, key=lambda mutant: FLOORS.index(mutant.floor))
