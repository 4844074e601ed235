"""Subsample: two numbers a channel, kept, printed and started like those of torch's layers."""

import math

import pytest
import torch
from torch import Tensor

import manualconv
from manualconv import functional, nn
from tests.layers import rounded, spread_out

LAYERS = {"Subsample1d": (1, (3, 3, 8)), "Subsample2d": (2, (3, 3, 8, 6)), "Subsample3d": (3, (3, 3, 4, 6, 5))}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("bias", [True, False])
def test_the_module_is_its_function(name: str, bias: bool) -> None:
    ndim, shape = LAYERS[name]
    layer = getattr(nn, name)(3, 2, 3, bias=bias, dtype=torch.float64)
    assert list(layer.state_dict()) == (["weight", "bias"] if bias else ["weight"])
    x = spread_out(shape)
    function = getattr(functional, f"subsample{ndim}d")
    rounded(layer(x), function(x, layer.weight, layer.bias, 2, 3))


def test_it_starts_as_the_depthwise_convolution_with_equal_taps() -> None:
    torch.manual_seed(0)
    layer = nn.Subsample2d(4000, (3, 2))
    bound = 1 / math.sqrt(6)
    for p in layer.parameters():
        assert p.shape == (4000,)
        assert p.abs().max() <= bound
        assert p.abs().max() > 0.99 * bound
        assert abs(p.mean()) < 0.03
    kept = layer.weight.clone()
    layer.reset_parameters()
    assert not torch.equal(layer.weight, kept)


def test_what_it_prints() -> None:
    assert repr(nn.Subsample2d(6, 2)) == "Subsample2d(6, kernel_size=(2, 2), stride=(2, 2), activation=sigmoid)"
    bare = nn.Subsample1d(6, 3, 2, bias=False, activation=None)
    assert repr(bare) == "Subsample1d(6, kernel_size=(3,), stride=(2,), bias=False, activation=None)"
    assert "(activation): Tanh()" in repr(nn.Subsample3d(6, 2, activation=nn.Tanh()))


def scaled_tanh(u: Tensor) -> Tensor:
    """LeNet-5's of 1998."""
    return 1.7159 * functional.tanh(u * (2 / 3))


def test_other_activations() -> None:
    x = spread_out((2, 3, 4, 4))
    plain = nn.Subsample2d(3, 2, activation=None, dtype=torch.float64)
    for activation in (scaled_tanh, nn.Tanh(), torch.nn.Identity()):
        layer = nn.Subsample2d(3, 2, activation=activation, dtype=torch.float64)
        layer.load_state_dict(plain.state_dict())
        rounded(layer(x), activation(plain(x)))


def test_shapes_without_data() -> None:
    layer = nn.Subsample2d(3, 2, device="meta")
    assert layer(torch.empty(2, 3, 7, 4, device="meta")).shape == (2, 3, 3, 2)


def test_convert_and_restore_leave_it() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), nn.Subsample2d(3, 2))
    layer = model[1]
    assert manualconv.restore(manualconv.convert(model))[1] is layer
    assert type(layer) is nn.Subsample2d
    states = {entry.type: entry.state for entry in manualconv.conversion_report(model)}
    assert states["Subsample2d"] == "by hand"
