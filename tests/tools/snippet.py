"""A snippet: a few lines that use a tool, and what is claimed of them for each way to have a model by hand.

The snippet is a function ``(model, x, target)`` that returns what the tool found: tensors, arrays, numbers, words, or
lists and dicts of them.  `tests.tools.trial` compares what it returns for torch's model with each way's.

A claim is one of

    RIGHT, Right(why)    the same as for torch's model, and operations of ours ran
    TorchRuns(why)       the same, and none of ours ran: the tool computes with torch's operators
    Differs(why)         the tool gives something else; the sentence says what, and what to do
    Refuses(why, says)   the tool raises; its message has the words `says`
    Unasked(why)         the question does not arise
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from tests.tools.networks import plain

WAYS = ("nn", "convert", "by_hand")


@dataclass(frozen=True)
class Claim:
    """What is said in the table; `why` is the sentence, empty where there is nothing to say."""

    why: str = ""

    def __str__(self) -> str:
        return self.why


class Right(Claim):
    """The same as for torch's model, by operations of ours; `why` is what else there is to know."""

    def __str__(self) -> str:
        return f"right; {self.why}" if self.why else "right"


class TorchRuns(Claim):
    """The same as for torch's model, and none of our operations ran."""

    def __str__(self) -> str:
        return f"right; {self.why}"


class Differs(Claim):
    """Something else than for torch's model."""


@dataclass(frozen=True)
class Refuses(Claim):
    """An exception whose message has the words `says`."""

    says: str = ""


class Unasked(Claim):
    """Nothing to try."""


RIGHT = Right()


@dataclass(frozen=True)
class Snippet:
    """One use of one tool.

    Attributes:
        tool: the name people know it by.
        distribution: its name on the package index; ``torch`` for what torch brings.
        run: the snippet.
        network: a function of a namespace of layers (``torch.nn`` or ``manualconv.nn``) that returns a model.
        claims: one for each of `WAYS`.
        size: of the input.
        dtype: of the model and of the input.
        bound: of the difference, over the largest number of torch's result.
    """

    tool: str
    distribution: str
    run: Callable[..., Any]
    network: Callable[[Any], torch.nn.Module]
    claims: dict[str, Claim]
    size: tuple[int, ...]
    dtype: torch.dtype
    bound: float

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def title(self) -> str:
        """What the snippet shows: the first line of its docstring."""
        return (inspect.getdoc(self.run) or "").splitlines()[0].removesuffix(".")

    @property
    def source(self) -> str:
        """Its code, without the decorator and the docstring."""
        lines = inspect.getsource(self.run).splitlines()
        start = next(number for number, line in enumerate(lines) if line.startswith("def "))
        code = "\n".join(lines[start:])
        docstring = self.run.__doc__
        assert docstring is not None, self.name
        return code.replace(f'    """{docstring}"""\n', "", 1)


#: Every snippet, in the order of the page.
SNIPPETS: list[Snippet] = []


def snippet(
    tool: str,
    distribution: str,
    *,
    nn: Claim = RIGHT,
    convert: Claim = RIGHT,
    by_hand: Claim = RIGHT,
    network: Callable[[Any], torch.nn.Module] = plain,
    size: tuple[int, ...] = (4, 1, 12, 12),
    dtype: torch.dtype = torch.float64,
    bound: float | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a snippet; what is not said is claimed to be right."""
    claims = dict(zip(WAYS, (nn, convert, by_hand)))
    if bound is None:
        bound = 1e-8 if dtype is torch.float64 else 1e-4

    def register(run: Callable[..., Any]) -> Callable[..., Any]:
        SNIPPETS.append(Snippet(tool, distribution, run, network, claims, size, dtype, bound))
        return run

    return register
