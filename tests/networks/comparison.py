"""One network in one mode: by `convert` and by `by_hand`, against torch's own run of the same model from equal seeds.

Errors are relative, tensor by tensor: the largest difference over the largest number of torch's tensor.  What is 0 in
exact arithmetic (the gradient of a convolution's bias before batch normalisation, the mean of what a convolution makes
of centred channels) is nothing but rounding in either run: where torch's largest number is below `ROUNDING` times the
largest of all the model's tensors of the kind, outputs, gradients or statistics, the difference is measured against
that one.  A row counts the gradients of which this is so.

torch's run has one of torch's functions in other words, `ExactSlopes`, for its derivative is that of float32.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import Module
from torch.overrides import TorchFunctionMode

from manualconv import by_hand, convert, restore
from manualconv.swap.conversion import BY_HAND
from tests.networks.attribution import Attribution, Call
from tests.networks.catalogue import CLASSES, NETWORKS, Network

#: The largest relative error allowed, of logits, gradients and running statistics.
ALLOWED = 1e-8
#: Tensors below this part of the model's largest of their kind are measured against that one.
ROUNDING = 1e-12


class ExactSlopes(TorchFunctionMode):
    """Differentiates hardsigmoid as ``relu6(x + 3)/6``: torch's own backward multiplies by 1/6 rounded to float32.

    In float64 its gradients are 3e-8 off, beyond what is allowed here.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.hardsigmoid:
            return F.relu6(args[0] + 3) / 6
        return func(*args, **(kwargs or {}))


WAYS: dict[str, tuple[Callable[[Module], Module], Callable[[], AbstractContextManager[Any]]]] = {
    "torch": (restore, ExactSlopes),
    "convert": (convert, nullcontext),
    "by_hand": (restore, by_hand),
}


@dataclass
class Run:
    """What one step gave: outputs by name, gradients of the images and all parameters, buffers after it."""

    outputs: dict[str, Tensor]
    gradients: dict[str, Tensor]
    buffers: dict[str, Tensor]
    watched: Attribution


@dataclass
class Row:
    """What is printed of a network in one mode."""

    name: str
    mode: str
    parameters: int = 0
    logits: float = 0.0
    gradients: float = 0.0
    statistics: float = 0.0
    rounding: int = 0
    forbidden: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    complaints: list[str] = field(default_factory=list)


def named(output: Any, prefix: str = "") -> dict[str, Tensor]:
    """A model's outputs by their names, however they are packed; auxiliary classifiers that did not run are None."""
    if output is None or isinstance(output, Tensor):
        return {} if output is None else {prefix or "logits": output}
    if isinstance(output, list):
        parts = {str(n): part for n, part in enumerate(output)}
    else:
        parts = output if isinstance(output, dict) else output._asdict()
    return {name: y for key, part in parts.items() for name, y in named(part, f"{prefix}.{key}".strip(".")).items()}


def cotangent(y: Tensor, seed: int) -> Tensor:
    """Normal noise of y's shape, always the same."""
    return torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(seed))


def step(network: Network, model: Module, way: str) -> Run:
    """One forward and backward pass; the model's layers, parameters and buffers are afterwards what they were."""
    exchange, around = WAYS[way]
    buffers = {name: b.clone() for name, b in model.named_buffers()}
    images, criterion = network.images().requires_grad_(), torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    exchange(model)
    exchange(criterion)
    watched = Attribution()
    torch.manual_seed(0)
    with watched.over(torch.nn.ModuleList([model, criterion])):
        with around():
            outputs = named(network.call(model, images))
            # Labels and places of key points are whole numbers: compared, not differentiated.
            slopes = [y for y in outputs.values() if y.requires_grad]
            loss = sum((y * cotangent(y, seed)).sum() for seed, y in enumerate(slopes))
            if network.cross_entropy:
                loss = loss + criterion(outputs["logits"], torch.arange(network.batch) % CLASSES)
        loss.backward()
    leaves = {"images": images, **dict(model.named_parameters())}
    run = Run(
        {name: y.detach() for name, y in outputs.items()},
        {name: p.grad for name, p in leaves.items() if p.grad is not None},
        {name: b.clone() for name, b in model.named_buffers()},
        watched,
    )
    model.zero_grad(set_to_none=True)
    for name, b in model.named_buffers():
        b.copy_(buffers[name])
    restore(model)
    return run


def largest(t: Tensor) -> float:
    """The largest magnitude; 0 of no numbers."""
    return float(t.abs().max()) if t.numel() else 0.0


def error(ours: Tensor, theirs: Tensor, scale: float) -> float:
    """The largest difference, over the scale; integers are to be equal."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return float("inf")
    if torch.equal(ours, theirs):
        return 0.0
    return largest(ours - theirs) / scale if scale and theirs.is_floating_point() else float("inf")


def allowed(t: Tensor) -> float:
    """The error allowed of a result; a detector's loss against labels of float32 is float32, two roundings apart."""
    return max(ALLOWED, 2 * torch.finfo(t.dtype).eps) if t.is_floating_point() else ALLOWED


def judge(row: Row, way: str, ours: Run, theirs: Run) -> None:
    """Add to the row what differs."""
    for kind, column in (("outputs", "logits"), ("gradients", "gradients"), ("buffers", "statistics")):
        own, expected = getattr(ours, kind), getattr(theirs, kind)
        if own.keys() != expected.keys():
            row.complaints.append(f"{way}: {kind} of other tensors: {sorted(own.keys() ^ expected.keys())[:5]}")
            continue
        sizes = {name: largest(t) for name, t in expected.items() if t.is_floating_point()}
        peak = max(sizes.values(), default=0.0)
        small = {name for name, size in sizes.items() if size < ROUNDING * peak}
        if kind == "gradients":
            row.rounding = len(small)
        for name, t in expected.items():
            e = error(own[name], t, peak if name in small else sizes.get(name, 0.0))
            # Not max(): it passes over a NaN that does not come first.
            if not e <= getattr(row, column):
                setattr(row, column, e)
            if not e <= allowed(t):
                row.complaints.append(f"{way}: {kind}: {name} differs by {e:.1e}")


def count(row: Row, way: str, watched: Attribution) -> None:
    """Add to the row the forbidden operators that ran, and complain of those that should not have."""
    own = {call: n for call, n in watched.calls.items() if way == "by_hand" or call[0] in BY_HAND}
    row.forbidden[way] = sum(own.values())
    if way == "convert":
        row.forbidden["own calls"] = watched.calls.total() - row.forbidden[way]
    row.complaints += [f"{way}: {spelled(call)} ran {n} times" for call, n in own.items()]


def spelled(call: Call) -> str:
    """An operator and the module it ran in."""
    owner, operator = call
    return f"{operator} in {'the loss' if owner is None else owner.__name__}"


def loads_both_ways(network: Network, model: Module) -> list[str]:
    """Complaints about loading a converted model's state into a new one of torch's, and back; both are changed."""
    complaints = []
    twin = network.build()
    for way, source, target in (("ours into torch's", convert(model), twin), ("torch's into ours", twin, model)):
        state = source.state_dict()
        for t in state.values():
            # Not what the other model has.
            t.add_(1)
        try:
            target.load_state_dict(state, strict=True)
        except RuntimeError as refusal:
            complaints.append(f"{way}: {str(refusal).splitlines()[-1].strip()}")
            continue
        loaded = target.state_dict()
        if list(loaded) != list(state) or not all(map(torch.equal, loaded.values(), state.values())):
            complaints.append(f"{way}: what was loaded is not what was saved")
    return complaints


def hollow(theirs: Run) -> list[str]:
    """What of a run compares nothing: outputs that are empty (no box was found) or 0, images that change nothing."""
    silent = [name for name, y in theirs.outputs.items() if not largest(y)]
    if not largest(theirs.gradients.get("images", torch.zeros(0))):
        silent.append("the gradient of the images")
    return silent if theirs.watched.calls else [*silent, "no layer ran"]


def compare(network: Network, model: Module, training: bool) -> Row:
    """The row of a network in one mode.  An exception becomes a complaint."""
    started = perf_counter()
    row = Row(network.name, "train" if training else "eval", sum(p.numel() for p in model.parameters()))
    model.train(training)
    theirs = step(network, model, "torch")
    row.complaints += [f"torch's run shows nothing to compare: {what}" for what in hollow(theirs)]
    for way in ("convert", "by_hand"):
        try:
            ours = step(network, model, way)
        except Exception as failure:
            row.complaints.append(f"{way}: {type(failure).__name__}: {str(failure).splitlines()[0]}")
            continue
        judge(row, way, ours, theirs)
        count(row, way, ours.watched)
    row.seconds = perf_counter() - started
    return row


def both_modes(name: str) -> list[Row]:
    """The rows of a network, in training and in evaluation."""
    network = NETWORKS[name]
    model = network.prepared()
    rows = [compare(network, model, training) for training in (True, False)]
    rows[0].complaints += loads_both_ways(network, model)
    return rows
