"""A network followed through one forward pass: what each layer's units see, without any numbers.

The pass runs on a copy whose tensors are on torch's ``meta`` device: they have shapes and nothing else.  The input is a
tensor that knows its `Field`; torch hands it every call that takes it (``__torch_function__``), by module, function or
method alike, and `manualconv.functional` does so too.  So loops and conditions on shapes are followed as they run,
where torch.fx's symbolic tracer refuses them, as in a padding that is computed from the input's size.  A condition on
*values* cannot be followed: that is said, with the module's name.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from textwrap import shorten
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter
from torch.utils.flop_counter import FlopCounterMode

from manualconv.explain.field import arrangement, layers
from manualconv.explain.field.call import RULES, Call, tensors_in
from manualconv.explain.field.path import Path, Row
from manualconv.explain.field.tensor import Field, of_input
from manualconv.torch_internals import is_pointwise

#: The functions that are rows of a table even where they change nothing, as a 1×1 convolution.
LAYERS = {name for name, function in RULES.items() if function.__module__ == layers.__name__} | {"linear"}
LAYERS -= {"pad", "batch_norm", "instance_norm", "group_norm", "layer_norm", "rms_norm", "normalize"}
#: What has the shape of its argument and sees nothing of it.
NOTHING = {f"{name}_like" for name in ("zeros", "ones", "full", "empty", "rand", "randn")}
NOTHING |= {f"new_{name}" for name in ("zeros", "ones", "full", "empty", "tensor")}


class Followed(Tensor):
    """A tensor that knows what its units see, and writes down the calls that take it."""

    field: Field
    path: Path

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the call as torch does, and say what its results see."""
        seeing = [t for t in tensors_in((args, kwargs or {})) if isinstance(t, Followed) and hasattr(t, "field")]
        begun = seeing[0].path.flops() if seeing else 0
        result = super().__torch_function__(func, types, args, kwargs or {})
        name = _name(func)
        outs = tuple(t for t in tensors_in(result) if isinstance(t, Followed))
        if name == "__setitem__":  # which gives nothing back
            outs = (args[0],)
        if seeing and outs and name not in NOTHING:
            call = Call(func, name, args, kwargs or {}, seeing, {id(t): t.field for t in seeing}, outs)
            _write_down(call, seeing[0].path, begun)
        return result


def _name(function: Any) -> str:
    """Of the function, in place or not; of the property that is read."""
    name: str = function.__self__.__name__ if function.__name__ == "__get__" else function.__name__
    return name if name.startswith("__") else name.rstrip("_")


def _write_down(call: Call, path: Path, begun: int) -> None:
    found = RULES.get(call.name) or (arrangement.pointwise if is_pointwise(call.name) else None)
    before = [call.fields[id(t)] for t in call.seeing]
    fields = (found or arrangement.mixed)(call)
    each = fields if isinstance(fields, list) else [fields] * len(call.outs)
    for out, own in zip(call.outs, each):
        out.field, out.path = own, path  # type: ignore[attr-defined]
    where, module = path.stack[-1]
    passing = call.name not in LAYERS and all(_same(own, each[0]) for own in before) and found is not None
    arguments = tensors_in((call.args, dict(call.kwargs)))
    new = {id(p): p.numel() for p in arguments if isinstance(p, Parameter) and id(p) not in path.taken}
    if passing and not new:
        return
    path.taken.update(new)
    name = path.named(call.name)
    alone = name.split("#")[0] == where
    row = Row(
        name,
        type(module).__name__ if alone else call.name,
        where,
        tuple(call.seeing[0].shape),
        tuple(call.outs[0].shape),
        each[0],
        layers.read_window(call) if call.name in LAYERS else None,
        found is not None,
        passing,
        sum(new.values()),
        path.flops() - begun,
    )
    path.rows.append(row)
    if name in path.keep:
        path.kept[name] = call.outs[0]


def _same(one: Field, other: Field) -> bool:
    """Whether two fields see the same, in whatever order their dimensions stand."""
    return one.spans == other.spans and all(one.of(axis) == other.of(axis) for axis in range(len(one.spans)))


def follow(model: Module, images: Tensor, keep: Collection[str] = (), counter: FlopCounterMode | None = None) -> Path:
    """Run a model on an input and write down what every layer sees.

    Args:
        model: any module; it runs as it is.
        images: ``(N, C, *I)``.
        keep: the rows and modules whose results are kept.
        counter: a flop counter that is on.

    Raises:
        ValueError: the model does not take this input, or asks for numbers that are not there; the module is named.
    """
    path = Path(keep=keep, counter=counter)
    start = images.as_subclass(Followed)
    start.field, start.path = of_input(images.shape[2:]), path
    try:
        with _watched(model, path), _uncompiled():
            results = [*tensors_in(model(start))]
    except Exception as error:
        raise _stopped(path, error, images) from error
    path.lost = bool(results) and not any(hasattr(t, "field") for t in results)
    path.idle = {name: p.numel() for name, p in model.named_parameters() if id(p) not in path.taken}
    path.kept = {name: kept.as_subclass(Tensor) for name, kept in path.kept.items()}
    return path


@contextmanager
def _watched(model: Module, path: Path) -> Iterator[None]:
    """Inside, the path knows which module runs."""
    handles = []
    for name, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(_entering(path, name)))
        handles.append(module.register_forward_hook(_leaving(path, name)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _uncompiled() -> AbstractContextManager[object]:
    """Inside, a compiled model runs its Python code.  Without Dynamo, slow to import, there is none."""
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()


def _entering(path: Path, name: str) -> Callable[..., None]:
    return lambda module, _: path.stack.append((name, module))


def _leaving(path: Path, name: str) -> Callable[..., None]:
    def leave(_: Module, __: Any, result: Any) -> None:
        path.stack.pop()
        first = next((t for t in tensors_in(result) if hasattr(t, "field")), None)
        if first is not None:
            path.modules[name] = (first.field, tuple(first.shape))
            if name in path.keep:
                path.kept[name] = first

    return leave


class NeedsNumbers(ValueError):
    """The model asks for the numbers in a tensor that has shapes alone."""


def _stopped(path: Path, error: Exception, images: Tensor) -> ValueError:
    name, module = path.stack[-1] if path.stack else ("", None)
    where = f"{name or 'the model'} ({type(module).__name__})" if module is not None else "the model"
    line = (str(error).strip().splitlines() or [""])[0].split(". ")[0].rstrip(".")
    if images.is_meta and (isinstance(error, NotImplementedError) or "meta" in line.lower()):
        brief = shorten(line, 120, placeholder=" …")
        advice = "give it with numbers, by module:factory, or a part of it that does without"
        if hasattr(path.stack[0][1], "backbone"):
            advice = "give its backbone alone: torchvision:NAME.backbone, or by module:factory"
        return NeedsNumbers(
            f"{where} asks for the numbers in a tensor, and this network is followed by its shapes alone "
            f"({type(error).__name__}: {brief}); {advice}"
        )
    size = "×".join(map(str, images.shape))
    advice = "give another size or channels"
    if isinstance(error, TypeError) and "argument" in line:
        advice = "it is called with this one tensor: wrap a model that takes more in a module that takes one"
    return ValueError(f"{where} does not take an input of {size}: {type(error).__name__}: {line}; {advice}")


def without_numbers(model: Module) -> Module:
    """A copy for evaluation that has shapes alone; the model is not touched, its numbers are not copied.

    Raises:
        ValueError: a module is scripted, or an attribute cannot be copied.
    """
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            raise ValueError(
                f"{name or 'the model'} is scripted, and its code cannot be followed: give the module it was made from"
            )
    memo: dict[int, Any] = {}
    for module in model.modules():
        for tensor in tensors_in(list(vars(module).values())):
            twin = tensor.detach().to("meta")
            memo[id(tensor)] = Parameter(twin, tensor.requires_grad) if isinstance(tensor, Parameter) else twin
    try:
        return copy.deepcopy(model, memo).eval()
    except (RuntimeError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"the model cannot be copied, and it is followed on a copy: {reason}") from error


def dtype_of(model: Module) -> torch.dtype:
    """The dtype of the input that a model takes."""
    return next((p.dtype for p in model.parameters() if p.is_floating_point() or p.is_complex()), torch.float32)


def followed(model: Module, sizes: Sequence[int], channels: int, counter: FlopCounterMode | None = None) -> Path:
    """`follow` on an input ``(1, C, *I)`` without numbers; a model that has numbers and asks for them gets noise.

    Raises:
        ValueError: as `follow` and `without_numbers`.
    """
    dtype = dtype_of(model)
    twin = without_numbers(model)
    try:
        with torch.no_grad(), torch.device("meta"):
            return follow(twin, torch.empty(1, channels, *sizes, dtype=dtype), counter=counter)
    except NeedsNumbers:
        if any(t.is_meta for t in model.parameters()):
            raise
    noise = torch.randn(1, channels, *sizes, generator=torch.Generator().manual_seed(0)).to(dtype)
    with torch.no_grad():
        path = follow(copy.deepcopy(model).eval(), noise, counter=counter)
    path.numbers = True
    return path
