"""What torchrun tells a process that it starts: which worker of how many it is. Nothing here imports torch."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from train.errors import OptionError

NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Place:
    """``rank`` of ``size`` workers, and the number among those of its machine; without torchrun, the only one."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0


def place(environment: Mapping[str, str] = os.environ) -> Place:
    """Where this process stands. Raises ``OptionError`` for variables that contradict each other."""
    if environment.get("WORLD_SIZE", "1") == "1":
        return Place()
    try:
        rank, size, local_rank = (int(environment[name]) for name in NAMES[:3])
        if not (0 <= rank < size and local_rank >= 0 and all(environment[name] for name in NAMES[3:])):
            raise ValueError
    except (KeyError, ValueError):
        said = ", ".join(f"{name}={environment[name]}" for name in NAMES if name in environment)
        raise OptionError(
            f"The environment has {said}, which is no place among workers: torchrun --nproc-per-node N -m train starts"
            " N of them, and without WORLD_SIZE there is one."
        ) from None
    return Place(rank, size, local_rank)


def is_first(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process speaks for all. One whose place is unclear speaks for itself."""
    try:
        return place(environment).rank == 0
    except OptionError:
        return True
