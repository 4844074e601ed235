"""torchvision's ResNet-18 by hand, through convert and through by_hand: logits, gradients, statistics are torch's."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor
from torchvision.models import resnet18

from manualconv import by_hand, conversion_report, convert, restore
from tests.layers import spread_out
from tests.swap.networks import agree, outcome
from tests.test_by_hand import Operators

IMAGES = (2, 3, 64, 64)


def network(training: bool) -> torch.nn.Module:
    torch.manual_seed(0)
    return resnet18(weights=None).double().train(training)


@cache
def torch_s(training: bool) -> dict[str, Tensor]:
    """What torch's own layers give."""
    return outcome(network(training), spread_out(IMAGES))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("way", ["convert", "by_hand"])
def test_resnet18_by_hand(training: bool, way: str) -> None:
    model = network(training)
    with Operators() as ran:
        if way == "convert":
            ours = outcome(convert(model), spread_out(IMAGES))
        else:
            ours = outcome(model, spread_out(IMAGES), by_hand)
    agree(ours, torch_s(training), 1e-9)
    assert not ran.forbidden


def test_resnet18_converts_whole_and_comes_back() -> None:
    model = resnet18(weights=None)
    state, before = model.state_dict(), [type(m) for m in model.modules()]
    report = conversion_report(convert(model))
    assert report.count("convertible") == 0
    by_hand_now = {entry.type for entry in report if entry.state == "by hand"}
    assert by_hand_now == {"Conv2d", "BatchNorm2d", "Linear", "MaxPool2d", "AdaptiveAvgPool2d", "ReLU"}
    assert sum(entry.type == "Conv2d" for entry in report) == 20
    resnet18(weights=None).load_state_dict(model.state_dict(), strict=True)
    model.load_state_dict(state, strict=True)
    assert [type(m) for m in restore(model).modules()] == before
