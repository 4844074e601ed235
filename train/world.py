"""The workers of one run, through torch.distributed: what one knows and others need, and errors that are everyone's.

Numbers and objects go through gloo on the CPU, wherever the network is; gradients and statistics through the group of
the network's device, nccl on CUDA. Every call here is made by every worker, in the same order.
"""

import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn

from train.errors import OptionError, TrainError, WorkerError
from train.stopping import Stop
from train.torchrun import Place

SILENCE = timedelta(seconds=30)  # after which a worker that does not answer has ended
DOWNLOAD = timedelta(hours=1)
T = TypeVar("T")
Error = TypeVar("Error", bound=TrainError)


class World:
    """One worker's view; alone, it talks to nobody. ``stop`` is told of the signals that all workers know of."""

    def __init__(self, place: Place, heard: Stop) -> None:
        self.rank, self.size, self.local_rank = place.rank, place.size, place.local_rank
        self.heard = heard
        self.stop = heard if self.size == 1 else Stop()
        self._clock = 0.0

    @property
    def is_first(self) -> bool:
        """Whether this worker prints and writes."""
        return self.rank == 0

    @property
    def is_alone(self) -> bool:
        """Whether there are no others."""
        return self.size == 1

    @property
    def share(self) -> slice:
        """The worker's part of a batch or a data set: none for the last ones, if there are too few."""
        return slice(self.rank, None, self.size)

    def now(self) -> float:
        """Seconds: the first worker's clock, as of the last exchange, so that all decide alike."""
        return time.perf_counter() if self.is_alone else self._clock

    def device(self, name: str) -> str:
        """Each worker of a machine has a GPU of its own. Raises ``OptionError``."""
        if self.is_alone or not name.startswith("cuda"):
            return name
        if name != "cuda":
            raise OptionError(f"--device {name} is one for {self.size} workers: --device cuda gives each its own.")
        return f"cuda:{self.local_rank}"

    def exchange(self, *numbers: float) -> Callable[[], list[list[float]]]:
        """Begin to tell every worker these; the call of what is returned gives all workers' numbers, rank by rank.

        A signal that one worker has heard is everyone's from then on.
        """
        table = torch.zeros(self.size, len(numbers) + 2, dtype=torch.float64)
        table[self.rank] = torch.tensor([*numbers, self.heard.number or 0, time.perf_counter()], dtype=torch.float64)
        work = dist.all_reduce(table, async_op=True)

        def answer() -> list[list[float]]:
            work.wait()
            *columns, signals, clocks = table.T.tolist()
            self.stop.number = self.stop.number or next((int(s) for s in signals if s), None)
            self._clock = clocks[0]
            return [list(row) for row in zip(*columns, strict=True)]

        return answer

    def gathered(self, value: Any) -> list[Any]:
        """Every worker's value, on every worker."""
        values = [value] * self.size
        if not self.is_alone:
            dist.all_gather_object(values, value)
        return values

    def spread(self, value: T) -> T:
        """The first worker's value, on every worker."""
        values = [value]
        if not self.is_alone:
            dist.broadcast_object_list(values, src=0)
        return values[0]

    def first(self, action: Callable[[], T], patience: timedelta | None = None) -> T | None:
        """Act on the first worker alone, and let the others wait for the end; its error is everyone's."""
        if self.is_alone:
            return action()
        result, failure = None, None
        if self.is_first:
            try:
                result = action()
            except TrainError as error:
                failure = error
        if patience is not None:
            dist.monitored_barrier(timeout=patience)
        said = self.spread(None if failure is None else str(failure))
        if said is not None:
            raise self.everyones(failure or TrainError(said))
        return result

    def together(self, action: Callable[[], T]) -> T:
        """Act on every worker; an error of one is everyone's. The action itself does not talk to others."""
        result: list[T] = []
        failure = None
        try:
            result.append(action())
        except TrainError as error:
            if self.is_alone:
                raise
            failure = error
        if not self.is_alone:
            said = self.gathered(None if failure is None else str(failure))
            at = next((rank for rank, each in enumerate(said) if each is not None), None)
            if at is not None:
                other = TrainError(f"Worker {at}: {said[at]}")
                raise self.everyones(failure if at == 0 and failure is not None else other)
        return result[0]

    def everyones(self, error: Error) -> Error:
        """An error that every worker raises and the first one prints."""
        error.is_told = not self.is_first
        return error

    def copy_from_first(self, model: nn.Module) -> None:
        """Give the model the first worker's weights and buffers."""
        if not self.is_alone:
            for tensor in model.state_dict().values():
                copy = tensor.detach().cpu()
                dist.broadcast(copy, src=0)
                tensor.copy_(copy)


@contextmanager
def joined(place: Place, heard: Stop) -> Iterator[World]:
    """The world of this process, joined and left. Raises ``WorkerError`` when another worker is gone."""
    world = World(place, heard)
    if world.is_alone:
        yield world
        return
    try:
        is_mine = not dist.is_initialized()
        if is_mine:
            dist.init_process_group("gloo", timeout=SILENCE)
        try:
            yield world
        finally:
            if is_mine:
                with suppress(RuntimeError):  # what broke the group is the error
                    dist.destroy_process_group()
    except (RuntimeError, pickle.UnpicklingError) as error:
        if not _is_broken(error):
            raise
        seconds = round(SILENCE.total_seconds())
        raise WorkerError(
            f"Worker {world.rank} of {world.size}: another one has ended, or said nothing for {seconds} s. The run's"
            f" last checkpoint is whole: torchrun --nproc-per-node {world.size} -m train --resume and its folder go on."
        ) from error


def _is_broken(error: Exception) -> bool:
    """gloo's errors have no type of their own; their text begins with the file of gloo's that found it."""
    return isinstance(error, dist.DistError) or any(word in str(error) for word in ("gloo", "NCCL", "monitoredBarrier"))
