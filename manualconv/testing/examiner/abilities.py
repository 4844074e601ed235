"""What a target has, found by asking: each ability by the smallest case that needs it, and a law that sees it."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

from manualconv.testing.examiner.asking import ASKED, GRADIENTS, VALUE, NotExamined, drawn, is_there, quoted, says_no
from manualconv.testing.examiner.explaining import Explained
from manualconv.testing.examiner.features import EXTENSIONS
from manualconv.testing.examiner.fitting import FITTED, fitted
from manualconv.testing.examiner.outcome import Outcome
from manualconv.testing.examiner.parts import part_of, restricted
from manualconv.testing.laws.operation import LAWS, Asked, Broken, Unfit

#: Drawn to find small cases that need one thing more than others.
POOL = 400
#: Plain cases of a proof by which the target's part is found.
OFFERED = 4
#: Which eighths of the cases that need an ability are offered, while all before were refused.
AMONG = (0, 1, 2, 4)
#: Dtypes, which an implementation may refuse by any error.
DTYPES = frozenset({"float16", "bfloat16", "float32", "float64"})
#: Abilities that are no features of a call: each is what some law needs.
MODES = sorted(set().union(*(each.needs for each in LAWS.values())) - {"gradients", "float64"})


class Candidate(NamedTuple):
    """A drawn case: its proof, what its call needs, and how many numbers it holds."""

    label: str
    case: Any
    needs: frozenset[str]
    size: int


class Inquiry(Explained):
    """A target that is asked what it has."""

    def find_abilities(self, found: dict[str, str]) -> None:
        """Ask for each ability that is not known yet, and say what came of it, one after the other."""
        if not is_there(found.get("forward", "")):
            return
        pool = self.pool()
        # Few cases are drawn plain in everything: all are brought to be.
        plain = [self.candidate(each.label, fitted(each.case, FITTED)) for each in pool]
        if "forward" not in found:
            self.find_part("forward", plain)
        plainest = self.plainest([*plain, *pool], "forward")
        if not self.task.base and "float64" not in found:
            self.find_dtype(plainest, found)
        self.find("forward", [plainest], VALUE, found)
        if not is_there(found["forward"]):
            return
        if "gradients" not in found and self.says_no_to(plainest.label, plainest.case, "gradients", self.base):
            self.find_part("gradients", plain)
            plainest = self.plainest([*plain, *pool], "gradients")
        self.find("gradients", [plainest], GRADIENTS, found)
        self.find_features(plainest, pool, GRADIENTS if is_there(found["gradients"]) else VALUE, found)
        for name in MODES:
            modal = next(each for each in LAWS.values() if name in each.needs)
            missing = [need for need in sorted(modal.needs - {name}) if not is_there(found.get(need, ""))]
            if missing:
                found.setdefault(name, f"unsupported: without {missing[0]}")
                self.say("ability", name, found[name])
            else:
                self.find(name, [plainest], modal.name, found)

    def find_part(self, asks: str, plain: Sequence[Candidate]) -> None:
        """What plain cases are brought to where the target refuses most."""
        distinct = {(each.label, each.case): each for each in plain if each.size}.values()
        groups = [[each for each in distinct if each.label == label][:OFFERED] for label in self.proofs]
        groups = [group for group in groups if group]
        self.said_no = ""
        self.say("asking", asks)
        part: tuple[str, ...] | None = () if any(self.share(asks, group, ()) >= 0.5 for group in groups) else None
        for group in groups if part is None else ():
            part = part_of(partial(self.share, asks, group), partial(self.takes, asks, group[0], set()))
            if part is not None:
                break
        self.part = part or self.part
        self.say("part", self.part, self.said_no if self.part else "")

    def share(self, asks: str, offered: Sequence[Candidate], part: Sequence[str]) -> float:
        """Of cases brought to a part, how many are taken, as far as it takes to tell a half."""
        taken = 0
        for count, each in enumerate(offered):
            if taken * 2 >= len(offered) or (count - taken) * 2 > len(offered):
                break
            no = self.says_no_to(each.label, restricted(each.case, part), asks, *self.bases)
            taken += not no
            self.said_no = no or self.said_no
        return taken / len(offered)

    def takes(self, asks: str, each: Candidate, refused: set[Any], part: Sequence[str]) -> bool:
        """Whether a case brought to a part is taken; none is offered twice."""
        case = restricted(each.case, part)
        if case in refused or self.says_no_to(each.label, case, asks, *self.bases):
            refused.add(case)
            return False
        return True

    @property
    def bases(self) -> tuple[torch.dtype, ...]:
        """The dtype that is asked in, and float32, which may be all that is taken."""
        return (self.base,) if self.task.base or self.base == torch.float32 else (self.base, torch.float32)

    def says_no_to(self, label: str, case: Any, asks: str, *bases: torch.dtype) -> str:
        """In which words a call is refused in each of some dtypes; "" where it is not."""
        self.say("case", VALUE, pickle.dumps((label, case, False)))
        before, said = self.base, ""
        try:
            for base in bases:
                self.base = base
                said = self.refusal(self.asked(label, case, False), asks)
                if not said:
                    break
        finally:
            self.base = before
        return said

    def refusal(self, asked: Asked, asks: str) -> str:
        """In which words one call is refused; "" where it is not."""
        try:
            asked.value() if asks == "forward" else asked.both()
        except NotExamined as lacking:
            return quoted(lacking.__cause__ or lacking)
        except Exception as error:
            return quoted(error) if says_no(error) else ""
        return ""

    def plainest(self, cases: Sequence[Candidate], asks: str) -> Candidate:
        """The plainest that the target takes; of all, where it takes none."""
        within = [self.candidate(each.label, self.brought(each.case)) for each in cases]
        order = sorted((each for each in within if each.size), key=lambda each: (len(each.needs), each.size))
        distinct = {(each.label, each.case): each for each in order}.values()
        self.say("asking", asks)
        for base in self.bases:
            for each in distinct:
                if not self.says_no_to(each.label, each.case, asks, base):
                    return each
        return order[0]

    def find(self, name: str, cases: Sequence[Candidate], law: str, found: dict[str, str]) -> None:
        """Ask for one by a law and cases that need it, the plainest first: the first of them that is not refused."""
        if name in found:
            return
        self.say("asking", name)
        case, found[name] = cases[0], "unsupported: --without"
        if name not in self.task.without:
            found[name] = self.why_not(case, law)
            for other in cases[1:]:
                if not found[name].startswith("unsupported"):
                    break
                why = self.why_not(other, law)
                if not why.startswith("unsupported"):  # else the words about the plainest case say most
                    case, found[name] = other, why
        if name == "forward" and found[name].startswith("unsupported: ") and name not in self.task.without:
            found[name] += "; so is every other case that was tried"
        self.say("ability", name, found[name])
        # Without a forward pass nothing is examined: then the call that it refused is shown.
        if (found[name].startswith("failed") or name == "forward") and not is_there(found[name]):
            words = found[name].partition(": ")[2]
            outcome = Outcome(f"{name}{ASKED}", 0, 1, words=words, label=case.label, case=case.case)
            self.show(outcome)
            self.say("outcome", outcome)

    def find_features(self, plainest: Candidate, pool: list[Candidate], law: str, found: dict[str, str]) -> None:
        """Each by the smallest case that needs little else; the rarest last, when more is known."""
        taken = set(plainest.needs)
        names = set().union(*(each.needs for each in pool)) - taken
        fewest = {name: min(len(each.needs) for each in pool if name in each.needs) for name in names}

        def beside(each: Candidate, name: str) -> tuple[int, ...]:
            more = each.needs - {name}
            return len(more & EXTENSIONS), len(more - taken), len(more - plainest.needs), each.size

        for name in sorted(names, key=lambda name: (fewest[name], name)):
            # Some need another: there is no output_padding without a stride or a dilation, but one of them is enough.
            others = names - {name}
            for without in (others, *(others - {each} for each in sorted(taken)), others - taken, set()):
                within = [self.candidate(each.label, self.brought(each.case, without)) for each in pool]
                within = [each for each in within if name in each.needs and (each.size or name == "empty batch")]
                if within:
                    break
            alone = sorted(within or (each for each in pool if name in each.needs), key=lambda each: beside(each, name))
            self.find(name, [alone[len(alone) * n // 8] for n in AMONG], law, found)
            if is_there(found[name]):
                taken.add(name)

    def find_dtype(self, plainest: Candidate, found: dict[str, str]) -> None:
        """float64, or float32 where the plainest case is refused in float64 alone."""
        self.say("asking", "float64")
        wide = self.why_not(plainest, VALUE)
        found["float64"] = ""
        if not is_there(wide):
            self.base = torch.float32
            if is_there(self.why_not(plainest, VALUE)):
                found["float64"] = f"unsupported: {wide.partition(': ')[2]}"
            else:
                self.base = torch.float64
        self.say("ability", "float64", found["float64"])

    def pool(self) -> list[Candidate]:
        """Drawn cases: of no entries there is nothing to see, but for an empty batch."""
        found = []
        for label, proof in self.proofs.items():
            for case in drawn(proof.cases, POOL // len(self.proofs), self.task.seed):
                each = self.candidate(label, case)
                if each.size or "empty batch" in each.needs:
                    found.append(each)
        return found

    def candidate(self, label: str, case: Any) -> Candidate:
        """A case with what it needs; the size is 0 if one of its tensors has no entries."""
        question = self.question(label, case, False)
        sizes = [t.numel() for t in (*question.inputs, question.cotangent)]
        return Candidate(label, case, self.needed(question), sum(sizes) if all(sizes) else 0)

    def why_not(self, each: Candidate, law: str) -> str:
        """Ask a law of one case; "" if it holds."""
        small = LAWS[law].small
        self.say("case", law, pickle.dumps((each.label, each.case, small)))
        try:
            LAWS[law].holds(self.asked(each.label, each.case, small))
        except Unfit as unfit:
            return f"{'unsupported' if unfit.says_no else 'failed'}: {unfit.words}"
        except Broken as broken:
            return f"failed: wrong: {broken.words}"
        except NotExamined as lacking:
            return f"unsupported: {quoted(lacking.__cause__ or lacking)}"
        except Exception as error:
            may_refuse = each.needs & EXTENSIONS or LAWS[law].needs & DTYPES
            return f"{'unsupported' if says_no(error) or may_refuse else 'failed'}: {quoted(error)}"
        return ""
