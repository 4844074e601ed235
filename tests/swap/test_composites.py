"""Layers made of others, torch's and torchvision's: by hand under by_hand, and their parts by hand after convert."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torchvision import ops

from manualconv import TORCH_LAYERS, by_hand, conversion_report, convert
from tests.layers import spread_out
from tests.networks.attribution import Attribution
from tests.swap.networks import agree, outcome

TEXTS, IMAGES = (5, 2, 8), (2, 4, 6, 5)
Called = Callable[[torch.nn.Module, Tensor], Tensor]


def itself(layer: torch.nn.Module, x: Tensor) -> Tensor:
    """One input, one output."""
    return layer(x)


def twice(layer: torch.nn.Module, x: Tensor) -> Tensor:
    """A second input beside the first."""
    return layer(x, 2 * x)


COMPOSITES: dict[str, tuple[Callable[[], torch.nn.Module], Called, tuple[int, ...]]] = {
    "TransformerEncoderLayer": (lambda: torch.nn.TransformerEncoderLayer(8, 2, 16), itself, TEXTS),
    "batch and norm first": (
        lambda: torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True),
        itself,
        TEXTS,
    ),
    "Transformer": (lambda: torch.nn.Transformer(8, 2, 1, 1, 16), twice, TEXTS),
    "MultiheadAttention": (
        lambda: torch.nn.MultiheadAttention(8, 2, dropout=0.3),
        lambda layer, x: layer(x, x, 2 * x, need_weights=False)[0],
        TEXTS,
    ),
    "with a causal mask": (
        lambda: torch.nn.MultiheadAttention(8, 2, bias=False, add_zero_attn=True),
        lambda layer, x: layer(x, x, x, attn_mask=torch.ones(5, 5).triu(1).bool())[0],
        TEXTS,
    ),
    "LSTMCell": (lambda: torch.nn.LSTMCell(4, 3), lambda layer, x: layer(x, layer(2 * x))[1], (5, 4)),
    "RNNCell": (lambda: torch.nn.RNNCell(4, 3, bias=False), lambda layer, x: layer(x, layer(2 * x)), (5, 4)),
    "GRUCell": (lambda: torch.nn.GRUCell(4, 3), lambda layer, x: layer(x, layer(2 * x)), (5, 4)),
    "GroupNorm": (lambda: torch.nn.GroupNorm(2, 4), itself, IMAGES),
    "InstanceNorm2d": (lambda: torch.nn.InstanceNorm2d(4, affine=True, track_running_stats=True), itself, IMAGES),
    "Conv2dNormActivation": (lambda: ops.Conv2dNormActivation(4, 6, (3, 2), stride=2), itself, IMAGES),
    "SqueezeExcitation": (lambda: ops.SqueezeExcitation(4, 2), itself, IMAGES),
    "StochasticDepth": (lambda: ops.StochasticDepth(0.5, "row"), itself, IMAGES),
    "FrozenBatchNorm2d": (lambda: ops.FrozenBatchNorm2d(4), itself, IMAGES),
    "Permute": (lambda: ops.Permute([0, 2, 3, 1]), itself, IMAGES),
    "MLP": (lambda: ops.MLP(4, [6, 3], norm_layer=torch.nn.LayerNorm, dropout=0.3), itself, (5, 4)),
}


class Holder(torch.nn.Module):
    """A layer and how it is called."""

    def __init__(self, layer: torch.nn.Module, called: Called) -> None:
        super().__init__()
        self.layer, self.called = layer, called

    def forward(self, x: Tensor) -> Tensor:
        return self.called(self.layer, x)


@pytest.mark.parametrize(("make", "called", "shape"), COMPOSITES.values(), ids=COMPOSITES)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
def test_a_composite_is_torch_s_with_its_parts_by_hand(
    make: Callable[[], torch.nn.Module], called: Called, shape: tuple[int, ...], training: bool
) -> None:
    torch.manual_seed(0)
    model, x = Holder(make(), called).double().train(training), spread_out(shape)
    results, watched = [], []
    for way in ("torch", "by_hand", "convert"):
        watched.append(Attribution())
        torch.manual_seed(1)
        with watched[-1].over(convert(model) if way == "convert" else model):
            results.append(outcome(model, x, by_hand) if way == "by_hand" else outcome(model, x))
        agree(results[-1], results[0])
    assert not watched[1].calls
    assert not {call for call in watched[2].calls if call[0] in TORCH_LAYERS}


def test_a_sequence_under_another_name_is_no_layer_to_report() -> None:
    model = torch.nn.Sequential(ops.Conv2dNormActivation(4, 6, 3), ops.Permute([0, 2, 3, 1]))
    report = conversion_report(convert(model))
    assert [(entry.name, entry.state) for entry in report] == [
        ("0.0", "by hand"),
        ("0.1", "by hand"),
        ("0.2", "by hand"),
        ("1", "left"),
    ]

    class Counting(torch.nn.Sequential):
        """A sequence with code of its own."""

        def forward(self, x: Tensor) -> Tensor:
            return torch.tanh(super().forward(x))

    assert [entry.reason for entry in conversion_report(Counting())] == ["code of its own"]
