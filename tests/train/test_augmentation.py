"""How an image looks depends on (seed, epoch, its number) alone, and is what the equation says."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from train.augmentation import ANGLE, REACH, STRETCH, looked_up, looks
from train.batches import training_batches
from train.data import Split
from train.recipe import AUGMENTATIONS

CPU = torch.device("cpu")
COUNT = 23


def split(count: int = COUNT, channels: int | None = None) -> Split:
    shape = (count, 14, 11) if channels is None else (count, channels, 14, 11)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    return Split(images, torch.arange(count))


@given(
    augment=st.sampled_from(AUGMENTATIONS),
    seed=st.integers(0, 2**63 - 1),
    epoch=st.integers(1, 1000),
    numbers=st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=COUNT),
    channels=st.sampled_from([None, 1, 3]),
)
def test_an_image_looks_the_same_in_every_company(
    augment: str, seed: int, epoch: int, numbers: list[int], channels: int | None
) -> None:
    """Alone, in any batch, drawn twice, whatever torch's own generator does, and in a data set that has more images."""
    images = split(channels=channels)
    whole = looks(images, augment, seed, epoch)(torch.arange(COUNT))
    torch.manual_seed(epoch)
    assert torch.equal(looks(images, augment, seed, epoch)(torch.tensor(numbers)), whole[numbers])
    first = max(numbers) + 1
    assert torch.equal(looks(images.first(first), augment, seed, epoch)(torch.arange(first)), whole[:first])
    assert whole.dtype == torch.uint8 and whole.shape == images.images.shape


@pytest.mark.parametrize("augment", AUGMENTATIONS[1:])
def test_another_seed_or_epoch_looks_otherwise_and_so_does_another_image(augment: str) -> None:
    images = split()
    one = looks(images, augment, 5, 2)(torch.arange(COUNT))
    assert not torch.equal(one, images.images)
    for seed, epoch in ((6, 2), (5, 3)):
        assert not torch.equal(one, looks(images, augment, seed, epoch)(torch.arange(COUNT)))
    same = Split(images.images[:1].expand(COUNT, -1, -1).contiguous(), images.labels)
    assert len(looks(same, augment, 5, 2)(torch.arange(COUNT)).unique(dim=0)) > COUNT // 2


@pytest.mark.parametrize("augment", AUGMENTATIONS)
@pytest.mark.parametrize("workers", [2, 3])
def test_workers_share_what_one_process_sees(augment: str, workers: int) -> None:
    """The last batch has one image: the others have none of it."""

    def seen(share: slice) -> list[tuple[torch.Tensor, torch.Tensor]]:
        return list(training_batches(split(), 11, 7, 2, torch.float64, CPU, share=share, augment=augment))

    whole = seen(slice(None))
    for rank in range(workers):
        for (x, t), (mine, labels) in zip(whole, seen(slice(rank, None, workers)), strict=True):
            assert torch.equal(x[rank::workers], mine) and torch.equal(t[rank::workers], labels)


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=2))
def test_whole_pixels_are_looked_up_exactly(shift: list[int]) -> None:
    images = split(3, channels=2).images
    height, width = images.shape[-2:]
    down, right = shift
    rows = (torch.arange(height) - (height - 1) / 2 - down)[None, :, None].expand(3, height, width)
    columns = (torch.arange(width) - (width - 1) / 2 - right)[None, None, :].expand(3, height, width)
    wanted = torch.zeros_like(images)
    wanted[..., max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = images[
        ..., max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)
    ]
    assert torch.equal(looked_up(images, rows, columns), wanted)


def test_affine_against_its_definition() -> None:
    """Of a bright spot the place is known; a turn by less than ANGLE about the centre moves it on a circle."""
    images = torch.zeros(200, 29, 29, dtype=torch.uint8)
    images[:, 14, 22:25] = 255  # right of the centre, 8 to 10 pixels
    seen = looks(Split(images, torch.arange(200)), "affine", 0, 1)(torch.arange(200)).double()
    weight = seen.sum((1, 2))
    rows = (seen.sum(2) @ (torch.arange(29.0).double() - 14)) / weight
    columns = (seen.sum(1) @ (torch.arange(29.0).double() - 14)) / weight
    farthest = 9 * (1 + STRETCH) * math.sin(math.radians(ANGLE)) + REACH
    assert rows.abs().max() < farthest + 0.1 and rows.abs().max() > 0.6 * farthest
    assert columns.max() < 9 * (1 + STRETCH) + REACH + 0.1
    assert columns.min() > 9 * (1 - STRETCH) * math.cos(math.radians(ANGLE)) - REACH - 0.1
    assert columns.max() - columns.min() > 2 and rows.mean().abs() < 0.5
