"""The loop itself: one generator of losses, which training sums and the comparison of backends keeps step by step."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from train.nonfinite import first_in_forward, first_in_gradients, is_finite
from train.recipe import BatchSizes

Batches = Iterable[tuple[Tensor, Tensor]]


class Taken(NamedTuple):
    """What a step leaves behind: its mean loss, its images, and the norm of each parameter's gradient."""

    loss: float
    images: int
    norms: dict[str, float]


def steps_in(images: int, batch_size: int) -> int:
    """Batches an epoch, the last one possibly shorter: ⌈images / batch size⌉."""
    return -(-images // batch_size)


def fitting_batch_size(images: int, epochs: int, sizes: BatchSizes) -> int:
    """The default: halved until the run has the steps that it takes to learn. Fewer teach nothing at any rate."""
    size = sizes.most
    while size > sizes.least and epochs * steps_in(images, size) < sizes.steps:
        size //= 2
    return size


def steps(
    model: nn.Module,
    criterion: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    batches: Batches,
) -> Iterator[Taken]:
    """Take one optimiser step a batch; yield what it leaves.

    Raises ``NonFiniteError`` at a loss or gradients that are not finite, before the step: the weights stay as the last
    good step left them.  The loss is looked at before backward where that is free, on the CPU; another device is waited
    for once a step, for the loss and the gradients' norms together.
    """
    model.train()
    for x, target in batches:
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(x), target)
        if loss.device.type == "cpu" and not is_finite(loss.item()):
            raise first_in_forward(model, x, loss.item())
        loss.backward()
        value, norms = measured(model, loss)
        if not is_finite(value):
            raise first_in_forward(model, x, value)
        if not is_finite(sum(norms.values())):
            first_in_gradients(model)
        optimizer.step()
        schedule.step()
        yield Taken(value, len(target), norms)


def measured(model: nn.Module, loss: Tensor) -> tuple[float, dict[str, float]]:
    """The loss and the norm of each parameter's gradient, waited for together."""
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    value, *norms = torch.stack([loss.detach(), *torch._foreach_norm([*gradients.values()])]).tolist()
    return value, dict(zip(gradients, norms, strict=True))


def evaluate(model: nn.Module, criterion: nn.Module, batches: Batches) -> tuple[float, float]:
    """Return (mean loss, share of right answers) over all images of ``batches``; the weights stay untouched."""
    loss, right, images = totals(model, criterion, batches)
    return loss / images, right / images


@torch.no_grad()
def totals(model: nn.Module, criterion: nn.Module, batches: Batches) -> tuple[float, int, int]:
    """The sum of the losses, the right answers and the images, by the model as it is used."""
    model.eval()
    images = right = 0
    total = 0.0
    for x, target in batches:
        logits = model(x)  # (B, 10)
        total += float(criterion(logits, target)) * len(target)
        right += int((logits.argmax(1) == target).sum())
        images += len(target)
    return total, right, images
