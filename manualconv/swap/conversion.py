"""convert and restore: the layers of a model that exists run by hand, and by torch again.

A converted layer keeps its type: two hooks run its forward by hand, see `manualconv.swap.layer`.  Only layers of
torch's exact types are converted: what a subclass does in its own code is not known here.

`restore` also takes layers that were built from `manualconv.nn`.  They are subclasses of torch's that change the
arithmetic alone, so it exchanges their ``__class__``.  A parametrised layer, whose class torch makes on the spot
(``ParametrizedConv2d``), gets such a class on top of torch's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

import torch
from torch.nn import Module
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.utils import parametrize

from manualconv import nn
from manualconv.nn._rules import otherwise
from manualconv.swap.layer import is_by_hand, put_on, take_off

M = TypeVar("M", bound=Module)

#: Ours → torch's, by name: a layer added to `manualconv.nn` is converted from then on.
#: For tools that look a layer up by its exact type and take registrations, where a network is built of manualconv.nn:
#: ``for ours, theirs in manualconv.TORCH_LAYERS.items(): if theirs in table: table[ours] = table[theirs]``.
#: Each layer of ours is a subclass of torch's.  Read-only; not in it are subclasses of yours and layers that torch does
#: not have (``ScaledTanh``, ``Subsample1d`` to ``3d``).  A lazy layer stands in it beside what it becomes.
TORCH_LAYERS: Mapping[type[Module], type[Module]] = MappingProxyType(
    {
        getattr(nn, name): getattr(torch.nn, name)
        for name in nn.__all__
        if getattr(getattr(nn, name), "__module__", "").startswith("manualconv.") and hasattr(torch.nn, name)
    }
)
#: The other way round.
BY_HAND: Mapping[type[Module], type[Module]] = MappingProxyType({theirs: ours for ours, theirs in TORCH_LAYERS.items()})

#: What computes nothing itself.
CONTAINERS = (torch.nn.Sequential, torch.nn.ModuleList, torch.nn.ModuleDict, torch.nn.Identity)

#: What a layer of ours does not compute with: see `manualconv.functional.overrides`.
TENSORS_OF_TORCH = (
    "by hand for strided tensors; torch's own functions compute with sparse, mkldnn, nested and quantised ones, "
    "and with subclasses that have __torch_dispatch__ (DTensor)"
)


def _layer_type(module: Module) -> type[Module]:
    """The class that computes: below the one a parametrisation puts on top."""
    return parametrize.type_before_parametrizations(module)


def _only_contains(module: Module) -> bool:
    """Whether a module computes nothing itself: a container of torch's, or a subclass that runs as one."""
    return type(module) in CONTAINERS or any(
        isinstance(module, container) and type(module).forward is container.forward for container in CONTAINERS
    )


def _unlike_ours(module: Module) -> str | None:
    """Why this layer of torch's cannot be ours, for all that its type can; None if it can."""
    if "forward" in vars(module):
        return "its forward was replaced on the instance"
    return None


def _why_left(module: Module) -> str:
    """Why a module whose type is not in the table stays as it is."""
    if isinstance(module, torch.jit.ScriptModule):
        return "scripted: its code was compiled before"
    if isinstance(module, LazyModuleMixin):
        return "uninitialised: convert after the first input"
    for theirs in (*TORCH_LAYERS, *BY_HAND):
        if isinstance(module, theirs):
            owner = "manualconv.nn" if theirs in TORCH_LAYERS else "torch.nn"
            return f"subclass of {owner}.{theirs.__name__}, whose code may differ"
    if type(module).__module__.startswith("torch.nn."):
        return "no hand-written layer"
    return "code of its own"


def _parametrised(cls: type[Module], base: type[Module]) -> type[Module]:
    """The class that a parametrisation made, on top of another layer: the same properties read its tensors."""
    own = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    return type(cls.__name__, (base,), own)


def _exchange(module: Module, base: type[Module]) -> None:
    # Past Module.__setattr__, which looks through parameters and buffers first.
    cls = _parametrised(type(module), base) if parametrize.is_parametrized(module) else base
    object.__setattr__(module, "__class__", cls)


def convert(model: M) -> M:
    """Run the layers of a model by hand from now on.

    Every module whose type is exactly one of torch.nn's that `manualconv.nn` has is converted, at any depth; shared
    modules once.  Types stay torch's, so that tools which look a layer up by its type find it.  Parameters, buffers,
    ``state_dict``, your hooks, training flag, device, dtype and repr are untouched; weight and spectral normalisation,
    pruning and parametrisations keep working.  Subclasses, scripted modules and layers without a hand-written one are
    left; `conversion_report` names them.  Converting twice changes nothing more.

    A converted layer has two hooks more, which run its forward by hand.  ``layer(x)`` runs hooks; ``layer.forward(x)``
    runs none and computes as torch's.  Copies and pickles keep the hooks; a program that loads such a pickle needs
    manualconv.  A shallow copy (``copy.copy``) shares its hooks with the layer, as torch's do: convert or restore both.

    ``torch.jit.trace`` and ``torch.onnx.export(..., dynamo=False)`` record torch's operators: equal numbers, but the
    derivatives of the traced code are torch's.  ``torch.jit.script`` is refused: `restore` first.

    What a module computes without a layer (``torch.relu(x)`` in its ``forward``) stays torch's, and so do the attention
    in ``MultiheadAttention`` and torch's fused paths (a ``TransformerEncoderLayer`` in eval mode): `by_hand` reaches
    these.

    Args:
        model: any module, also one that is a layer itself.

    Returns:
        The same object.

    Raises:
        TypeError: `model` is not a torch.nn.Module.
    """
    for _, module in _modules(model, "convert"):
        ours = BY_HAND.get(_layer_type(module))
        if ours is not None and _unlike_ours(module) is None and not is_by_hand(module):
            put_on(module, hasattr(ours, "derivative_rules"))
    return model


def restore(model: M) -> M:
    """Run the layers of a model by torch again: the inverse of `convert`.

    It also takes models that were built from `manualconv.nn`.  Subclasses of our layers are left.

    Args:
        model: any module, also one that is a layer itself.

    Returns:
        The same object.

    Raises:
        TypeError: `model` is not a torch.nn.Module.
    """
    for _, module in _modules(model, "restore"):
        take_off(module)
        theirs = TORCH_LAYERS.get(_layer_type(module))
        if theirs is not None:
            _exchange(module, theirs)
    return model


def _modules(model: Any, caller: str) -> list[tuple[str, Module]]:
    """Every module once, with its first name; a list, since exchanging goes on meanwhile."""
    if not isinstance(model, Module):
        hint = "; pass the model, not its class" if isinstance(model, type) else ""
        raise TypeError(f"{caller}() takes a torch.nn.Module, but got {type(model).__name__}{hint}")
    return list(model.named_modules())


@dataclass(frozen=True)
class Entry:
    """One module: its name in the model, its type, ``'by hand'``, ``'convertible'`` or ``'left'``, and why."""

    name: str
    type: str
    state: str
    reason: str


@dataclass(frozen=True)
class Report:
    """What of a model is by hand, could be, or stays torch's.  Printed, it is a table."""

    entries: tuple[Entry, ...]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def count(self, state: str) -> int:
        """How many modules are in a state."""
        return sum(entry.state == state for entry in self.entries)

    def __str__(self) -> str:
        rows = [("module", "type", "state", "why"), *((e.name, e.type, e.state, e.reason) for e in self.entries)]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[3]]) for row in rows]
        counts = ", ".join(f"{self.count(state)} {state}" for state in ("by hand", "convertible", "left"))
        notes = [TENSORS_OF_TORCH] if self.count("by hand") else []
        return "\n".join([*(line.rstrip() for line in lines), counts, *notes])


def _with_what(module: Module, name: str) -> str:
    """The name, and the rules of the layer: the repr of torch's types does not show them."""
    more = otherwise(module)
    return f"{name}, {more}" if more else name


def _judged(module: Module) -> tuple[str, str]:
    cls = _layer_type(module)
    if cls.__module__.startswith(f"{nn.__name__}."):  # also a layer that torch does not have
        return "by hand", _with_what(module, f"manualconv.nn.{cls.__name__}")
    if cls not in BY_HAND:
        return "left", _why_left(module)
    if is_by_hand(module):
        return "by hand", _with_what(module, f"as manualconv.nn.{cls.__name__}")
    reason = _unlike_ours(module)
    return ("convertible", f"convert() runs it as manualconv.nn.{cls.__name__}") if reason is None else ("left", reason)


def conversion_report(model: Module) -> Report:
    """What `convert` changed or would change in a model, what it leaves, and why; useful before and after.

    Args:
        model: any module.

    Returns:
        A `Report`: one `Entry` for every module but those that only run others, as ``Sequential`` does; ``print`` shows
        a table.

    Raises:
        TypeError: `model` is not a torch.nn.Module.
    """
    return Report(
        tuple(
            Entry(name or "(model)", type(module).__name__, *_judged(module))
            for name, module in _modules(model, "conversion_report")
            if not _only_contains(module)
        )
    )
