r"""Training and evaluation by several workers, as if one process saw the joined batch.

Of a joined batch of n images worker r has the n_r that stand at r, r + N, r + 2N, ...; the criterion is a mean:

.. math:: E = \sum_r \frac{n_r}{n} E_r, \qquad \frac{∂E}{∂w} = \sum_r \frac{n_r}{n} \frac{∂E_r}{∂w}

torch's DistributedDataParallel adds the gradients; a worker without images adds zeros. Batch normalisation takes the
statistics of the joined batch (``train.joint_norm``). What remains different from one process is the order of sums, and
the draws of dropout, of which each worker has its own.

Each step also exchanges every worker's loss, images, signal and clock, while the gradients are computed: 0.5 ms between
two processes on two busy cores (median of 2,000), if one waits for it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from train import joint_norm
from train.errors import NonFiniteError
from train.nonfinite import first_in_forward, first_in_gradients, is_finite
from train.training import Batches, Taken, measured, totals
from train.world import World


def distributed(model: nn.Module, device: torch.device) -> DistributedDataParallel:
    """The model whose backward adds the workers' gradients, and whose normalisations see the joined batch.

    ``find_unused_parameters`` also keeps the buckets as they are: by default they are laid out anew after the first
    step, and with them the order of the sums of more than two workers, so that a run that goes on would add its first
    gradients in another order than the run undisturbed.
    """
    is_cuda = device.type == "cuda"
    group = dist.new_group(backend="nccl") if is_cuda else dist.group.WORLD
    joint_norm.join(model, group)
    whole = DistributedDataParallel(
        model,
        device_ids=[device.index] if is_cuda else None,
        process_group=group,
        find_unused_parameters=True,
    )
    whole.register_comm_hook(group, _added)
    return whole


def _added(group: Any, bucket: dist.GradBucket) -> torch.futures.Future[torch.Tensor]:  # type: ignore[name-defined]
    """The sum; DistributedDataParallel's own mean would divide, and round, only to be multiplied again."""
    work = dist.all_reduce(bucket.buffer(), group=group, async_op=True)
    added: torch.futures.Future[torch.Tensor] = work.get_future().then(lambda future: future.value()[0])
    return added


def steps(
    world: World,
    model: DistributedDataParallel,
    criterion: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    batches: Batches,
    sizes: Iterable[int],
) -> Iterator[Taken]:
    """``train.training.steps`` of this worker's shares of joined batches, which have ``sizes`` images.

    Raises ``NonFiniteError`` on every worker, before the step, if something is not finite on one.
    """
    model.train()
    for (x, target), size in zip(batches, sizes, strict=True):
        optimizer.zero_grad(set_to_none=True)
        scores = model(x)
        loss = criterion(scores, target) if len(target) else scores.sum()  # of nothing: 0, with gradients of 0
        answer = world.exchange(loss.item(), len(target))
        (loss * (len(target) / size)).backward()
        rows = answer()
        if not all(is_finite(each) for each, _ in rows):
            raise _first(world, model.module, x, loss.item())
        _, norms = measured(model.module, loss)
        if not is_finite(sum(norms.values())):
            first_in_gradients(model.module)  # added up, and so the same on every worker
        optimizer.step()
        schedule.step()
        yield Taken(sum(each * (images / size) for each, images in rows), size, norms)


def _first(world: World, model: nn.Module, x: torch.Tensor, loss: float) -> NonFiniteError:
    """The error of the worker on which something earlier than on the others is not finite, with its rank."""
    found = None
    if not is_finite(loss):
        with joint_norm.apart(model):
            error = first_in_forward(model, x, loss)
        found = (_place(model, error.tensor), str(error), error.tensor)
    places = {rank: each for rank, each in enumerate(world.gathered(found)) if each is not None}
    rank = min(places, key=lambda rank: (places[rank][0], rank))
    _, message, tensor = places[rank]
    return NonFiniteError(f"{message}, on worker {rank}", tensor)


def _place(model: nn.Module, tensor: str) -> int:
    """Weights, images, layers in their order, loss."""
    order = [*(name for name, _ in model.named_parameters()), "images", *(name for name, _ in model.named_modules())]
    name = tensor.split(" ")[0]
    return order.index(name) if name in order else len(order)


def evaluate(world: World, model: nn.Module, criterion: nn.Module, batches: Batches) -> tuple[float, float]:
    """``train.training.evaluate`` over all workers' batches: each image counts once."""
    rows = world.exchange(*totals(model, criterion, batches))()
    loss, right, images = (sum(column) for column in zip(*rows, strict=True))
    return loss / images, right / images
