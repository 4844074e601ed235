"""Whole networks by hand: the fastest of ``python -m tests.networks``, and that the command sees what is wrong."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision import models

from manualconv import by_hand, convert
from manualconv.swap.layer import LayerMode
from tests.layers import spread_out
from tests.networks.attribution import Attribution
from tests.networks.catalogue import NETWORKS, Network
from tests.networks.comparison import (
    ROUNDING,
    ExactSlopes,
    Row,
    Run,
    both_modes,
    compare,
    hollow,
    judge,
    loads_both_ways,
    named,
)

FASTEST = ("squeezenet1_1", "shufflenet_v2_x0_5", "mobilenet_v3_small", "resnet18")


@pytest.mark.parametrize("name", FASTEST)
def test_a_network_is_torch_s_by_hand_in_training_and_evaluation(name: str) -> None:
    for row in both_modes(name):
        assert not row.complaints, row.complaints
        assert name != "resnet18" or max(row.logits, row.gradients, row.statistics) <= 1e-9
        assert row.forbidden["by_hand"] == row.forbidden["convert"] == 0


@pytest.mark.parametrize("kind", ["segmentation", "detection", "video", "optical_flow", "quantization", ""])
def test_every_family_of_torchvision_s_is_listed(kind: str) -> None:
    """A family is a file of torchvision's: each is met by one of the networks at least."""
    part = getattr(models, kind) if kind else models
    every = {models.get_model_builder(name).__module__ for name in models.list_models(part)}
    listed = {models.get_model_builder(name).__module__ for name in set(models.list_models(part)) & set(NETWORKS)}
    assert every and listed == every
    assert set(NETWORKS) <= set(models.list_models())


@pytest.mark.parametrize("output", ["empty", "zero", "untouched", "none"])
def test_a_run_that_compares_nothing_is_said(output: str) -> None:
    """A detector without boxes, or images that no output depends on, would be right in any implementation."""
    watched = Attribution()
    if output != "none":
        watched.calls[None, "aten.convolution.default"] = 1
    boxes = {"empty": torch.zeros(0, 4), "zero": torch.zeros(2, 4)}.get(output, torch.ones(2, 4))
    images = {} if output == "untouched" else {"images": torch.ones(2)}
    run = Run({"0.boxes": boxes, "0.scores": torch.ones(2)}, images, {}, watched)
    said = {"empty": "0.boxes", "zero": "0.boxes", "untouched": "the gradient of the images", "none": "no layer ran"}
    assert hollow(run) == [said[output]]


def test_outputs_are_named_however_they_are_packed() -> None:
    a, b = torch.ones(1), torch.ones(2)
    assert named(a) == {"logits": a}
    assert named([a, b]) == {"0": a, "1": b}
    assert named([{"boxes": a}, {"boxes": b}]) == {"0.boxes": a, "1.boxes": b}
    assert named({"out": a, "aux": None}) == {"out": a}


def test_hardsigmoid_is_differentiated_in_the_tensor_s_precision() -> None:
    x = spread_out((2, 5, 4)).requires_grad_()
    torch_s = torch.autograd.grad(F.hardsigmoid(x).sum(), x)[0]
    with ExactSlopes():
        y = F.hardsigmoid(x)
    slopes = torch.autograd.grad(y.sum(), x)[0]
    torch.testing.assert_close(y, F.hardsigmoid(x), rtol=1e-15, atol=0)
    torch.testing.assert_close(slopes, torch.full_like(x, 1 / 6), rtol=1e-15, atol=0)
    # Once torch's own is right, `ExactSlopes` can go.
    assert float((6 * torch_s - 1).abs().max()) > 1e-8


# ------------------------------------------------------------------------------- whose a forbidden operator is


class Between(torch.nn.Module):
    """A network that calls torch between its layers, and after the last."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Conv2d(2, 2, 1), torch.nn.Conv2d(2, 2, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"out": torch.tanh(self.second(F.avg_pool2d(self.first(x), 2)))}


def attributed(model: torch.nn.Module, around: Callable[[], Any] = torch.enable_grad) -> dict[tuple[str, str], int]:
    """Forbidden operators by module in one step of a model, and a loss around it that is one itself."""
    watched = Attribution()
    with watched.over(model), around():
        y = model(spread_out((1, 2, 4, 4)).requires_grad_())["out"]
        torch.sigmoid(y).sum().backward()
    assert watched.operators
    return {(owner.__name__ if owner else "", name.split(".")[1]): n for (owner, name), n in watched.calls.items()}


def test_calls_between_layers_are_the_network_s_own_and_the_loss_is_nobody_s() -> None:
    own = {("Between", "avg_pool2d"): 1, ("Between", "avg_pool2d_backward"): 1, ("Between", "tanh_backward"): 1}
    loss = {("", "sigmoid_backward"): 1}
    model = Between().double()
    assert attributed(model) == {**own, **loss, ("Conv2d", "convolution"): 2, ("Conv2d", "convolution_backward"): 2}
    assert attributed(convert(model)) == {**own, **loss}
    assert attributed(model, by_hand) == {}


def test_a_converted_layer_that_runs_torch_s_is_caught_forward_and_backward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        LayerMode, "__torch_function__", lambda self, func, types, args, kwargs=None: func(*args, **kwargs or {})
    )
    calls = attributed(convert(Between().double()))
    assert calls["Conv2d", "convolution"] == calls["Conv2d", "convolution_backward"] == 2
    row = compare(Network("squeezenet1_1"), NETWORKS["squeezenet1_1"].build(), False)
    assert row.forbidden["convert"] > 0 == row.forbidden["by_hand"]
    assert any("convert: aten.convolution_backward.default in Conv2d ran" in said for said in row.complaints)


# ------------------------------------------------------------------------------------------ what is an error


def judged(ours: dict[str, Tensor], theirs: dict[str, Tensor], kind: str = "gradients") -> Row:
    """The row of two runs that differ in tensors of one kind."""
    runs = [Run({}, {}, {}, Attribution()) for _ in range(2)]
    for run, tensors in zip(runs, (ours, theirs)):
        setattr(run, kind, tensors)
    row = Row("", "train")
    judge(row, "way", *runs)
    return row


@pytest.mark.parametrize("kind", ["outputs", "gradients", "buffers"])
def test_tensors_are_measured_by_their_own_size_and_vanishing_ones_by_the_largest(kind: str) -> None:
    theirs = {"large": torch.tensor([1e3, 1.0]).double(), "small": torch.tensor([1e-3, 0.0]).double()}
    vanishing = torch.tensor([0.1 * ROUNDING * 1e3]).double()
    exact = judged(theirs, theirs, kind)
    assert not exact.complaints and exact.rounding == 0
    off = judged({**theirs, "small": theirs["small"] * (1 + 1e-6)}, theirs, kind)
    assert len(off.complaints) == 1 and "small differs by 1.0e-06" in off.complaints[0]
    zero = judged({**theirs, "none": -vanishing}, {**theirs, "none": vanishing}, kind)
    assert not zero.complaints and zero.rounding == (kind == "gradients")
    assert judged({**theirs, "none": vanishing + 1e-4}, {**theirs, "none": vanishing}, kind).complaints


def test_nan_other_shapes_other_dtypes_and_missing_tensors_are_errors() -> None:
    theirs = {"a": torch.ones(2).double(), "b": torch.ones(3).double(), "n": torch.tensor(4)}
    for wrong in (
        {**theirs, "b": torch.tensor([1, torch.nan, 1]).double()},
        {**theirs, "b": torch.ones(1).double()},
        {**theirs, "b": torch.ones(3)},
        {**theirs, "n": torch.tensor(5)},
        {"a": theirs["a"]},
    ):
        assert len(judged(wrong, theirs).complaints) == 1


def test_a_slope_off_by_a_millionth_and_an_exception_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network("squeezenet1_1")
    model = network.prepared()
    right = LayerMode.__torch_function__

    def steep(self: LayerMode, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        y = right(self, func, types, args, kwargs)
        return y + (1e-6 * args[0] - 1e-6 * args[0].detach()) if func is F.relu else y

    monkeypatch.setattr(LayerMode, "__torch_function__", steep)
    row = compare(network, model, True)
    assert row.gradients > 1e-7 and row.logits < 1e-12
    assert all(said.startswith("convert: gradients: ") for said in row.complaints) and row.complaints
    monkeypatch.setattr(LayerMode, "__torch_function__", lambda *_: 1 / 0)
    assert compare(network, model, True).complaints == ["convert: ZeroDivisionError: division by zero"]


@pytest.mark.parametrize("more", ["ours", "torch's"])
def test_a_state_that_does_not_load_is_said(monkeypatch: pytest.MonkeyPatch, more: str) -> None:
    network = Network("squeezenet1_1")
    model = network.build()
    assert loads_both_ways(network, model) == []
    if more == "ours":
        model.register_buffer("more", torch.ones(1))
    else:
        twin = network.build()
        twin.register_buffer("more", torch.ones(1))
        monkeypatch.setattr(Network, "build", lambda self: twin)
    assert {said.split(":")[0] for said in loads_both_ways(network, model)} == {
        "ours into torch's",
        "torch's into ours",
    }
