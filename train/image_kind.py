"""What all images of a data set have in common: what a network must know of them, and what its checkpoint keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MEAN, DEVIATION = 0.1307, 0.3081  # of MNIST's training pixels scaled to [0, 1]


@dataclass(frozen=True)
class ImageKind:
    """The names of the classes, (channels, rows, columns), and each channel's mean and deviation in training."""

    labels: tuple[str, ...] = tuple(map(str, range(10)))
    shape: tuple[int, int, int] = (1, 28, 28)
    mean: tuple[float, ...] = (MEAN,)
    deviation: tuple[float, ...] = (DEVIATION,)

    def plain(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {name: list(value) for name, value in vars(self).items()}


MNIST = ImageKind()


def from_plain(facts: Any) -> ImageKind:
    """The kind that ``plain`` was of.  Raises ValueError for what no data set has."""
    if facts is None:  # of a checkpoint from before there were other images
        return MNIST
    wanted = {"labels": str, "shape": int, "mean": float, "deviation": float}
    if not isinstance(facts, Mapping) or facts.keys() != wanted.keys():
        raise ValueError("its images are not described")
    for name, kind in wanted.items():
        if not isinstance(facts[name], list) or any(type(value) is not kind for value in facts[name]):
            raise ValueError(f"the {name} of its images cannot be {facts[name]!r}")
    labels, shape, mean, deviation = (tuple(facts[name]) for name in wanted)
    whole = len(shape) == 3 and shape[0] in (1, 3) and all(0 < side <= 4096 for side in shape[1:])
    numbers = len(mean) == len(deviation) == shape[0] and all(0 < d < 1e9 for d in deviation) if whole else False
    if not numbers or len(labels) < 2 or not all(abs(m) < 1e9 for m in mean):
        raise ValueError(f"its images cannot be {dict(facts)!r}")
    return ImageKind(labels, shape, mean, deviation)


def spelled(shape: tuple[int, ...]) -> str:
    """1×28×28."""
    return "×".join(map(str, shape))
