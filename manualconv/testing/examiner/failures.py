"""A failure as a gift: where it happens, on the smallest values, in a line, with the likely fault and a script."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from manualconv.testing.adapters import OPTIONAL_TENSORS, as_torch_says, bound, said, signature
from manualconv.testing.examiner.features import Call
from manualconv.testing.examiner.judgement import Difference
from manualconv.testing.pair import Pair

#: Facts of cases in the words of a sentence; others are said as they are.
WHERE = {
    "stride remainder": "where the stride leaves a remainder",
    "dilation > 1": "where there is a dilation",
    "dilation": "where there is a dilation",
    "groups > 1": "where there are groups",
    "groups": "where there are groups",
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
    return f"{words}{where}: {slot}{place} is {number(difference.got)}, should be {number(difference.expected)}"


def likely(slot: str, fact: str) -> str:
    """What it may come from, if that is known."""
    for where, which, guess in LIKELY:
        if (not where or where == slot) and (which == fact if fact or where != "db" else True):
            return guess
    return ""


def number(value: float) -> str:
    """As short as it is exact."""
    return str(int(value)) if value == value and abs(value) < 1e15 and value == int(value) else f"{value:.9g}"


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
                now = [t.contiguous().clone() for t in tensors]
                now[n][index] = value
                difference = fails(now)
                if difference is not None:
                    tensors, found = now, difference
                    break
    return tensors, found


# ----------------------------------------------------------------------------------------------- the script


def script(text: str, thing: Any, call: Call, claim: Claim) -> str:
    """A program of torch and the target alone that fails again."""
    operation, args, options = call
    lines = ["import torch", *_import(text)]
    letters: dict[int, str] = {}
    for name, value in bound(operation, args, options).items():
        if isinstance(value, Tensor):
            letter = {"input": "x", "weight": "w", "bias": "b"}.get(name, name)
            letters[id(value)] = letter
            lines += _tensor(letter, value)
    lines += _passes(thing, operation, args, options, letters, claim)
    place = f"[{', '.join(map(str, claim.difference.index))}]" if claim.difference.index else ""
    expected = number(claim.difference.expected)
    shown = f"{claim.slot}{place}"
    lines.append(f"got = float({claim.slot}{place})")
    lines.append(f"assert abs(got - {expected}) <= {claim.room:.3g}, f'{shown} is {{got:.9g}}, should be {expected}'")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Claim:
    """What is wrong: the slot, the difference, the cotangent of the gradients, and what roundings allow."""

    slot: str
    difference: Difference
    cotangent: Tensor
    room: float


def _import(text: str) -> list[str]:
    place, _, name = text.partition(":")
    if name.startswith("torch.ops."):
        return [*_import(f"{place}:torch")[:-1], f"target = {name}"]
    if not place.endswith(".py"):
        return [f"from {place} import {name.split('.')[0]}", f"target = {name}"]
    return [
        "import importlib.util",
        f"spec = importlib.util.spec_from_file_location('examined', {place!r})",
        "module = importlib.util.module_from_spec(spec)",
        "spec.loader.exec_module(module)",
        f"target = module.{name}",
    ]


def _tensor(letter: str, t: Tensor) -> list[str]:
    """Zeros and the few entries that are not, or all of them."""
    dtype = f", dtype={t.dtype}" if t.dtype != torch.float32 else ""
    places = t.nonzero().tolist()
    if t.dim() and len(places) <= 2 and t.numel() > 4:
        lines = [f"{letter} = torch.zeros({list(t.shape)}{dtype})"]
        lines += [f"{letter}[{', '.join(map(str, p))}] = {number(float(t[tuple(p)]))}" for p in places]
    else:
        lines = [
            f"{letter} = torch.tensor({t.tolist()}{dtype})" + (f".reshape({list(t.shape)})" if not t.numel() else "")
        ]
    if not t.is_contiguous() and 0 not in t.stride():
        lines.append(f"{letter} = torch.empty_strided({list(t.shape)}, {list(t.stride())}{dtype}).copy_({letter})")
    return lines


def _passes(thing: Any, operation: str, args: Any, options: Any, letters: dict[int, str], claim: Claim) -> list[str]:
    """The call of the forward and, for a gradient, of the backward pass."""

    def said_as(value: Any) -> str:
        return letters.get(id(value), repr(value)) if isinstance(value, Tensor) else repr(value)

    gradient = claim.slot != "y"
    cotangent = _tensor("g", claim.cotangent) if gradient else []
    if isinstance(thing, Pair):
        named_values = {name: as_torch_says(value) for name, value in bound(operation, args, options).items()}
        tensors = [f"{said_as(value)}.numpy()" for value in named_values.values() if isinstance(value, Tensor)]
        rest = {
            n: v
            for n, v in named_values.items()
            if not isinstance(v, Tensor) and not (v is None and n in OPTIONAL_TENSORS)
        }
        named = ", ".join(f"{name}={value!r}" for name, value in rest.items())
        if not gradient:
            return [f"y = target.forward({', '.join(tensors)}, {named})"]
        slots = [f"d{letter.upper() if letter != 'b' else 'b'}" for letter in letters.values()]
        return [
            *cotangent,
            f"{', '.join(slots)}{',' * (len(slots) == 1)} = target.backward(g.numpy(), {', '.join(tensors)}, {named})",
        ]
    places, names = said(operation, args, options)
    if inspect.isclass(thing) and issubclass(thing, Function):
        values = [as_torch_says(value) for value in bound(operation, args, options).values()]
        count = len(inspect.signature(thing.forward).parameters) - ("setup_context" not in vars(thing))
        called = f"target.apply({', '.join(map(said_as, values[:count]))})"
    else:
        arguments = [*map(said_as, places), *(f"{name}={said_as(value)}" for name, value in names.items())]
        called = f"target({', '.join(arguments)})"
    if not gradient:
        return [f"y = {called}"]
    moving = [letter for name, letter in _moving(operation, args, options, letters)]
    slots = [f"d{letter.upper() if letter != 'b' else 'b'}" for letter in moving]
    return [
        *cotangent,
        *(f"{letter}.requires_grad_()" for letter in moving),
        f"{', '.join(slots)}{',' * (len(slots) == 1)} = torch.autograd.grad({called}, ({', '.join(moving)},), g)",
    ]


def _moving(operation: str, args: Any, options: Any, letters: dict[int, str]) -> list[tuple[str, str]]:
    return [
        (name, letters[id(value)])
        for name, value in bound(operation, args, options).items()
        if isinstance(value, Tensor) and value.is_floating_point() and name in signature(operation).parameters
    ]
