"""Tools in small that look a layer up by its exact type: their hooks and their tables.

Each is a function of a model and a table of layers, and returns what it finds for `X`.  A layer whose type the table
lacks is passed over, as tools do.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import Module

from tests.layers import spread_out

Table = dict[type[Module], Any]

X = spread_out((3, 2, 6, 5))
REFERENCE = spread_out((3, 2, 6, 5), 3) / 2
TARGET = torch.tensor([2, 0, 1])


def found(model: Module, table: Table) -> list[tuple[Module, Any]]:
    """The look-up of tools."""
    return [(module, table[type(module)]) for module in model.modules() if type(module) in table]


@contextmanager
def removed(handles: list[Any]) -> Iterator[None]:
    """Hooks that are taken away at the end."""
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def gradient(model: Module, x: Tensor) -> Tensor:
    """Of every sample's own class."""
    x = x.clone().requires_grad_()
    y = model(x)
    return torch.autograd.grad(y.gather(1, TARGET.repeat(len(y) // 3)[:, None]).sum(), x)[0]


def chord(module: Any, grad_input: Tensor, grad_output: Tensor) -> Tensor:
    """The slope of the chord between an input and its reference, in place of the tangent's."""
    rise, run = (t - u for t, u in (module.after.chunk(2), module.before.chunk(2)))
    flat = run.abs() < 1e-9
    slope = torch.where(flat, 0, rise / torch.where(flat, 1, run))
    return torch.where(torch.cat([flat, flat]), grad_input, grad_output * torch.cat([slope, slope]))


def rescaled_by_tensor_hooks(model: Module, table: Table) -> list[Tensor]:
    """DeepLift: a hook before the forward that clones the input, and tensor hooks on either side of the layer."""

    def before(module: Any, args: tuple[Tensor]) -> Tensor:
        module.before = args[0].detach().clone()
        args[0].register_hook(lambda grad: chord(module, grad, module.grad_output))
        return args[0].clone()

    def after(module: Any, _: Any, y: Tensor) -> None:
        module.after = y.detach().clone()
        y.register_hook(lambda grad: setattr(module, "grad_output", grad))

    hooks = [
        (m.register_forward_hook(after), m.register_forward_pre_hook(before))
        for m, is_curved in found(model, table)
        if is_curved
    ]
    with removed([handle for pair in hooks for handle in pair]):
        return [gradient(model, torch.cat([X, REFERENCE]))[:3]]


def rescaled_by_full_backward_hooks(model: Module, table: Table) -> list[Tensor]:
    """DeepLift once more: a full backward hook returns the gradient; in-place layers are changed first, by type."""

    def after(module: Any, args: tuple[Tensor], y: Tensor) -> None:
        module.before, module.after = args[0].detach(), y.detach()

    curved = [module for module, is_curved in found(model, table) if is_curved]
    for module in curved:
        if hasattr(module, "inplace"):
            module.inplace = False
    handles = [module.register_forward_hook(after) for module in curved]
    handles += [m.register_full_backward_hook(lambda m, i, o: (chord(m, i[0], o[0]),)) for m in curved]
    with removed(handles):
        return [gradient(model, torch.cat([X, REFERENCE]))[:3]]


def relevances(model: Module, table: Table) -> list[Tensor]:
    """LRP: z/a before a linear layer and after it, by tensor hooks; the gradient goes past all others unchanged."""

    def linear(_: Module, args: tuple[Tensor], z: Tensor) -> Tensor:
        a, divisor = args[0].detach().clone(), torch.where(z == 0, 1, z).detach()
        args[0].register_hook(lambda grad: grad * a)
        z.register_hook(lambda grad: grad / divisor)
        return z.clone()

    score = model(X).detach().gather(1, TARGET[:, None])
    handles = list[Any]()
    for module, is_curved in found(model, table):
        if is_curved:
            handles.append(module.register_full_backward_hook(lambda m, i, o: o))
        else:
            handles.append(module.register_forward_hook(linear))
    with removed(handles):
        return [gradient(model, X) * score[:, :, None, None]]


def full_gradients(model: Module, table: Table) -> list[Tensor]:
    """FullGrad: x · ∂y/∂x, and b · ∂y/∂z for every bias."""
    pieces = list[Tensor]()

    def watch(module: Any, _: Any, z: Tensor) -> None:
        bias = module.bias.detach()
        if hasattr(module, "running_var"):
            bias = bias - module.running_mean * module.weight.detach() / (module.running_var + module.eps).sqrt()
        bias = bias.reshape(-1, *[1] * (z.ndim - 2))
        z.register_hook(lambda grad: pieces.append((grad * bias).flatten(1).sum(1)))

    with removed([m.register_forward_hook(watch) for m, has_bias in found(model, table) if has_bias]):
        slope = gradient(model, X)
    return [(slope * X).flatten(1).sum(1), *pieces]


def guided(model: Module, table: Table) -> list[Tensor]:
    """Guided backpropagation, by a hook before the backward."""

    def positive(_: Module, grads: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(grad.clamp(min=0) for grad in grads)

    relus = [module for module, is_relu in found(model, table) if is_relu]
    for module in relus:
        module.inplace = False
    with removed([module.register_full_backward_pre_hook(positive) for module in relus]):
        return [gradient(model, X)]


def gradients_of_samples(model: Module, table: Table) -> list[Tensor]:
    """BackPACK and Opacus: what went into a layer and the gradient of what came out give each sample's gradient."""
    kept = list[Tensor]()

    def keep(module: Any, args: tuple[Tensor], _: Tensor) -> None:
        module.input0 = args[0].detach()

    def of_samples(module: Any, _: Any, grads: tuple[Tensor]) -> None:
        kept.append(table[type(module)](module, module.input0, grads[0]))

    layers = [module for module, _ in found(model, table)]
    handles = [module.register_forward_hook(keep) for module in layers]
    with removed(handles + [module.register_full_backward_hook(of_samples) for module in layers]):
        F.cross_entropy(model(X.clone().requires_grad_()), TARGET, reduction="sum").backward()
    return kept


def of_convolution(conv: torch.nn.Conv2d, x: Tensor, grad: Tensor) -> Tensor:
    """A convolution's gradient for each sample: (N, O, C/g, *K)."""
    columns = F.unfold(x, conv.kernel_size, padding=conv.padding)  # type: ignore[arg-type]
    columns = columns.reshape(len(x), conv.groups, -1, columns.shape[2])
    grad = grad.reshape(len(x), conv.groups, -1, columns.shape[3])
    return torch.einsum("ngkp,ngop->ngok", columns, grad).reshape(len(x), *conv.weight.shape)


def counted(model: Module, table: Table) -> list[Tensor]:
    """thop: a buffer of every layer counts its multiplications."""

    def count(module: Any, args: tuple[Tensor], y: Tensor) -> None:
        module.total_ops += table[type(module)](module, args[0], y)

    layers: list[Any] = [module for module, _ in found(model, table)]
    for layer in layers:
        layer.register_buffer("total_ops", torch.zeros(1, dtype=torch.float64))
    with removed([layer.register_forward_hook(count) for layer in layers]):
        model(X)
    counts = [layer.total_ops.clone() for layer in layers]
    for layer in layers:
        del layer._buffers["total_ops"]
    return counts


CURVED: Table = {torch.nn.ReLU: True, torch.nn.Tanh: True}
#: A tool, its table of layers, and the network that its law asks for.
TOOLS: dict[str, tuple[Callable[[Module, Table], list[Tensor]], Table, dict[str, bool]]] = {
    "rescaled by tensor hooks": (rescaled_by_tensor_hooks, CURVED, {}),
    "rescaled by full backward hooks": (rescaled_by_full_backward_hooks, CURVED, {"bias": False}),
    "relevances": (
        relevances,
        CURVED | {torch.nn.Conv2d: False, torch.nn.AvgPool2d: False, torch.nn.Linear: False},
        {"bias": False, "inplace": False},
    ),
    "full gradients": (full_gradients, {torch.nn.Conv2d: True, torch.nn.BatchNorm2d: True, torch.nn.Linear: True}, {}),
    "guided": (guided, {torch.nn.ReLU: True}, {}),
    "gradients of samples": (
        gradients_of_samples,
        {torch.nn.Conv2d: of_convolution, torch.nn.Linear: lambda m, x, g: torch.einsum("no,ni->noi", g, x)},
        {"inplace": False},
    ),
    "counted": (
        counted,
        {
            torch.nn.Conv2d: lambda m, x, y: y.numel() * m.weight[0].numel(),
            torch.nn.Linear: lambda m, x, y: y.numel() * m.in_features,
            torch.nn.BatchNorm2d: lambda m, x, y: 2 * y.numel(),
        },
        {},
    ),
}
