"""The settings an operation is put into: hooks, checkpoints, formats, modes of torch, threads, compilers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import grad

from tests.capabilities.quantities import (
    Apply,
    FormatLost,
    NotAsked,
    Tensors,
    leaves,
    slots,
    value,
    value_and_gradients,
    weighted,
)


def saved_tensor_hooks(apply: Apply, inputs: Tensors) -> Tensors:
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t.clone()):
        return value_and_gradients(apply, inputs)


def checkpointed(reentrant: bool, apply: Apply, inputs: Tensors) -> Tensors:
    """The forward run twice; the reentrant kind knows ``backward`` only, not ``grad``."""
    from torch.utils.checkpoint import checkpoint

    moving = leaves(inputs)
    y = checkpoint(apply, *moving, use_reentrant=reentrant)
    weighted(y).backward()
    return (y.detach(), *(t.grad for t in moving))


def autocast(apply: Apply, inputs: Tensors) -> Tensors:
    """In bfloat16; gradients come back in float32."""
    moving = leaves(inputs)
    with torch.autocast("cpu", torch.bfloat16):
        y = apply(*moving)
    found = grad(weighted(y.float()), moving)
    assert all(g.dtype == torch.float32 for g in found)
    return (y.detach(), *found)


def channels_last(apply: Apply, inputs: Tensors) -> Tensors:
    """In and out."""
    if inputs[0].dim() not in (4, 5):
        raise NotAsked
    with torch.no_grad():
        image = apply(*inputs).dim() == inputs[0].dim()
    if not image:
        raise NotAsked
    form = torch.channels_last if inputs[0].dim() == 4 else torch.channels_last_3d
    moving = leaves((inputs[0].contiguous(memory_format=form), *inputs[1:]))
    y = apply(*moving)
    found = (y.detach(), *grad(weighted(y), moving))
    if not y.is_contiguous(memory_format=form):
        raise FormatLost(*found)
    return found


def meta(apply: Apply, inputs: Tensors) -> Tensors:
    """Sizes and dtypes without numbers: proved by tensors of zeros as large."""
    y = apply(*(t.to("meta") for t in inputs))
    assert y.is_meta
    return (torch.zeros(y.shape, dtype=y.dtype),)


def fake(apply: Apply, inputs: Tensors) -> Tensors:
    """The same with fake tensors, backward included."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode() as mode:
        found = value_and_gradients(apply, tuple(mode.from_tensor(t) for t in inputs))
    return tuple(torch.zeros(tuple(t.shape), dtype=t.dtype) for t in found)


def zeros_for_value(apply: Apply, inputs: Tensors) -> Tensors:
    return tuple(map(torch.zeros_like, value(apply, inputs)))


def zeros_for_value_and_gradients(apply: Apply, inputs: Tensors) -> Tensors:
    return tuple(map(torch.zeros_like, value_and_gradients(apply, inputs)))


def inference(apply: Apply, inputs: Tensors) -> Tensors:
    with torch.inference_mode():
        y = apply(*(t.clone() for t in inputs))
        assert y.is_inference()
    return (y,)


def deterministic(apply: Apply, inputs: Tensors) -> Tensors:
    torch.use_deterministic_algorithms(True)
    try:
        found, again = value_and_gradients(apply, inputs), value_and_gradients(apply, inputs)
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(map(torch.equal, found, again))
    return found


def threads(apply: Apply, inputs: Tensors) -> Tensors:
    """Four at once, the same results in all."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: value_and_gradients(apply, inputs), range(8)))
    assert all(torch.equal(a, b) for other in found[1:] for a, b in zip(found[0], other))
    return found[0]


# ------------------------------------------------------------------------------------------- compile and export


def compiled(batch_is_symbol: bool, apply: Apply, inputs: Tensors) -> Tensors:
    """One graph, forward and backward; a batch size marked dynamic may nowhere be taken for a number."""
    torch._dynamo.reset()
    function = torch.compile(apply, backend="aot_eager", fullgraph=True)
    moving = leaves(inputs)
    if batch_is_symbol:
        torch._dynamo.mark_dynamic(moving[0], 0)
    y = function(*moving)
    return (y.detach(), *grad(weighted(y), moving))


def compiled_func_grad(apply: Apply, inputs: Tensors) -> Tensors:
    torch._dynamo.reset()
    transformed = torch.func.grad(lambda *t: weighted(apply(*t)), slots(inputs))
    return torch.compile(transformed, backend="aot_eager", fullgraph=True)(*inputs)


def exported(apply: Apply, inputs: Tensors) -> Tensors:
    class Layer(torch.nn.Module):
        def forward(self, *tensors: Tensor) -> Tensor:
            return apply(*tensors)

    return (torch.export.export(Layer(), inputs).module()(*inputs),)
