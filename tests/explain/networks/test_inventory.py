"""``manualconv summary``: published counts, torch's own counter, and every parameter in a row or named."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torchvision import models

import manualconv
from manualconv.cli import main
from manualconv.explain import summary

#: Parameters and multiply-adds of one image of 224×224 that torchvision's documentation lists beside the weights.
PUBLISHED = {
    "resnet18": (11_689_512, 1.81),
    "mobilenet_v2": (3_504_872, 0.30),
    "vit_b_16": (86_567_656, 17.56),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_counts_come_out(name: str) -> None:
    with torch.device("meta"):
        model = models.get_model(name, weights=None)
    parameters, billions = PUBLISHED[name]
    lines = summary(model, 224).text.splitlines()
    total = next(line for line in lines if line.startswith("total")).split()
    assert total[1] == f"{parameters:,}"
    assert round(int(total[2].replace(",", "")) / 1e9, 2) == billions


def test_a_convolution_beside_a_dense_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert "456        352,800                5        14,450,688" in summary(nn.Conv2d(3, 6, 5), 32).text
    assert main(["summary", "vgg16", "--input", "224"]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1].split() == ["total", "14,714,688", "15,346,630,656"]


def test_each_parameter_is_counted_once_or_named() -> None:
    class Odd(nn.Module):
        """A shared layer, a weight that is computed, a layer that does not run, a parameter of its own."""

        def __init__(self) -> None:
            super().__init__()
            self.shared, self.idle = nn.Conv2d(2, 2, 3, padding=1), nn.Linear(7, 9)
            self.normed = parametrizations.weight_norm(nn.Conv2d(2, 4, 1))
            self.norm, self.scale = nn.BatchNorm2d(4), nn.Parameter(torch.ones(4, 1, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.norm(self.normed(self.shared(self.shared(x)))) * self.scale

    text = summary(Odd(), 8).text
    rows = [line.split() for line in text.splitlines()[1:]]
    by_name = {cells[0]: cells for cells in rows}
    assert by_name["shared"][3] == "38" and by_name["shared#2"][3] == "2,304"
    assert by_name["normed.conv2d"][3] == "4" and by_name["norm"][3] == "8" and by_name["mul"][3] == "4"
    # weight_norm has a length for each filter and the direction, 4 + 8.
    assert text.endswith("in the total, but of no row: 84 parameters of idle, normed.parametrizations.weight")
    assert by_name["total"][1] == str(38 + 4 + 12 + 8 + 4 + 72)


def test_a_second_pass_with_numbers_is_not_counted_too() -> None:
    class Asking(nn.Conv2d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) * float(x.abs().max())

    model = nn.Sequential(nn.Conv2d(1, 1, 3), Asking(1, 1, 3))
    assert summary(model, 8).text.splitlines()[-1].split() == ["total", "20", f"{9 * (36 + 16):,}"]


def test_ours_count_as_torch_s() -> None:
    def network(library: object) -> nn.Sequential:
        names = ("Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear")
        convolution, rectifier, pooling, flatten, linear = (getattr(library, name) for name in names)
        return nn.Sequential(convolution(1, 6, 5, padding=2), rectifier(), pooling(2), flatten(), linear(1176, 10))

    assert summary(network(manualconv.nn), 28).text == summary(network(nn), 28).text


def test_a_pass_that_was_begun_twice_is_counted_once() -> None:
    """The first pass, on shapes alone, stops at the condition behind the convolution."""

    class Asking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.conv(x)
            return y if float(y.sum()) > 0 else -y

    assert next(line for line in summary(Asking(), 8).text.splitlines() if line.startswith("total")).split()[2] == "324"
