"""Calls with arguments drawn at random, right and wrong, and what torch makes of each in a process that may die.

``python -m tests.bad_input.drawn 20 3 conv2d linear`` makes 20 calls of each function, but for the first three of all,
and writes what came of each on a line of its own.  A call is made from its function's name and its number alone, so
that both processes make the same.
"""

from __future__ import annotations

import faulthandler
import inspect
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from math import inf, nan
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor

import manualconv.functional
from tests.bad_input.calls import TORCH, Outcome, numbers, outcome
from tests.bad_input.table import RIGHT

SECONDS = 20
#: What a call that ended its process, or took longer than its time, raised.
DIED = "died"

_WORDS = ("same", "valid", "reflect", "replicate", "circular", "constant", "none", "mean", "sum", "tanh", "median")
_FLAGS = (True, False, True, False, None, 1, "a")
_REALS = (
    *(0.0, 1.0, 0.5, -1.0, 2, 1.5, nan, inf, -inf, 1e300, 10**30, 2**63, True, None, "a", 1j, 1 + 0j, (0.5,)),
    *(np.float32(0.5), np.int64(1), torch.tensor(0.5), torch.tensor([0.5, 1.0]), torch.tensor(0.5, requires_grad=True)),
)


def _ints(random: Random, ndim: int) -> Any:
    """An int, or one per axis, mostly."""
    one = (*(0, 1, 1, 2, 2, 3), *(-1, 4, 5, 20), random.choice((2**62, 2**63, -(2**63) - 1)))
    odd = (None, True, 2.5, "3", np.int64(2), torch.tensor(2), torch.tensor(2.5), [2], (2, True), (2.5, 2), (None, 2))
    if random.random() < 0.5:
        return random.choice(one)
    count = random.choice((ndim, ndim, ndim, 1, 0, ndim + 1, ndim + 2))
    several = tuple(random.choice(one) for _ in range(count))
    return random.choice((several, several, several, list(several), random.choice(odd)))


_DTYPES = (
    *(torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8),
    *(torch.bool, torch.complex64),
)


def _tensor(random: Random, t: Tensor) -> Any:
    """A tensor of another size, kind or place."""
    return random.choice(
        (
            lambda: t.to(random.choice(_DTYPES)),
            lambda: t[0] if t.dim() else t,
            lambda: t[None],
            lambda: t.flatten(),
            lambda: t[..., :0] if t.dim() else t,
            lambda: t[:0] if t.dim() else t,
            lambda: t[:, :0] if t.dim() > 1 else t,
            lambda: t[..., :-1] if t.dim() else t,
            lambda: t[:, :1] if t.dim() > 1 else t,
            lambda: t.transpose(0, -1) if t.dim() else t,
            lambda: t[:1].expand(t.shape) if t.dim() else t,
            lambda: t.sum(),
            lambda: t.clone().requires_grad_() if t.is_floating_point() else t,
            lambda: random.choice((None, 1.0, [1.0], "a", t.numpy())),
        )
    )()


def _value(random: Random, function: str, key: str, annotation: str, right: dict[str, Any]) -> Any:
    """What is drawn for an argument of this name and type."""
    ndim = int(function[-2]) if function[-1] == "d" and function[-2].isdigit() else 2
    given = right.get(key)
    if isinstance(given, Tensor) or "Tensor" in annotation:
        like = given if isinstance(given, Tensor) else next(v for v in right.values() if isinstance(v, Tensor))
        if key in ("weight", "bias", "running_mean", "running_var", "pos_weight") and random.random() < 0.5:
            like = numbers(random.choice((like.shape[1] if like.dim() > 1 else 1, 2, 3, 4)))
        return _tensor(random, like)
    if annotation.startswith("bool"):
        return random.choice(_FLAGS)
    if annotation.startswith("str"):
        return random.choice((*_WORDS, None, 3))
    if annotation.startswith("float"):
        return random.choice(_REALS)
    return random.choice(_WORDS) if key == "padding" and random.random() < 0.1 else _ints(random, ndim)


@cache
def _parameters(function: str) -> dict[str, str]:
    ours = inspect.unwrap(getattr(manualconv.functional, function))
    known = inspect.signature(ours).parameters.values()
    return {p.name: str(p.annotation) for p in known if p.kind is p.POSITIONAL_OR_KEYWORD}


def _drawn(function: str, number: int) -> tuple[Random, list[str]]:
    random, keys = Random(f"{function} {number}"), sorted(_parameters(function))
    return random, random.sample(keys, min(random.choice((0, 1, 1, 2, 2, 3, 4)), len(keys)))


def drawn_keys(function: str, number: int) -> list[str]:
    """The arguments of a call that are drawn."""
    return _drawn(function, number)[1]


def call(function: str, number: int) -> dict[str, Any]:
    """The arguments of a call: of a right one, none to four of them drawn."""
    random, keys = _drawn(function, number)
    right = RIGHT[function]
    arguments = {key: value.clone() if isinstance(value, Tensor) else value for key, value in right.items()}
    for key in keys:
        arguments[key] = _value(random, function, key, _parameters(function)[key], right)
    return arguments


def made(library: Any, function: str, number: int, whole: bool = False) -> Outcome:
    """What came of a call, its result by shape and dtype alone unless asked for the whole."""
    arguments = call(function, number)
    torch.manual_seed(0)
    came = outcome(lambda _: getattr(library.functional, function)(**arguments), library)
    if whole:
        return came
    results = came.value if isinstance(came.value, tuple) else (came.value,)
    said = [[str(t.dtype), *t.shape] for t in results if isinstance(t, Tensor)]
    return Outcome(came.error, came.message, said)


def _main(count: str, start: str, *names: str) -> None:
    torch.set_num_threads(1)
    for name, number in _every(int(count), names)[int(start) :]:
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        came = made(TORCH, name, number)
        faulthandler.cancel_dump_traceback_later()
        print(json.dumps([came.error and came.error.__name__, came.message.split("\n")[0], came.value]), flush=True)


def _every(count: int, names: Iterable[str]) -> list[tuple[str, int]]:
    return [(name, number) for name in names for number in range(count)]


def of_torch(count: int, names: Sequence[str]) -> Iterator[tuple[str, int, str | None, str, Any]]:
    """What torch made of each call: its error by name, the first line of its message, its result."""
    every, done = _every(count, names), 0
    while done < len(every):
        command = [sys.executable, "-m", "tests.bad_input.drawn", str(count), str(done), *names]
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        with subprocess.Popen(command, cwd=Path(__file__).parents[2], **pipes) as child:
            for line in child.stdout:
                yield (*every[done], *json.loads(line))
                done += 1
        if done < len(every):
            yield (*every[done], DIED, f"with {child.returncode}", None)
            done += 1


if __name__ == "__main__":
    _main(*sys.argv[1:])
