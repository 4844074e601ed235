"""The networks of the notes' drawings, with any number of maps."""

import pytest
import torch

from tests.train.models.twins import assert_one_step_is_the_same, cross_entropy, parameters
from train.models import conv_pool, sub_sampled


def test_four_maps_then_eight() -> None:
    network = conv_pool(torch.nn)
    assert parameters(network) == [4 * 26, 8 * (4 * 25 + 1), (8 * 16 + 1) * 64, 65 * 10]
    assert network(torch.zeros(3, 1, 28, 28)).shape == (3, 10)


@pytest.mark.parametrize(("maps", "hidden", "classes", "size", "channels"), [((2, 3), 5, 4, (17, 22), 3)])
def test_the_numbers_are_arguments(
    maps: tuple[int, int], hidden: int, classes: int, size: tuple[int, int], channels: int
) -> None:
    network = conv_pool(torch.nn, maps, hidden, classes, size, channels)
    assert parameters(network) == [2 * 76, 3 * 51, (3 * 1 * 2 + 1) * 5, 6 * 4]  # 17 → 13 → 6 → 2 → 1, 22 → … → 2
    assert network(torch.zeros(2, 3, 17, 22)).shape == (2, 4)


def test_images_too_small_are_named() -> None:
    with pytest.raises(ValueError, match="images of 15×28 leave nothing after 2 convolutions"):
        conv_pool(torch.nn, size=(15, 28))
    conv_pool(torch.nn, size=(16, 16))


def test_one_step_by_hand_is_torch_s() -> None:
    x, t = torch.randn(4, 1, 20, 17, dtype=torch.float64), torch.randint(3, (4,))
    assert_one_step_is_the_same(lambda layers: conv_pool(layers, (2, 3), 7, 3, size=(20, 17)), x, cross_entropy(t))


def test_three_maps_twice_then_dense() -> None:
    network = sub_sampled(torch.nn)
    assert parameters(network) == [3 * 26, 6, 3 * 76, 6, (3 * 16 + 1) * 10]
    assert [type(layer).__name__ for layer in network] == ["Conv2d", "Subsample2d"] * 2 + ["Flatten", "Linear"]
    assert network(torch.zeros(3, 1, 28, 28)).shape == (3, 10)


@pytest.mark.parametrize(
    ("maps", "counts"),
    [((4,), [4 * 51, 8, (4 * 18 * 21 + 1) * 3]), ((2, 5, 3), [2 * 51, 4, 5 * 51, 10, 3 * 126, 6, (3 * 1 * 2 + 1) * 3])],
)
def test_any_number_of_pairs(maps: tuple[int, ...], counts: list[int]) -> None:
    network = sub_sampled(torch.nn, maps, classes=3, size=(40, 47), channels=2)
    assert parameters(network) == counts
    assert network(torch.zeros(2, 2, 40, 47)).shape == (2, 3)


def test_one_step_of_c_s_c_s_by_hand_is_torch_s() -> None:
    x, t = torch.randn(4, 1, 20, 17, dtype=torch.float64), torch.randint(3, (4,))
    assert_one_step_is_the_same(lambda layers: sub_sampled(layers, (2, 3), 3, size=(20, 17)), x, cross_entropy(t))
