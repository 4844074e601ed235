"""The loop: what it computes, and that nothing which is not finite reaches the weights."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from train.errors import NonFiniteError
from train.optimisation import optimisation
from train.recipe import BatchSizes, batch_sizes
from train.training import evaluate, fitting_batch_size, steps, steps_in

BATCHES = [(torch.randn(4, 3), torch.tensor([0, 1, 1, 0])), (torch.randn(2, 3), torch.tensor([1, 0]))]


class Spoiled(nn.Module):
    """Cross-entropy, changed at one step by ``spoil``."""

    def __init__(self, at: int, spoil: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.calls, self.at, self.spoil = 0, at, spoil

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        self.calls += 1
        loss = nn.functional.cross_entropy(logits, target)
        return self.spoil(loss) if self.calls == self.at else loss


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda loss: loss * float("nan"), "loss became nan, of finite logits"),
        (lambda loss: loss * float("inf"), "loss became inf, of finite logits"),
        (lambda loss: (loss * 0).sqrt(), "gradient of bias is not finite"),
    ],
)
def test_what_is_not_finite_stops_before_the_weights_change(spoil: Callable[[Tensor], Tensor], message: str) -> None:
    model = nn.Linear(3, 2)
    optimizer, schedule = optimisation(model, 0.1, 10)
    loop = steps(model, Spoiled(2, spoil), optimizer, schedule, BATCHES)
    next(loop)
    before = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(NonFiniteError, match=message):
        next(loop)
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


def test_large_finite_gradients_are_no_reason_to_stop() -> None:
    """Their norm overflows; they do not."""
    model = nn.Linear(3, 2)
    optimizer, schedule = optimisation(model, 1e-30, 10)
    list(steps(model, Spoiled(1, lambda loss: loss * 1e25), optimizer, schedule, BATCHES))


def test_steps_yield_losses_sizes_and_norms_and_train() -> None:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer, schedule = optimisation(model, 0.5, 80)
    epochs = [list(steps(model, nn.CrossEntropyLoss(), optimizer, schedule, BATCHES)) for _ in range(40)]
    assert [step.images for step in epochs[0]] == [4, 2]
    assert sum(step.loss for step in epochs[-1]) < sum(step.loss for step in epochs[0])
    gradients = {name: float(torch.linalg.vector_norm(p.grad)) for name, p in model.named_parameters()}
    assert epochs[-1][-1].norms == gradients


@pytest.mark.parametrize("total", [*range(1, 31), 2580])
def test_a_run_that_is_all_warm_up_learns_at_a_rate_of_nearly_nothing(total: int) -> None:
    optimizer, schedule = optimisation(nn.Linear(2, 2), 0.5, total)
    rates = []
    for _ in range(total):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert max(rates) == pytest.approx(0.5, rel=0.05)
    assert sum(rates) / total > 0.2
    if total < 10:
        assert rates == sorted(rates, reverse=True)
        assert rates[-1] > 0.01
    else:
        assert rates[0] == pytest.approx(0.02) and rates[-1] < max(rates) <= 0.5
        assert rates.index(max(rates)) == pytest.approx(total / 5, abs=1)


def test_evaluation_weighs_batches_by_their_images() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.9)).double()  # what evaluation must switch off
    batches = [(x.double(), t) for x, t in BATCHES]
    x, target = torch.cat([x for x, _ in batches]), torch.cat([t for _, t in batches])
    loss, accuracy = evaluate(model, nn.CrossEntropyLoss(), batches)
    model.eval()
    assert loss == pytest.approx(nn.functional.cross_entropy(model(x), target).item())
    assert accuracy == pytest.approx(float((model(x).argmax(1) == target).double().mean()))


def test_steps_in() -> None:
    assert [steps_in(images, 128) for images in (1, 128, 129, 55000)] == [1, 1, 2, 430]


@pytest.mark.parametrize(
    ("images", "epochs", "size", "old"),
    [
        (55000, 6, 128, 16),
        (12800, 1, 128, 4),
        (12672, 1, 64, 4),
        (2000, 1, 16, 1),
        (2000, 3, 32, 2),
        (2000, 8, 128, 8),
        (20, 1, 8, 1),
    ],
)
def test_a_short_run_has_batches_that_make_steps(images: int, epochs: int, size: int, old: int) -> None:
    """Those of the recipe of 1998 are smaller, but not with another network or optimiser."""
    assert fitting_batch_size(images, epochs, batch_sizes("plain", "lenet5-1998", "sgd")) == size
    assert fitting_batch_size(images, epochs, batch_sizes("1998", "lenet5-1998", "sgd")) == old
    assert batch_sizes("1998", "lenet5", "sgd") == batch_sizes("1998", "lenet5-1998", "adam") == BatchSizes()
