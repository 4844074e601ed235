"""The modes of the table: how each is tried on an operation, and what must come out by the oracle.

A mode's `run` gives tensors from any function of tensors; its `expected` gives them from the oracle, by values and
reverse mode on plain tensors alone.  Whoever is tried, the oracle is asked in float64 or complex128.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad, grad

from tests.capabilities.quantities import (
    Apply,
    NotAsked,
    OneSampleAtATime,
    Run,
    Tensors,
    derivative,
    directions,
    double,
    gradients,
    hessian_of_first,
    jacobians,
    leaves,
    second,
    second_derivative,
    slots,
    third,
    value,
    value_and_gradients,
    weighted,
)
from tests.capabilities.settings import (
    autocast,
    channels_last,
    checkpointed,
    compiled,
    compiled_func_grad,
    deterministic,
    exported,
    fake,
    inference,
    meta,
    saved_tensor_hooks,
    threads,
    zeros_for_value,
    zeros_for_value_and_gradients,
)

REAL = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
FLOATING = (*REAL, torch.complex64, torch.complex128)
EVERY = (*FLOATING, torch.int64)
SINGLE = (torch.float32,)
DOUBLE = (torch.float64,)


@dataclass(frozen=True)
class Mode:
    """One column: what is run, what the oracle says, the dtypes it is run in, and whether it traces for seconds."""

    run: Run
    expected: Run
    dtypes: tuple[torch.dtype, ...] = FLOATING
    slow: bool = False


# --------------------------------------------------------------------------------------------- autograd and func


def forward_mode(apply: Apply, inputs: Tensors) -> Tensors:
    with forward_ad.dual_level():
        y = apply(*(forward_ad.make_dual(t, v) for t, v in zip(inputs, directions(inputs))))
        tangent = forward_ad.unpack_dual(y).tangent
    assert tangent is not None
    return (tangent,)


def forward_over_reverse(apply: Apply, inputs: Tensors) -> Tensors:
    moving = leaves(inputs)
    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(t, v) for t, v in zip(moving, directions(inputs))]
        first = grad(weighted(apply(*duals)), duals, create_graph=True)
        return tuple(forward_ad.unpack_dual(g).tangent for g in first)


def batched_cotangents(apply: Apply, inputs: Tensors) -> Tensors:
    moving = leaves(inputs)
    y = apply(*moving)
    return grad(y, moving, torch.stack([directions([y.detach()], n)[0] for n in range(3)]), is_grads_batched=True)


def one_cotangent_at_a_time(apply: Apply, inputs: Tensors) -> Tensors:
    moving = leaves(inputs)
    y = apply(*moving)
    each = [grad(y, moving, directions([y.detach()], n)[0], retain_graph=True) for n in range(3)]
    return tuple(map(torch.stack, zip(*each)))


def func_grad(apply: Apply, inputs: Tensors) -> Tensors:
    return torch.func.grad(lambda *t: weighted(apply(*t)), slots(inputs))(*inputs)


def func_vjp(apply: Apply, inputs: Tensors) -> Tensors:
    y, pull = torch.func.vjp(apply, *inputs)
    return pull(directions([y])[0])


def expected_vjp(apply: Apply, inputs: Tensors) -> Tensors:
    moving = leaves(inputs)
    y = apply(*moving)
    return grad(y, moving, directions([y.detach()])[0])


def func_jvp(apply: Apply, inputs: Tensors) -> Tensors:
    return (torch.func.jvp(apply, inputs, directions(inputs))[1],)


def nested_jvp(apply: Apply, inputs: Tensors) -> Tensors:
    def once(*tensors: Tensor) -> Tensor:
        return torch.func.jvp(apply, tensors, directions(inputs))[1]

    return (torch.func.jvp(once, inputs, directions(inputs))[1],)


def func_jacrev(apply: Apply, inputs: Tensors) -> Tensors:
    return torch.func.jacrev(apply, slots(inputs))(*inputs)


def func_jacfwd(apply: Apply, inputs: Tensors) -> Tensors:
    return torch.func.jacfwd(apply, slots(inputs))(*inputs)


def func_hessian(apply: Apply, inputs: Tensors) -> Tensors:
    return (torch.func.hessian(lambda *t: weighted(apply(*t)))(*inputs),)


def func_linearize(apply: Apply, inputs: Tensors) -> Tensors:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Attempted to insert a get_attr")
        return (torch.func.linearize(apply, *inputs)[1](*directions(inputs)),)


# ---------------------------------------------------------------------------------------------------------- vmap


def _mapped(dims: tuple[bool, ...], inputs: Tensors) -> Tensors:
    """Three of each mapped tensor along a new last axis: itself, itself turned round, itself halved."""
    return tuple(
        torch.stack([t, t.reshape(-1).flip(0).reshape(t.shape), t / 2], -1) if at else t for t, at in zip(inputs, dims)
    )


@contextmanager
def _no_loop() -> Iterator[None]:
    """Raise OneSampleAtATime if vmap has no rule for an operator inside and takes samples one by one."""
    before = torch.is_warn_always_enabled()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        torch.set_warn_always(True)
        try:
            yield
        finally:
            torch.set_warn_always(before)
    if any("performance drop" in str(w.message) for w in heard):
        raise OneSampleAtATime


#: Which tensors are mapped: the first, the second, all, or those that are marked.
Which = str | tuple[bool, ...]


def _chosen(which: Which, inputs: Tensors) -> tuple[bool, ...]:
    if isinstance(which, tuple):
        return which
    if which == "weight" and len(inputs) < 2:
        raise NotAsked
    return tuple(which == "all" or n == ("input", "weight").index(which) for n in range(len(inputs)))


def mapped(which: Which, quantity: Run, apply: Apply, inputs: Tensors) -> Sequence[Tensor]:
    """`quantity` under vmap over one tensor or all."""
    dims = _chosen(which, inputs)

    def of_one(*tensors: Tensor) -> Any:
        return tuple(quantity(apply, tensors))

    with _no_loop():
        return torch.vmap(of_one, tuple(-1 if at else None for at in dims))(*_mapped(dims, inputs))


def one_by_one(which: Which, quantity: Run, apply: Apply, inputs: Tensors) -> Sequence[Tensor]:
    """The same without vmap."""
    dims = _chosen(which, inputs)
    stacks = _mapped(dims, inputs)
    each = [quantity(apply, tuple(t[..., n] if at else t for t, at in zip(stacks, dims))) for n in range(3)]
    return tuple(map(torch.stack, zip(*each)))


MODES: dict[str, dict[str, Mode]] = {
    "Values": {"forward": Mode(value, value, EVERY), "gradient": Mode(gradients, gradients, EVERY)},
    "Derivatives": {
        "forward mode": Mode(forward_mode, derivative),
        "forward over reverse": Mode(forward_over_reverse, second),
        "double": Mode(double, double),
        "third order": Mode(third, third),
        "batched cotangents": Mode(batched_cotangents, one_cotangent_at_a_time),
    },
    "torch.func": {
        "grad": Mode(func_grad, gradients),
        "vjp": Mode(func_vjp, expected_vjp),
        "jvp": Mode(func_jvp, derivative),
        "jvp of jvp": Mode(nested_jvp, second_derivative),
        "jacrev": Mode(func_jacrev, jacobians, REAL),
        "jacfwd": Mode(func_jacfwd, jacobians, REAL),
        "hessian": Mode(func_hessian, hessian_of_first, REAL),
        "linearize": Mode(func_linearize, derivative, SINGLE, slow=True),
    },
    "vmap": {
        **{
            f"over {which}": Mode(partial(mapped, which, value), partial(one_by_one, which, value))
            for which in ("input", "weight", "all")
        },
        "of grad, over input": Mode(partial(mapped, "input", func_grad), partial(one_by_one, "input", gradients)),
        "of grad, over all": Mode(partial(mapped, "all", func_grad), partial(one_by_one, "all", gradients)),
        "of jvp": Mode(partial(mapped, "input", func_jvp), partial(one_by_one, "input", derivative)),
    },
    "Settings": {
        "saved-tensor hooks": Mode(saved_tensor_hooks, value_and_gradients, SINGLE),
        "checkpoint, reentrant": Mode(partial(checkpointed, True), value_and_gradients, SINGLE),
        "checkpoint": Mode(partial(checkpointed, False), value_and_gradients, SINGLE),
        "autocast": Mode(autocast, value_and_gradients, SINGLE),
        "channels_last": Mode(channels_last, value_and_gradients, SINGLE),
        "meta": Mode(meta, zeros_for_value, SINGLE),
        "fake": Mode(fake, zeros_for_value_and_gradients, SINGLE),
        "inference mode": Mode(inference, value, SINGLE),
        "deterministic": Mode(deterministic, value_and_gradients, SINGLE),
        "threads": Mode(threads, value_and_gradients, SINGLE),
    },
    "Compilers": {
        "compile": Mode(partial(compiled, False), value_and_gradients, DOUBLE, slow=True),
        "compile, symbolic batch": Mode(partial(compiled, True), value_and_gradients, DOUBLE, slow=True),
        "compile of func.grad": Mode(compiled_func_grad, gradients, DOUBLE, slow=True),
        "export": Mode(exported, value, DOUBLE, slow=True),
    },
}
