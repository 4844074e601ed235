"""A failure as a gift: where it happens, on the smallest values, in a line, with the likely fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from manualconv.testing.examiner.judgement import Difference
from manualconv.testing.examiner.script import DIGITS, number

#: Facts of cases in the words of a sentence; others are said as they are.
WHERE = {
    "stride remainder": "where the stride leaves a remainder",
    "dilation > 1": "where there is a dilation",
    "dilation": "where there is a dilation",
    "groups > 1": "where there are groups",
    "groups": "where there are groups",
    "several channels a group": "where a group has several channels",
    "several filters a group": "where a group has several filters",
    "depthwise": "where every channel is a group of its own",
    "padding": "where there is padding",
    "asymmetric padding": "where the padding differs between two sides",
    "stride": "where the stride is not 1",
    "unbatched": "without a batch axis",
    "empty batch": "where there are no samples",
    "no samples": "where there are no samples",
    "bias": "where there is a bias",
    "several samples": "where there is more than one sample",
    "several channels": "where there is more than one channel",
    "axes differ": "where the axes of the image differ",
    "odd sizes": "where a size of the image is odd",
    "non-contiguous x": "where x is not contiguous",
    "non-contiguous w": "where w is not contiguous",
    "non-contiguous cotangent": "where the cotangent is not contiguous",
    "channels-last": "in channels-last memory",
    "channels_last": "in channels-last memory",
    "ceil_mode": "with ceil_mode",
}
#: What such a failure mostly comes from: the slot, the fact, and a guess.
LIKELY = (
    ("dW", "stride remainder", "the rows behind the last window are summed into the weight gradient"),
    ("dX", "stride remainder", "the rows behind the last window get a gradient, or the input gradient is cut"),
    ("", "dilation", "an axis's dilation is ignored, or that of another axis is used"),
    ("", "dilation > 1", "an axis's dilation is ignored, or that of another axis is used"),
    ("", "groups", "channels of other groups are mixed in"),
    ("", "groups > 1", "channels of other groups are mixed in"),
    ("", "non-contiguous x", "strides of the input are not read"),
    ("", "non-contiguous w", "strides of the weight are not read"),
    ("", "non-contiguous cotangent", "strides of the incoming gradient are not read"),
    ("", "channels-last", "a memory format is taken for another"),
    ("", "several samples", "only the first sample is computed, or samples are mixed"),
    ("", "axes differ", "two axes are exchanged"),
    ("", "padding", "the padding's offset is forgotten"),
    ("db", "", "the bias gradient is not the sum over samples and positions"),
)


#: A fact is said where almost all failures have it, and clearly more of them than of the successes.
ALMOST_ALL, TELLING = 0.9, 0.25


@dataclass(frozen=True)
class Sample:
    """A case that was tried: what holds of it, and whether the law did."""

    facts: frozenset[str]
    fails: bool


def facts_of(case: Any, features: Iterable[str], tensors: Sequence[Tensor]) -> frozenset[str]:
    """What may make the difference: the case's own facts, the call's features, and the sizes."""
    own = set(case.facts()) if hasattr(case, "facts") else set()
    x = tensors[0]
    sizes = x.shape[2:]
    held = {
        "several samples": x.dim() > 1 and x.shape[0] > 1,
        "several channels": x.dim() > 2 and x.shape[1] > 1,
        "axes differ": len(set(sizes)) > 1,
        "odd sizes": any(size % 2 for size in sizes),
        "non-contiguous x": not x.is_contiguous(),
    }
    return frozenset(own | set(features) | {name for name, holds in held.items() if holds})


def decisive(smallest: frozenset[str], samples: Sequence[Sample]) -> str:
    """Of the facts of the smallest case that fails, the one that tells failures from successes; "" if none does."""
    failing, passing = ([s.facts for s in samples if s.fails is which] for which in (True, False))
    failing = [smallest, *failing]
    if not passing:
        return ""

    def told(fact: str) -> float:
        among, beside = (sum(fact in facts for facts in group) / len(group) for group in (failing, passing))
        return among - beside if among >= ALMOST_ALL else 0.0

    best = max(sorted(smallest), key=told, default="")
    return best if best and told(best) >= TELLING else ""


def sentence(slot: str, difference: Difference | None, words: str, fact: str) -> str:
    """As in: dW is wrong where the stride leaves a remainder: dW[0, 0, 0, 0] is 1, should be 0."""
    where = f" {WHERE.get(fact, f'where there is: {fact}')}" if fact else ""
    if difference is None:
        return f"{words}{where}"
    if difference.note:
        return f"{words}{where}: {slot} {difference.note}"
    place = f"[{', '.join(map(str, difference.index))}]" if difference.index else ""
    pairs = ((number(difference.got, digits), number(difference.expected, digits)) for digits in (9, 13, DIGITS))
    got, expected = next((pair for pair in pairs if pair[0] != pair[1]), ("another", "the definition's"))
    numbers = f"{slot}{place} is {got}, should be {expected}"
    return f"{words}{where}: {numbers}{difference.remark and f', {difference.remark}'}"


def likely(slot: str, fact: str) -> str:
    """What it may come from, if that is known."""
    for where, which, guess in LIKELY:
        if (not where or where == slot) and (which == fact if fact or where != "db" else True):
            return guess
    return ""


def smallest(
    tensors: list[Tensor], fails: Callable[[list[Tensor]], Difference | None], tries: int = 200
) -> tuple[list[Tensor], Difference | None]:
    """Zeros instead of entries, and ones instead of numbers, as long as it fails."""
    found = None
    for n, t in enumerate(tensors):
        if not t.is_floating_point():
            continue
        for place in t.nonzero().tolist()[::-1]:
            for value in (0.0, 1.0):
                index = tuple(place)
                if tries <= 0 or float(tensors[n][index]) == value:
                    continue
                tries -= 1
                now = [_copied(t) for t in tensors]
                now[n][index] = value
                difference = fails(now)
                if difference is not None:
                    tensors, found = now, difference
                    break
    return tensors, found


def _copied(t: Tensor) -> Tensor:
    """As it lies in memory; entries that share theirs get some of their own."""
    return (
        t.contiguous().clone() if 0 in t.stride() else torch.empty_strided(t.shape, t.stride(), dtype=t.dtype).copy_(t)
    )
