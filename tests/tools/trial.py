"""A snippet run on torch's model and on the three ways to have it by hand, and what came held to what is claimed."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten

import manualconv
import manualconv.nn
from manualconv.autograd import function
from manualconv.torch_internals import function_modes
from tests.tools.snippet import WAYS, Differs, Refuses, Right, Snippet, TorchRuns, Unasked


@dataclass(frozen=True)
class Outcome:
    """What came of one way: the claim where it holds, else a complaint."""

    way: str
    text: str
    holds: bool


def version(distribution: str) -> str | None:
    """The version that is installed; None if it is not here."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _model(snippet: Snippet, way: str) -> torch.nn.Module:
    torch.manual_seed(0)
    model = snippet.network(torch.nn).to(snippet.dtype).eval()
    if way == "nn":
        ours = snippet.network(manualconv.nn).to(snippet.dtype).eval()
        ours.load_state_dict(model.state_dict())
        return ours
    return manualconv.convert(model) if way == "convert" else model


@contextmanager
def _counted() -> Iterator[list[int]]:
    """How many operations of ours run in the block, in the one entry of a list."""
    count, apply = [0], function.apply

    def counting(*args: Any) -> Any:
        count[0] += 1
        return apply(*args)

    function.apply = counting
    try:
        yield count
    finally:
        function.apply = apply


def _run(snippet: Snippet, way: str) -> tuple[list[Any], int]:
    """What the snippet returned, as a flat list, and how many operations of ours it ran."""
    model = _model(snippet, way)
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()  # code that was compiled for torch's model would run for a converted one
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    x = torch.randn(*snippet.size, dtype=snippet.dtype)
    target = torch.randint(4, snippet.size[:1])
    with _counted() as count, manualconv.by_hand() if way == "by_hand" else nullcontext():
        found = snippet.run(model, x, target)
    return tree_flatten(found)[0], count[0]


def _distance(a: Any, b: Any) -> float:
    """The largest difference over the largest number of b; infinite for unlike things."""
    if isinstance(a, str) or isinstance(b, str) or a is None or b is None:
        return 0.0 if a == b else float("inf")
    a, b = (torch.as_tensor(t).detach().to(torch.float64) for t in (a, b))
    if a.shape != b.shape:
        return float("inf")
    if not b.numel() or torch.equal(a, b):
        return 0.0
    distance = float((a - b).abs().max() / b.abs().max().clamp(min=1e-300))
    return distance if distance == distance else float("inf")


def _all_zero(found: list[Any]) -> bool:
    """Whether a result is made of zeros alone, so that being equal to it says nothing."""
    numbers = [torch.as_tensor(value) for value in found if isinstance(value, (Tensor, np.ndarray, int, float))]
    return bool(numbers) and not any(bool((t != 0).any()) for t in numbers)


def outcomes(snippet: Snippet) -> list[Outcome]:
    """Every way's outcome."""
    expected, _ = _run(snippet, "torch")
    assert expected and not _all_zero(expected), f"{snippet.name} finds nothing in torch's model"
    return [_outcome(snippet, way, expected) for way in WAYS]


def _outcome(snippet: Snippet, way: str, expected: list[Any]) -> Outcome:
    claim = snippet.claims[way]
    if isinstance(claim, Unasked):
        return Outcome(way, str(claim), True)
    try:
        found, count = _run(snippet, way)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        holds = isinstance(claim, Refuses) and claim.says in message and not function_modes()
        return Outcome(way, str(claim) if holds else f"raised {message.splitlines()[0][:300]}", holds)
    if modes := function_modes():
        return Outcome(way, f"left function modes behind: {modes}", False)
    distance = max(map(_distance, found, expected), default=0.0) if len(found) == len(expected) else float("inf")
    equal = distance <= snippet.bound
    holds = {Right: equal and count > 0, TorchRuns: equal and not count, Differs: not equal}.get(type(claim), False)
    came = f"{'equal' if equal else f'apart by {distance:.1e}'}, {count} operations of ours"
    return Outcome(way, str(claim) if holds else f"claimed: {claim or type(claim).__name__}; came: {came}", holds)
