"""A failure as a program of torch and the target alone that fails again."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from manualconv.testing.adapters import OPTIONAL_TENSORS, arguments_of, as_torch_says, bound, said
from manualconv.testing.examiner.features import Call
from manualconv.testing.modules import chosen, held, known, operands
from manualconv.testing.operators import arguments, parameters
from manualconv.testing.pair import Pair

#: That tell every float64 from its neighbours.
DIGITS = 17
#: Of a tensor whose entries are not few, so many are written out.
WRITTEN_OUT = 64


@dataclass(frozen=True)
class Manner:
    """How a target is called.

    Attributes:
        kind: function, pair, module, autograd or operator.
        takes: the names of autograd's or a constructor's arguments, or an operator's schema.
    """

    kind: str = "function"
    takes: tuple[Any, ...] = ()


def manner_of(thing: Any, operation: str, operator: bool = False) -> Manner:
    """Of anything that can be examined."""
    if operator:
        return Manner("operator", parameters(thing))
    if isinstance(thing, Pair):
        return Manner("pair")
    if inspect.isclass(thing) and issubclass(thing, Function):
        return Manner("autograd", arguments_of(thing, operation))
    if inspect.isclass(thing) and issubclass(thing, torch.nn.Module):
        return Manner("module", known(thing))
    return Manner()


@dataclass(frozen=True)
class Claim:
    """What a program shows.

    Attributes:
        slot: the result that is asked for: y, or a gradient of it under `cotangent`.
        cotangent: of the gradients.
        index, expected, room: the entry that is wrong, what it should be, and what roundings allow; None where there is
            no number, but the call itself raises, hangs or ends the process.
        check: ``opcheck`` for torch's own; ``tensor`` where the result is none; ``shape`` where it is not `index`;
            ``order 2`` and ``order 3`` for derivatives beside difference quotients.
    """

    slot: str
    cotangent: Tensor
    index: tuple[int, ...] | None = None
    expected: float = 0.0
    room: float = 0.0
    check: str = ""


def number(value: float, digits: int = 9) -> str:
    """As short as it is exact, or so many digits."""
    return str(int(value)) if value == value and abs(value) < 1e15 and value == int(value) else f"{value:.{digits}g}"


def script(text: str, manner: Manner, call: Call, claim: Claim) -> str:
    """Operands, the call, and what it should give."""
    operation, args, options = call
    lines = ["import torch", *_import(text)]
    letters: dict[int, str] = {}
    for name, value in bound(operation, args, options).items():
        if isinstance(value, Tensor):
            letter = {"input": "x", "weight": "w", "bias": "b"}.get(name, name)
            letters[id(value)] = letter
            lines += _tensor(letter, value)
    lines += _passes(manner, call, letters, claim)
    if claim.check == "tensor":
        lines.append("assert isinstance(y, torch.Tensor), f'y is a {type(y).__name__}'")
    elif claim.check == "shape":
        wrong = f"f'{claim.slot} has the shape {{tuple({claim.slot}.shape)}}, should have {claim.index}'"
        lines.append(f"assert tuple({claim.slot}.shape) == {claim.index}, {wrong}")
    elif claim.index is not None:
        shown = claim.slot + (f"[{', '.join(map(str, claim.index))}]" if claim.index else "")
        expected = number(claim.expected, DIGITS)
        wrong = f"f'{shown} is {{got:.{DIGITS}g}}, should be {expected}'"
        holds = f"abs(got - {expected}) <= {claim.room:.3g}"
        if claim.expected != claim.expected or abs(claim.expected) == float("inf"):
            holds = f"str(got) == {str(claim.expected)!r}"
        lines += [f"got = float({shown})", f"assert {holds}, {wrong}"]
    return "\n".join(lines) + "\n"


def _import(text: str) -> list[str]:
    place, _, name = text.partition(":")
    if place == "torch":
        return [f"target = torch.{name}"]
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
    t = t.detach()
    dtype = f", dtype={t.dtype}" if t.dtype != torch.float32 else ""
    shape, places = list(t.shape), t.nonzero().tolist()
    if t.dim() and len(places) <= 2 and t.numel() > 4:
        lines = [f"{letter} = torch.zeros({shape}{dtype})"]
        lines += [f"{letter}[{', '.join(map(str, p))}] = {number(float(t[tuple(p)]))}" for p in places]
    elif t.numel() <= WRITTEN_OUT:
        lines = [f"{letter} = torch.tensor({t.tolist()}{dtype})" + (f".reshape({shape})" if not t.numel() else "")]
    else:
        lines = [f"{letter} = torch.tensor({t.flatten().tolist()}{dtype}).reshape({shape})"]
    if t.stride() != torch.empty(shape).stride() and 0 not in t.stride():
        lines.append(f"{letter} = torch.empty_strided({shape}, {list(t.stride())}{dtype}).copy_({letter})")
    return lines


def _passes(manner: Manner, call: Call, letters: dict[int, str], claim: Claim) -> list[str]:
    """The call of the forward and, for a gradient, of the backward pass."""
    operation, args, options = call

    def said_as(value: Any) -> str:
        return letters.get(id(value), repr(value)) if isinstance(value, Tensor) else repr(value)

    values = {name: as_torch_says(value) for name, value in bound(operation, args, options).items()}
    gradient = claim.slot != "y"
    lines = _tensor("g", claim.cotangent) if gradient and claim.check != "opcheck" else []
    if manner.kind == "pair":
        return [*lines, _of_a_pair(values, letters, said_as, gradient)]
    moving = [letters[id(v)] for v in values.values() if isinstance(v, Tensor) and v.is_floating_point()]
    lines += [f"{letter}.requires_grad_()" for letter in moving if gradient]
    places, names = said(operation, args, options)
    if manner.kind == "operator":
        places, names = list(arguments(manner.takes, *call).places), arguments(manner.takes, *call).names
    elif manner.kind == "autograd":
        places, names = [values[name] for name in manner.takes], {}
    elif manner.kind == "module":
        places, names = operands(manner.takes, values), chosen(manner.takes, operation, values)
    written = ", ".join(map(said_as, places)), ", ".join(f"{name}={said_as(value)}" for name, value in names.items())
    if claim.check == "opcheck":
        return [*lines, f"torch.library.opcheck(target, ({written[0]},), dict({written[1]}))"]
    if manner.kind == "module":
        lines += _made(written[1], operation, values, letters)
        called = f"torch.func.functional_call(made, given, ({written[0]},))"
    else:
        called = f"target{'.apply' * (manner.kind == 'autograd')}({', '.join(filter(None, written))})"
    if claim.check.startswith("order"):
        return [*lines, *_quotients(called, moving, claim.check)]
    if not gradient:
        return [*lines, f"y = {called}"]
    return [*lines, f"{_slots(moving)} = torch.autograd.grad({called}, ({', '.join(moving)},), g)"]


def _quotients(called: str, letters: list[str], order: str) -> list[str]:
    """Of the first derivative, or of the second: torch's own check, by random cotangents."""
    named = ", ".join(letters)
    lines = ["torch.manual_seed(0)", f"f, g = lambda {named}: {called}, g.requires_grad_()"]
    if order == "order 2":
        return [*lines, f"torch.autograd.gradgradcheck(f, ({named},), g, atol=1e-4, rtol=1e-4)"]
    first = f"lambda {named}, g: torch.autograd.grad(f({named}), ({named},), g, create_graph=True)"
    return [*lines, f"torch.autograd.gradgradcheck({first}, ({named}, g), atol=1e-4, rtol=1e-4)"]


def _slots(letters: list[str]) -> str:
    slots = [f"d{letter.upper() if letter != 'b' else 'b'}" for letter in letters]
    return f"{', '.join(slots)}{',' * (len(slots) == 1)}"


def _of_a_pair(values: dict[str, Any], letters: dict[int, str], said_as: Any, gradient: bool) -> str:
    tensors = [f"{said_as(value)}.numpy()" for value in values.values() if isinstance(value, Tensor)]
    rest = {
        name: value
        for name, value in values.items()
        if not isinstance(value, Tensor) and not (value is None and name in OPTIONAL_TENSORS)
    }
    named = [f"{name}={value!r}" for name, value in rest.items()]
    if not gradient:
        return f"y = target.forward({', '.join([*tensors, *named])})"
    return f"{_slots(list(letters.values()))} = target.backward({', '.join(['g.numpy()', *tensors, *named])})"


def _made(constructor: str, operation: str, values: dict[str, Any], letters: dict[int, str]) -> list[str]:
    """A module as torch.nn's is built, and the call's tensors under the names of its own."""
    lines = [f"made = target({constructor})", "given = {}"]
    if "training" in values:
        lines.append(f"made.train({bool(values['training'])})")
    for kind, tensors in held(operation, values):
        if tensors:
            names = f"[name for name, t in made.named_{kind}() if t.dim()]"
            lines.append(f"given.update(zip({names}, [{', '.join(letters[id(t)] for t in tensors)}]))")
    return lines
