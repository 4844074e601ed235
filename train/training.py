"""The loop itself: one generator of losses, which training sums and the comparison of backends keeps step by step."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from train.errors import NonFiniteError
from train.recipe import MOMENTUM, WEIGHT_DECAY

LEAST_STEPS = 10  # that have a warm-up

Batches = Iterable[tuple[Tensor, Tensor]]


def steps_in(images: int, batch_size: int) -> int:
    """Batches an epoch, the last one possibly shorter: ⌈images / batch size⌉."""
    return -(-images // batch_size)


def optimisation(
    model: nn.Module, lr: float, total_steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """SGD with Nesterov momentum; the rate rises to ``lr`` over the first fifth of the run, then falls to nearly 0.

    Fewer than ten steps leave not one whole step to rise in (five: ``OneCycleLR`` divides by zero), so that a short run
    starts at ``lr`` and falls along half a cosine.
    """
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY)
    if total_steps < LEAST_STEPS:
        return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=total_steps)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=total_steps, pct_start=0.2, cycle_momentum=False
    )
    return optimizer, schedule


def steps(
    model: nn.Module,
    criterion: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    batches: Batches,
    epoch: int,
) -> Iterator[tuple[float, int]]:
    """Take one optimiser step a batch; yield (mean loss of the batch, its size).

    Raises ``NonFiniteError`` at a loss or gradients that are not finite, before the step: the weights stay as the last
    good step left them.  The device is waited for once a step, for the loss and the gradients' norm together.
    """
    model.train()
    for step, (x, target) in enumerate(batches, 1):
        where = f"at epoch {epoch}, step {step}"
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(x), target)
        loss.backward()
        value, norm = torch.stack([loss.detach(), _norm_of_gradients(model)]).tolist()
        if not is_finite(value):
            raise NonFiniteError(f"The loss became {value} {where}: training stopped.")
        if not is_finite(norm):
            check_gradients(model, where)
        optimizer.step()
        schedule.step()
        yield value, len(target)


def is_finite(value: float) -> bool:
    """Neither NaN nor infinite."""
    return abs(value) < float("inf")


def _norm_of_gradients(model: nn.Module) -> Tensor:
    """The sum of all gradients' norms, one number to look at; only if it is not finite is each gradient looked at."""
    return torch.stack(torch._foreach_norm([p.grad for p in model.parameters() if p.grad is not None])).sum()


def check_gradients(model: nn.Module, where: str) -> None:
    """Raise ``NonFiniteError`` naming the first gradient that is not finite."""
    for name, p in model.named_parameters():
        if p.grad is not None and not torch.isfinite(p.grad).all():
            raise NonFiniteError(f"The gradient of {name} is not finite {where}: training stopped.")


@torch.no_grad()
def evaluate(model: nn.Module, criterion: nn.Module, batches: Batches) -> tuple[float, float]:
    """Return (mean loss, share of right answers) over all images of ``batches``; the weights stay untouched."""
    model.eval()
    images = right = 0
    total = 0.0
    for x, target in batches:
        logits = model(x)  # (B, 10)
        total += float(criterion(logits, target)) * len(target)
        right += int((logits.argmax(1) == target).sum())
        images += len(target)
    return total / images, right / images
