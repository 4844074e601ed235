"""Every module is torch's in all but arithmetic: with the catalogue's arguments, and with each option that it has."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from manualconv import nn
from tests.layers import LAYERS, Layer, spread_out
from tests.nn.twin import alike, twins

#: What a module may be asked for, by the name of the argument.
OPTIONS: dict[str, tuple[Any, ...]] = {
    "inplace": (True,),
    "bias": (False,),
    "affine": (False,),
    "elementwise_affine": (False,),
    "track_running_stats": (True, False),
    "momentum": (None, 0.3),
    "ceil_mode": (True,),
    "count_include_pad": (False,),
    "divisor_override": (5,),
    "return_indices": (True,),
    "reduction": ("sum", "none"),
    "label_smoothing": (0.3,),
    "padding_mode": ("circular",),
    "approximate": ("tanh",),
}


def forms() -> Iterator[tuple[str, Layer]]:
    """Each module that torch has too, plain and with one option."""
    for name, layer in LAYERS.items():
        if not hasattr(torch.nn, name):
            continue
        yield name, layer
        signature = inspect.signature(getattr(torch.nn, name))
        given = signature.bind(*layer.arguments, **layer.options).arguments
        for option in filter(OPTIONS.__contains__, signature.parameters):
            for value in OPTIONS[option]:
                if not (option == "padding_mode" and "Transpose" in name):  # which torch refuses
                    yield f"{name}, {option}={value}", replace(layer, arguments=(), options={**given, option: value})


FORMS = dict(forms())
EVERY = pytest.mark.parametrize("layer", FORMS.values(), ids=FORMS)


@EVERY
def test_a_module_is_torch_s_in_all_but_arithmetic(layer: Layer) -> None:
    if not layer.name.startswith("Lazy"):  # which has no parameters yet: test_linear.py
        twins(layer.name, *layer.arguments, **layer.options)
    # torch multiplies by a sixth of single precision in hardsigmoid's slope.
    for training in (True, False):
        modules = [module.train(training) for module in layer.make()]
        alike(modules, layer.image(), room=2e-8 if layer.name == "Hardsigmoid" else 1e-12)


@pytest.mark.parametrize("name", [name for name in FORMS if name.endswith("inplace=True") and "ropout" not in name])
def test_a_layer_may_overwrite_a_convolution_s_output(name: str) -> None:
    layer = FORMS[name]
    model = nn.Sequential(nn.Conv2d(2, 3, 2), getattr(nn, layer.name)(**layer.options))
    model(spread_out((2, 2, 4, 3)).float()).sum().backward()
    assert model[0].weight.grad.abs().sum() > 0
