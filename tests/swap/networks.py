"""Networks written for torch, and how two runs of one are compared."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import by_hand
from tests.layers import nodes_of, spread_out

T = TypeVar("T")


class Block(torch.nn.Module):
    """Convolutions around a shortcut, one layer used twice, and activations called as functions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv2d(channels, channels, (3, 1), padding=(1, 0), bias=False)
        self.norm = torch.nn.BatchNorm2d(channels)
        self.conv2 = torch.nn.Conv2d(channels, channels, 3, padding="same", groups=2)
        self.again = self.conv1

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm(self.conv1(x)), inplace=True)
        return torch.relu(self.conv2(self.again(y)) + x)


class Doubled(torch.nn.Module):
    """A parametrisation."""

    def forward(self, w: Tensor) -> Tensor:
        return 2 * w

    def right_inverse(self, w: Tensor) -> Tensor:
        return w / 2


def small() -> torch.nn.Module:
    """Convolution, pooling, a block and a classifier."""
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, stride=2),
        torch.nn.ReLU(inplace=True),
        torch.nn.MaxPool2d(2, stride=1),
        Block(4),
        torch.nn.AvgPool2d((2, 1)),
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(32, 5), torch.nn.LogSoftmax(1)),
    ).double()


def outcome(
    model: torch.nn.Module,
    x: Tensor,
    around: Callable[[], AbstractContextManager[object]] = nullcontext,
    backward_inside: bool = False,
) -> dict[str, Tensor]:
    """The output, every gradient and every buffer after one step; the model is left as it was."""
    state = {name: t.clone() for name, t in model.state_dict().items()}
    x = x.clone().requires_grad_()
    with around():
        y = model(x)
        loss = (y * spread_out(y.shape, 5)).sum()
        if backward_inside:
            loss.backward()
    if not backward_inside:
        loss.backward()
    gradients = {name: p.grad for name, p in model.named_parameters()}
    buffers = {name: b.clone() for name, b in model.named_buffers()}
    model.zero_grad(set_to_none=True)
    model.load_state_dict(state)
    return {"output": y.detach(), "input": x.grad, **gradients, **buffers}


def agree(ours: dict[str, Tensor], theirs: dict[str, Tensor], tolerance: float = 1e-9) -> None:
    """The same names, and the numbers within the tolerance of the largest of their tensor."""
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        scale = max(1.0, float(expected.detach().abs().max()))
        torch.testing.assert_close(ours[name], expected, rtol=0, atol=tolerance * scale, msg=lambda m, n=name: n + m)


def both(apply: Callable[[], T]) -> list[T]:
    """By hand and by torch, from equal seeds."""
    results = []
    for around in (by_hand, torch.enable_grad):
        torch.manual_seed(3)
        with around():
            results.append(apply())
    return results


def ours(y: Tensor) -> bool:
    """Whether a node of ours made y: torch's are numbered."""
    assert y.grad_fn is not None
    return not y.grad_fn.name()[-1].isdigit()


def nodes(y: Tensor) -> set[str]:
    """The names of what a backward pass of y will run: ours lack torch's number at the end."""
    return {node.name() for node in nodes_of(y)}
