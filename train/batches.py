"""From uint8 images in memory to batches. What an epoch sees, order and augmentation, is a function of (seed, epoch).

Nothing is drawn from torch's global generator, so neither the backend nor what ran before can change a batch.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from train.augmentation import generator, looks
from train.data import Split
from train.image_kind import DEVIATION, MEAN

PAPER, INK = (
    -0.1,
    1.175,
)  # the article's levels, with which the mean of its images is about 0 and their variance about 1
FRAME = 2  # the article's images are 32×32

EVALUATION_BATCH = 1000  # 4 MB of activations in the first layer's six maps at a time
ALL = slice(None)

Scale = Callable[[Tensor, torch.dtype, torch.device], Tensor]


def standardised(
    images: Tensor,
    dtype: torch.dtype,
    device: torch.device,
    mean: Sequence[float] = (MEAN,),
    deviation: Sequence[float] = (DEVIATION,),
) -> Tensor:
    """images: (B, H, W) or (B, C, H, W) uint8 → (B, C, H, W), each channel with mean 0 and deviation 1 in training."""
    x = images.to(device).to(dtype)
    x = x.unsqueeze(1) if x.dim() == 3 else x
    if len(mean) == 1:
        return x.div_(255).sub_(mean[0]).div_(deviation[0])
    m, d = (torch.tensor(numbers, dtype=dtype, device=device)[:, None, None] for numbers in (mean, deviation))
    return x.div_(255).sub_(m).div_(d)


def framed(images: Tensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    """images: (B, 28, 28) uint8 → (B, 1, 32, 32) from −0.1 for paper, the frame too, to 1.175 for ink.

    LeCun, Bottou, Bengio and Haffner, 1998, section II.B.
    """
    count, height, width = images.shape
    x = torch.full((count, 1, height + 2 * FRAME, width + 2 * FRAME), PAPER, dtype=dtype, device=device)
    x[:, 0, FRAME:-FRAME, FRAME:-FRAME] += images.to(device).to(dtype) / 255 * (INK - PAPER)
    return x


def training_batches(
    split: Split,
    batch_size: int,
    seed: int,
    epoch: int,
    dtype: torch.dtype,
    device: torch.device,
    scale: Scale = standardised,
    done: int = 0,
    share: slice = ALL,
    augment: str = "shift",
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (x, t) in the epoch's order, all but the first ``done`` batches, and ``share`` of each.

    x: (B, C, H, W) augmented, then standardised or by ``scale``; t: (B,) int64. The last batch may be shorter.
    """
    look = looks(split, augment, seed, epoch)
    for chosen in chosen_images(len(split), batch_size, seed, epoch)[done:]:
        chosen = chosen[share]
        yield scale(look(chosen), dtype, device), split.labels[chosen].to(device)


def chosen_images(count: int, batch_size: int, seed: int, epoch: int) -> tuple[Tensor, ...]:
    """The numbers of the images in each batch of an epoch."""
    order = torch.randperm(count, generator=generator(seed, epoch, "order"))
    return torch.split(order, min(batch_size, count))


def plain_batches(
    split: Split,
    batch_size: int,
    dtype: torch.dtype,
    device: torch.device,
    scale: Scale = standardised,
    share: slice = ALL,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (x, t) in the order of the files, for validation and test, of those in ``share``."""
    mine = torch.arange(len(split))[share]
    for chosen in torch.split(mine, batch_size) if len(mine) else ():
        yield scale(split.images[chosen], dtype, device), split.labels[chosen].to(device)
