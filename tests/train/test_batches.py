"""What an epoch sees depends on (seed, epoch) and on nothing else."""

import pytest
import torch

from tests.layers import rounded
from train.augmentation import REACH, shifted
from train.batches import (
    DEVIATION,
    INK,
    MEAN,
    PAPER,
    framed,
    plain_batches,
    standardised,
    training_batches,
)
from train.data import Split

CPU = torch.device("cpu")


def split(count: int = 50) -> Split:
    images = torch.randint(0, 256, (count, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    return Split(images, torch.arange(count))


def epoch(seed: int, number: int, batch_size: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    batches = list(training_batches(split(), batch_size, seed, number, torch.float64, CPU))
    return torch.cat([x for x, _ in batches]), torch.cat([t for _, t in batches])


def test_an_epoch_is_a_function_of_seed_and_number() -> None:
    x, t = epoch(5, 2)
    torch.manual_seed(99)  # the global generator must not matter
    again, same = epoch(5, 2)
    assert torch.equal(x, again)
    assert torch.equal(t, same)
    for other in (epoch(6, 2), epoch(5, 3)):
        assert not torch.equal(t, other[1])


def test_an_epoch_shows_every_image_once() -> None:
    sizes = [len(t) for _, t in training_batches(split(), 8, 0, 1, torch.float32, CPU)]
    assert sizes == [8] * 6 + [2]
    assert torch.equal(epoch(0, 1)[1].sort().values, torch.arange(50))


def test_the_batch_size_changes_no_image() -> None:
    assert torch.equal(epoch(0, 1, 8)[0], epoch(0, 1, 50)[0])


def test_shifts_against_their_definition() -> None:
    images = split(4).images
    corners = torch.tensor([[REACH, REACH], [0, 0], [2 * REACH, 0], [1, 3]])
    for image, (down, right), moved in zip(images, corners.tolist(), shifted(images, corners), strict=True):
        for row in range(28):
            for column in range(28):
                source = (row + down - REACH, column + right - REACH)
                inside = all(0 <= coordinate < 28 for coordinate in source)
                assert moved[row, column] == (image[source] if inside else 0)


def test_plain_batches_are_standardised_and_in_order() -> None:
    data = split()
    x, t = (torch.cat(parts) for parts in zip(*plain_batches(data, 7, torch.float64, CPU), strict=True))
    assert torch.equal(t, data.labels)
    torch.testing.assert_close(x, (data.images.double().unsqueeze(1) / 255 - MEAN) / DEVIATION)


def test_frames_and_levels_of_the_article() -> None:
    images = torch.zeros(2, 28, 28, dtype=torch.uint8)
    images[0, 0, 27], images[1, 5, 6] = 255, 51
    x = framed(images, torch.float64, CPU)
    assert x.shape == (2, 1, 32, 32)
    assert x[0, 0, 2, 29].item() == pytest.approx(INK)
    assert x[1, 0, 7, 8].item() == pytest.approx(PAPER + 0.2 * (INK - PAPER))
    assert int((x != PAPER).sum()) == 2
    assert framed(images, torch.float32, CPU).dtype == torch.float32


def test_a_network_s_own_scale_changes_the_levels_and_nothing_else() -> None:
    ours, theirs = (
        list(training_batches(split(), 8, 0, 1, torch.float64, CPU, scale)) for scale in (framed, standardised)
    )
    for (x, t), (y, u) in zip(ours, theirs):
        assert torch.equal(t, u)
        pixels = (y * DEVIATION + MEAN) * (INK - PAPER) + PAPER
        torch.testing.assert_close(x[:, :, 2:-2, 2:-2], pixels)
    plain = torch.cat([x for x, _ in plain_batches(split(), 7, torch.float64, CPU, framed)])
    rounded(plain, framed(split().images, torch.float64, CPU))
