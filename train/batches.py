"""From uint8 images in memory to batches. What an epoch sees is a pure function of (seed, epoch): order and shifts.

Nothing is drawn from torch's global generator, so neither the backend nor what ran before can change a batch.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from train.data import Split
from train.image_kind import DEVIATION, MEAN

PAPER, INK = (
    -0.1,
    1.175,
)  # the article's levels, with which the mean of its images is about 0 and their variance about 1
FRAME = 2  # the article's images are 32×32
REACH = 2  # pixels a digit may be shifted each way; MNIST leaves a margin of four around every digit

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


def generator(seed: int, epoch: int, purpose: str) -> torch.Generator:
    """A stream for every (seed, epoch, purpose): hashed, since neighbouring seeds of one generator may correlate."""
    digest = hashlib.sha256(f"{seed} {epoch} {purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


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
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (x, t) in the epoch's order, all but the first ``done`` batches, and ``share`` of each.

    x: (B, C, H, W) shifted, then standardised or by ``scale``; t: (B,) int64. The last batch may be shorter.
    """
    shifts = torch.randint(0, 2 * REACH + 1, (len(split), 2), generator=generator(seed, epoch, "shifts"))
    for chosen in chosen_images(len(split), batch_size, seed, epoch)[done:]:
        chosen = chosen[share]
        images = shifted(split.images[chosen], shifts[chosen])
        yield scale(images, dtype, device), split.labels[chosen].to(device)


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


def shifted(images: Tensor, corners: Tensor) -> Tensor:
    """images: (B, ..., H, W); corners: (B, 2) in 0 … 2·REACH, where REACH leaves the image in place; zeros come in."""
    count, *channels, height, width = images.shape
    framed = images.new_zeros(count, *channels, height + 2 * REACH, width + 2 * REACH)
    framed[..., REACH : REACH + height, REACH : REACH + width] = images
    windows = framed.unfold(-2, height, 1).unfold(-2, width, 1)  # (B, ..., 2·REACH + 1, 2·REACH + 1, H, W), a view
    return windows.movedim((-4, -3), (1, 2))[torch.arange(count), corners[:, 0], corners[:, 1]]
