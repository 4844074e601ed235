"""torchvision's ResNet-18 is converted whole; tests/test_networks.py compares what it computes with torch's own."""

from __future__ import annotations

from torchvision.models import resnet18

from manualconv import conversion_report, convert, restore


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
