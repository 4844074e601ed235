"""Every public function and module with arguments that bring out its parts: unequal axes, a remainder, padding, groups.

The tests that promise something of *every* layer run over these tables, and check that no public name is missing here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional, nn

Shape = tuple[int, ...]


def spread_out(shape: Shape, seed: int = 0) -> Tensor:
    """Distinct float64 numbers in −2 … 2, evenly spaced, none of them 0: far from every tie and kink."""
    count = torch.Size(shape).numel()
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed + count))
    return ((2 * order + 1 - count).double() * (2 / max(count, 1))).reshape(shape)


@dataclass(frozen=True)
class Example:
    """A layer as a function of its differentiable tensors, and their shapes."""

    apply: Callable[..., Tensor]
    shapes: tuple[Shape, ...]
    multilinear: bool = False

    def tensors(self, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
        """Leaves asking for gradients."""
        return tuple(spread_out(s, n).to(dtype).requires_grad_() for n, s in enumerate(self.shapes))


CLASSES = torch.tensor([[0, 2, 1], [2, -100, 0]])
CLASS_WEIGHTS = torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)

FUNCTIONS = {
    "conv1d": Example(
        lambda x, w, b: functional.conv1d(x, w, b, 2, 1, 2, 2), ((2, 4, 8), (4, 2, 3), (4,)), multilinear=True
    ),
    "conv2d": Example(
        lambda x, w, b: functional.conv2d(x, w, b, (2, 1), (1, 2), (1, 2), 2),
        ((2, 4, 4, 3), (2, 2, 3, 2), (2,)),
        multilinear=True,
    ),
    "conv3d": Example(
        lambda x, w, b: functional.conv3d(x, w, b, (1, 2, 1), (0, 1, 2), (2, 1, 1), 2),
        ((1, 2, 3, 3, 2), (2, 1, 2, 1, 3), (2,)),
        multilinear=True,
    ),
    "conv_transpose1d": Example(
        lambda x, w, b: functional.conv_transpose1d(x, w, b, 2, 1, 2, 2, 3),
        ((2, 4, 3), (4, 1, 2), (2,)),
        multilinear=True,
    ),
    "conv_transpose2d": Example(
        lambda x, w, b: functional.conv_transpose2d(x, w, b, (2, 1), (1, 2), (1, 0), 2, (1, 2)),
        ((2, 2, 3, 4), (2, 2, 3, 2), (4,)),
        multilinear=True,
    ),
    "conv_transpose3d": Example(
        lambda x, w, b: functional.conv_transpose3d(x, w, b, (1, 2, 1), (0, 1, 1), (1, 1, 0), 2, (2, 1, 1)),
        ((1, 2, 2, 2, 3), (2, 1, 2, 1, 3), (2,)),
        multilinear=True,
    ),
    "linear": Example(functional.linear, ((2, 3, 4), (2, 4), (2,)), multilinear=True),
    "flatten": Example(lambda x: functional.flatten(x, 1, 2), ((2, 3, 2, 2),), multilinear=True),
    "max_pool2d": Example(
        lambda x: functional.max_pool2d(x, (3, 2), (2, 1), 1, (1, 2), ceil_mode=True), ((2, 2, 6, 5),)
    ),
    "avg_pool2d": Example(
        lambda x: functional.avg_pool2d(x, (2, 4), (2, 1), (1, 2), divisor_override=8),
        ((2, 2, 5, 4),),
        multilinear=True,
    ),
    "unfold": Example(
        lambda x: functional.unfold(x, (3, 2), (1, 2), ((1, 0), (2, 1)), (2, 1)), ((2, 2, 4, 3),), multilinear=True
    ),
    "fold": Example(
        lambda v: functional.fold(v, (4, 3), (3, 2), (1, 2), ((1, 0), (2, 1)), (2, 1)), ((2, 6, 8),), multilinear=True
    ),
    "pad": Example(lambda x: functional.pad(x, (2, -1, 1, 2), "reflect"), ((2, 2, 3, 4),), multilinear=True),
    "relu": Example(functional.relu, ((2, 3, 4),)),
    "sigmoid": Example(functional.sigmoid, ((2, 3, 4),)),
    "tanh": Example(functional.tanh, ((2, 3, 4),)),
    "softmax": Example(lambda z: functional.softmax(z, 1), ((2, 3, 4),)),
    "log_softmax": Example(lambda z: functional.log_softmax(z, -1), ((2, 3, 4),)),
    "nll_loss": Example(lambda y: functional.nll_loss(y, CLASSES, CLASS_WEIGHTS.to(y.dtype)), ((2, 3, 3),)),
    "cross_entropy": Example(lambda z: functional.cross_entropy(z, CLASSES), ((2, 3, 3),)),
    "mse_loss": Example(functional.mse_loss, ((2, 3), (2, 3))),
    "toeplitz": Example(
        lambda w: functional.toeplitz(w, (4, 3), (2, 1), (1, 2), (1, 2), 2, layout=torch.strided),
        ((2, 2, 3, 2),),
        multilinear=True,
    ),
}

#: Public names that are numbers about a layer: no tensor to differentiate comes out of them.
MEASUREMENTS = {"Connections", "connections", "spectral_norm"}

MODULES: dict[str, tuple[Callable[[], torch.nn.Module], Shape]] = {
    "Conv1d": (lambda: nn.Conv1d(4, 6, 3, 2, 1, 2, 2), (2, 4, 8)),
    "Conv2d": (lambda: nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 2), (1, 2), 2), (2, 4, 8, 9)),
    "Conv3d": (lambda: nn.Conv3d(2, 4, (2, 1, 3), (1, 2, 1), (0, 1, 2), groups=2), (2, 2, 3, 4, 5)),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(4, 6, 3, 2, 1, 1, 2), (2, 4, 5)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 6, (3, 2), (2, 1), (1, 2), (1, 0), 2, True, 2), (2, 4, 4, 5)),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(2, 4, (2, 1, 3), (1, 2, 1), (0, 0, 1), groups=2), (2, 2, 3, 2, 3)),
    "LazyConv1d": (lambda: _grown(nn.LazyConv1d(6, 3, 2, 1, 2, 2), (2, 4, 8)), (2, 4, 8)),
    "LazyConv2d": (lambda: _grown(nn.LazyConv2d(6, (3, 2), (2, 1), (1, 2)), (2, 4, 8, 9)), (2, 4, 8, 9)),
    "LazyConv3d": (lambda: _grown(nn.LazyConv3d(4, (2, 1, 3), (1, 2, 1)), (2, 2, 3, 4, 5)), (2, 2, 3, 4, 5)),
    "LazyConvTranspose1d": (lambda: _grown(nn.LazyConvTranspose1d(6, 3, 2, 1, 1, 2), (2, 4, 5)), (2, 4, 5)),
    "LazyConvTranspose2d": (lambda: _grown(nn.LazyConvTranspose2d(6, (3, 2), (2, 1)), (2, 4, 4, 5)), (2, 4, 4, 5)),
    "LazyConvTranspose3d": (lambda: _grown(nn.LazyConvTranspose3d(4, (2, 1, 3)), (2, 2, 3, 2, 3)), (2, 2, 3, 2, 3)),
    "Linear": (lambda: nn.Linear(5, 3), (2, 4, 5)),
    "LazyLinear": (lambda: _grown(nn.LazyLinear(3), (2, 4, 5)), (2, 4, 5)),
    "Flatten": (lambda: nn.Flatten(), (2, 3, 4)),
    "MaxPool2d": (lambda: nn.MaxPool2d((3, 2), (2, 1), 1, (1, 2), ceil_mode=True), (2, 3, 6, 5)),
    "AvgPool2d": (lambda: nn.AvgPool2d((3, 2), (2, 1), 1, ceil_mode=True, count_include_pad=False), (2, 3, 6, 5)),
    "Unfold": (lambda: nn.Unfold((3, 2), (1, 2), (1, 2), (2, 1)), (2, 2, 4, 3)),
    "Fold": (lambda: nn.Fold((4, 3), (3, 2), (1, 2), (1, 2), (2, 1)), (2, 12, 10)),
    "CircularPad1d": (lambda: nn.CircularPad1d((1, -1)), (2, 3, 4)),
    "CircularPad2d": (lambda: nn.CircularPad2d((1, 2, 0, -1)), (2, 2, 4, 3)),
    "CircularPad3d": (lambda: nn.CircularPad3d((1, 0, 2, 1, 0, -1)), (1, 2, 3, 3, 2)),
    "ConstantPad1d": (lambda: nn.ConstantPad1d((1, -1), 1.5), (2, 3, 4)),
    "ConstantPad2d": (lambda: nn.ConstantPad2d((1, 2, 0, -1), 1.5), (2, 2, 4, 3)),
    "ConstantPad3d": (lambda: nn.ConstantPad3d((1, 0, 2, 1, 0, -1), 1.5), (1, 2, 3, 3, 2)),
    "ReflectionPad1d": (lambda: nn.ReflectionPad1d((1, -1)), (2, 3, 4)),
    "ReflectionPad2d": (lambda: nn.ReflectionPad2d((1, 2, 0, -1)), (2, 2, 4, 3)),
    "ReflectionPad3d": (lambda: nn.ReflectionPad3d((1, 0, 2, 1, 0, -1)), (1, 2, 3, 3, 2)),
    "ReplicationPad1d": (lambda: nn.ReplicationPad1d((1, -1)), (2, 3, 4)),
    "ReplicationPad2d": (lambda: nn.ReplicationPad2d((1, 2, 0, -1)), (2, 2, 4, 3)),
    "ReplicationPad3d": (lambda: nn.ReplicationPad3d((1, 0, 2, 1, 0, -1)), (1, 2, 3, 3, 2)),
    "ZeroPad1d": (lambda: nn.ZeroPad1d((1, -1)), (2, 3, 4)),
    "ZeroPad2d": (lambda: nn.ZeroPad2d((1, 2, 0, -1)), (2, 2, 4, 3)),
    "ZeroPad3d": (lambda: nn.ZeroPad3d((1, 0, 2, 1, 0, -1)), (1, 2, 3, 3, 2)),
    "ReLU": (lambda: nn.ReLU(), (2, 3)),
    "Sigmoid": (lambda: nn.Sigmoid(), (2, 3)),
    "Tanh": (lambda: nn.Tanh(), (2, 3)),
    "Softmax": (lambda: nn.Softmax(1), (2, 3)),
    "LogSoftmax": (lambda: nn.LogSoftmax(1), (2, 3)),
    "NLLLoss": (lambda: _against_classes(nn.NLLLoss(CLASS_WEIGHTS)), (2, 3, 3)),
    "CrossEntropyLoss": (lambda: _against_classes(nn.CrossEntropyLoss()), (2, 3, 3)),
    "MSELoss": (lambda: _Against(nn.MSELoss(), spread_out((2, 3), 9)), (2, 3)),
}


def _grown(lazy: torch.nn.Module, size: Shape) -> torch.nn.Module:
    """A lazy layer after its first input."""
    lazy(torch.zeros(size))
    return lazy


class _Against(torch.nn.Module):
    """A loss with its target filled in."""

    def __init__(self, loss: torch.nn.Module, target: Tensor) -> None:
        super().__init__()
        self.loss, self.target = loss, target

    def forward(self, input: Tensor) -> Tensor:
        return self.loss(input, self.target)


def _against_classes(loss: torch.nn.Module) -> torch.nn.Module:
    return _Against(loss, CLASSES)


# ------------------------------------------------------------------------------------- layers beside torch's own


@dataclass(frozen=True)
class Pair:
    """One layer by hand and by torch, and the shapes of its tensors: x, and w and b if it has them."""

    by_hand: Callable[..., Tensor]
    referee: Callable[..., Tensor]
    shapes: tuple[Shape, ...]

    def tensors(self, seed: int = 0) -> tuple[Tensor, ...]:
        """Distinct numbers, far from ties."""
        return tuple(spread_out(shape, seed + n) for n, shape in enumerate(self.shapes))

    def leaves(self, seed: int = 0) -> tuple[Tensor, ...]:
        """The same, asking for gradients."""
        return tuple(t.requires_grad_() for t in self.tensors(seed))

    def integers(self, seed: int = 0) -> tuple[Tensor, ...]:
        """Small whole numbers, on which a sum of products is exact."""
        return tuple(t.mul(3).round() for t in self.tensors(seed))


def pair(name: str, shapes: tuple[Shape, ...], **options: Any) -> Pair:
    """The function of that name, ours and torch's, with the same options."""
    ours, theirs = getattr(functional, name), getattr(F, name)
    return Pair(lambda *t: ours(*t, **options), lambda *t: theirs(*t, **options), shapes)


#: What is differentiated with respect to input, weight and bias.
WEIGHTED = {
    "conv1d": pair("conv1d", ((2, 4, 8), (6, 2, 3), (6,)), stride=2, padding=1, dilation=2, groups=2),
    "conv2d": pair(
        "conv2d", ((2, 4, 4, 5), (4, 2, 3, 2), (4,)), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2
    ),
    "conv3d": pair(
        "conv3d",
        ((2, 2, 3, 3, 2), (4, 1, 2, 1, 2), (4,)),
        stride=(1, 2, 1),
        padding=(0, 1, 2),
        dilation=(2, 1, 3),
        groups=2,
    ),
    "conv_transpose1d": pair(
        "conv_transpose1d",
        ((2, 4, 3), (4, 3, 3), (6,)),
        stride=3,
        padding=1,
        output_padding=2,
        groups=2,
        dilation=2,
    ),
    "conv_transpose2d": pair(
        "conv_transpose2d",
        ((2, 4, 3, 4), (4, 2, 3, 2), (4,)),
        stride=(2, 1),
        padding=(1, 2),
        output_padding=(1, 0),
        groups=2,
        dilation=(1, 3),
    ),
    "conv_transpose3d": pair(
        "conv_transpose3d",
        ((2, 2, 2, 2, 3), (2, 2, 2, 1, 2), (4,)),
        stride=(1, 2, 1),
        padding=(0, 1, 1),
        output_padding=(1, 1, 0),
        groups=2,
        dilation=(2, 1, 1),
    ),
    "linear": pair("linear", ((2, 3, 4), (3, 4), (3,))),
}
PAIRS = {
    **WEIGHTED,
    "max_pool2d": pair("max_pool2d", ((2, 3, 6, 5),), kernel_size=(3, 2), stride=(2, 1), padding=1, dilation=(1, 2)),
    "unfold": pair("unfold", ((2, 3, 4, 5),), kernel_size=(3, 2), dilation=(1, 2), padding=(1, 2), stride=(2, 1)),
    "pad constant": pair("pad", ((2, 3, 4, 3),), pad=(1, -1, 2, 0), value=1.5),
    "pad reflect": pair("pad", ((2, 3, 4, 3),), pad=(1, 2, 3, -1), mode="reflect"),
    "pad circular": pair("pad", ((2, 3, 4, 3),), pad=(2, -1, 1, 4), mode="circular"),
}


@dataclass(frozen=True)
class Twins:
    """A module by hand and torch's of the same name, with the same arguments."""

    name: str
    arguments: tuple[Any, ...]
    input: Shape

    def make(self, dtype: torch.dtype = torch.float64) -> tuple[torch.nn.Module, torch.nn.Module]:
        """Ours and torch's, with the same parameters."""
        ours, theirs = (getattr(library, self.name)(*self.arguments).to(dtype) for library in (nn, torch.nn))
        theirs.load_state_dict(ours.state_dict())
        return ours, theirs

    def image(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """An input."""
        return spread_out(self.input).to(dtype)


TWINS = {
    "Conv1d": Twins("Conv1d", (4, 6, 3, 2, 1, 2, 2), (2, 4, 8)),
    "Conv2d": Twins("Conv2d", (4, 6, (3, 2), (2, 1), (1, 2), (1, 2), 2), (2, 4, 6, 5)),
    "Conv3d": Twins("Conv3d", (2, 4, (2, 1, 3), (1, 2, 1), (0, 1, 2), 1, 2), (2, 2, 3, 4, 3)),
    "ConvTranspose1d": Twins("ConvTranspose1d", (4, 6, 3, 3, 1, 2, 2, True, 2), (2, 4, 3)),
    "ConvTranspose2d": Twins("ConvTranspose2d", (4, 6, (3, 2), (2, 1), (1, 2), (1, 0), 2, True, (1, 3)), (2, 4, 3, 4)),
    "ConvTranspose3d": Twins("ConvTranspose3d", (2, 4, (2, 1, 2), (1, 2, 1), (0, 1, 1), (0, 1, 0), 2), (2, 2, 2, 2, 3)),
    "Linear": Twins("Linear", (5, 3), (2, 4, 5)),
}


def close(ours: object, theirs: object) -> None:
    """Equal up to the order of a few dozen float64 additions."""
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def loss(apply: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A smooth scalar of the output that weighs every entry differently."""

    def scalar(*inputs: Tensor) -> Tensor:
        y = apply(*inputs)
        weights = torch.arange(1, y.numel() + 1, dtype=y.dtype).reshape(y.shape) / y.numel()
        return (weights * y**3).sum()

    return scalar
