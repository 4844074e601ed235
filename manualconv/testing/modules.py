"""A module class called as a function: built for the call's arguments, with the call's tensors as its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from manualconv.testing.adapters import is_default, signature

Bound = Mapping[str, Any]
#: Arguments of functions that a module holds as parameters, and as buffers, in torch.nn's order.
PARAMETERS, BUFFERS = ("weight", "bias"), ("running_mean", "running_var")
#: Functions whose weight is an option of the constructor.
LOSSES = "_loss", "cross_entropy", "_with_logits"


def _channels(of: Bound, transposed: bool, out: bool) -> int:
    w, groups = of["weight"], of.get("groups", 1)
    return int(w.shape[0] if out is not transposed else w.shape[1] * groups)


def constructor(operation: str, of: Bound) -> dict[str, Any]:
    """What torch.nn's constructor takes, from the arguments of the function."""
    transposed = "transpose" in operation
    derived: dict[str, Callable[[], Any]] = {
        "in_channels": lambda: _channels(of, transposed, out=False),
        "out_channels": lambda: _channels(of, transposed, out=True),
        "channels": lambda: of["weight"].numel(),
        "in_features": lambda: of["weight"].shape[1],
        "out_features": lambda: of["weight"].shape[0],
        "num_features": lambda: of["input"].shape[1],
        "num_channels": lambda: of["input"].shape[1],
        "num_parameters": lambda: of["weight"].numel(),
        "affine": lambda: of["weight"] is not None,
        "elementwise_affine": lambda: of["weight"] is not None,
        "track_running_stats": lambda: of["running_mean"] is not None,
    }
    options = {name: value for name, value in of.items() if name not in (*PARAMETERS, *BUFFERS, "input", "training")}
    if operation.endswith(LOSSES):
        options["weight"] = of.get("weight")
    elif "weight" in of and operation.startswith("conv"):
        options["kernel_size"] = tuple(of["weight"].shape[2:])
    if "bias" in of:
        options["bias"] = of["bias"] is not None
    return {**options, **derived}


def known(module: type[torch.nn.Module]) -> tuple[str, ...]:
    """The names that its constructor takes; ``**`` among them if it takes any."""
    given = inspect.signature(module).parameters
    return tuple("**" if p.kind is inspect.Parameter.VAR_KEYWORD else name for name, p in given.items())


def chosen(names: Collection[str], operation: str, of: Bound) -> dict[str, Any]:
    """Of torch.nn's constructor's arguments those that a constructor of these names takes."""
    found = {}
    for name, value in constructor(operation, of).items():
        derived = callable(value) and not isinstance(value, Tensor)
        if name in names:
            found[name] = value() if derived else value
        elif not derived and "**" in names and name not in ("target", "indices", "output_size"):
            found[name] = value
    return found


def operands(names: Collection[str], of: Bound) -> list[Any]:
    """What the forward takes."""
    found = [of["input"], *(of[name] for name in ("target", "indices") if name in of)]
    if of.get("output_size") is not None and "output_size" not in names:
        found.append(of["output_size"])
    return found


def held(operation: str, of: Bound) -> list[tuple[str, list[Tensor]]]:
    """The call's tensors that a module holds, as parameters and as buffers, in torch.nn's order."""
    kinds = [] if operation.endswith(LOSSES) else [("parameters", PARAMETERS)]
    kinds += [("buffers", BUFFERS)] * ("running_mean" in of)
    return [(kind, [of[name] for name in names if isinstance(of.get(name), Tensor)]) for kind, names in kinds]


def built(module: type[torch.nn.Module], operation: str, of: Bound) -> Any:
    """The module's answer to a call of the function.  Raises TypeError where parameters do not match torch.nn's."""
    if operation.endswith("_norm") and of.get("bias") is not None and of.get("weight") is None:
        raise NotImplementedError("a module has no bias without a weight")
    names = known(module)
    for name, value in constructor(operation, of).items():
        taken = name in names or "**" in names or name in ("target", "indices", "output_size") or callable(value)
        if not taken and _is_asked_for(operation, name, value):
            raise TypeError(f"{module.__name__}() got an unexpected keyword argument {name!r}")
    with torch.random.fork_rng([]):  # its first parameters are drawn, and then not used
        made = module(**chosen(names, operation, of))
    if "training" in of:
        made.train(bool(of["training"]))
    given: dict[str, Tensor] = {}
    for kind, tensors in held(operation, of):
        given |= matched(made, tensors, kind)
    return torch.func.functional_call(made, given, tuple(operands(names, of)))


def _is_asked_for(operation: str, name: str, value: Any) -> bool:
    """Whether an option says something that a module without it does not do."""
    said = value is not None and value is not False
    return said and name in signature(operation).parameters and not is_default(operation, name, value)


def matched(module: torch.nn.Module, tensors: Sequence[Tensor], kind: str) -> dict[str, Tensor]:
    """The call's tensors under the names of the module's, paired by order, where the shapes are alike."""
    places = {
        name: t for name, t in getattr(module, f"named_{kind}")() if t.dim()
    }  # a count of batches is none of them
    if [t.shape for t in places.values()] != [t.shape for t in tensors]:
        got = ", ".join(f"{name} {tuple(t.shape)}" for name, t in places.items()) or "none"
        needed = ", ".join(str(tuple(t.shape)) for t in tensors) or "none"
        raise TypeError(f"{type(module).__name__} has the {kind} {got}; in torch.nn's order they are {needed}")
    return dict(zip(places, tensors))
