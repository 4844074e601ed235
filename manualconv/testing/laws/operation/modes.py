"""Laws of torch's modes: vmap, compile, autocast."""

from __future__ import annotations

import warnings

import torch
from torch.autograd import grad

from manualconv.testing.laws.operation.asked import Asked, Broken, law


@law("vmap", share=0.1)
def vmap_is_a_stack_of_calls(asked: Asked) -> None:
    leaves = [t.detach() for t in asked.question.inputs]
    dims = tuple(0 if t.is_floating_point() else None for t in leaves)
    stacks = [torch.stack([t, t.flip(-1) if t.dim() else t]) if d == 0 else t for t, d in zip(leaves, dims)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got = torch.vmap(asked.apply, dims, randomness="same")(*stacks)
    each = [asked.value([t[n] if d == 0 else t for t, d in zip(stacks, dims)]) for n in (0, 1)]
    asked.alike(got, torch.stack(each), "under vmap y differs from that of each call")


@law("compile", small=True, share=0.02)
def compiled_it_is_as_eager(asked: Asked) -> None:
    torch.compiler.reset()
    compiled = torch.compile(asked.apply, backend="aot_eager")
    eager, leaves = asked.both(), asked.leaves()
    y = compiled(*leaves)
    found = [y, *grad(y, leaves[: asked.count], asked.question.cotangent)]
    for name, one, other in zip(asked.slots, found, eager):
        asked.alike(one, other, f"compiled, {name} is another")


@law("gradients", "autocast", share=0.1)
def under_autocast_gradients_have_the_operands_dtype(asked: Asked) -> None:
    leaves = asked.leaves(torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        y = asked.value(leaves)
    found = grad(y.float(), leaves[: asked.count], asked.question.cotangent.float(), allow_unused=True)
    for name, g in zip(asked.slots[1:], found):
        if g is not None and g.dtype != torch.float32:
            raise Broken(f"under autocast {name} is {g.dtype} for an operand of float32")
