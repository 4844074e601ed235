"""set_rules: the derivatives of one layer, or of every layer in a model."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import torch
from torch import Tensor
from torch.autograd import grad
from torch.utils.checkpoint import checkpoint

from manualconv import Rules, exact_bias, exact_input, exact_weight, nn, set_rules
from manualconv.geometry import Window
from tests.layers import MODULES, close, spread_out

SHAPE = (2, 3, 6, 5)


def twice(x: Tensor, w: Tensor, g: Tensor, window: Window) -> Tensor:
    """2 b̄."""
    return 2 * exact_bias(x, w, g, window)


def thrice(x: Tensor, w: Tensor, g: Tensor, window: Window) -> Tensor:
    """3 b̄."""
    return 3 * exact_bias(x, w, g, window)


def fourfold(x: Tensor, w: Tensor, g: Tensor, window: Window) -> Tensor:
    """4 w̄."""
    return 4 * exact_weight(x, w, g, window)


def model() -> nn.Sequential:
    """Layers at two depths: 0, then 2.0 and 2.1, then 4."""
    inner = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ConvTranspose2d(4, 3, (2, 1)))
    layers = (nn.Conv2d(3, 4, (3, 2), padding=1), nn.Tanh(), inner, nn.Flatten(), nn.Linear(126, 2))
    net = nn.Sequential(*layers).double()
    for n, p in enumerate(net.parameters()):
        p.data.copy_(spread_out(p.shape, n) / 4)
    return net


def slopes(net: torch.nn.Module) -> dict[str, Tensor]:
    """The gradient of every parameter."""
    return dict(zip(dict(net.named_parameters()), grad(net(spread_out(SHAPE)).sum(), list(net.parameters()))))


def factors(net: torch.nn.Module) -> dict[str, float]:
    """How often the exact gradient each parameter's is."""
    exact = slopes(set_all_exact(copy.deepcopy(net)))
    return {name: float((g / exact[name]).nanmean().round(decimals=9)) for name, g in slopes(net).items()}


def set_all_exact(net: torch.nn.Module) -> torch.nn.Module:
    """A model without rules, made from its parameters alone."""
    fresh = model()
    fresh.load_state_dict(net.state_dict())
    return fresh


BIASES, WEIGHTS = ([f"{at}.{kind}" for at in ("0", "2.0", "2.1", "4")] for kind in ("bias", "weight"))


def expected(replaced: dict[str, float]) -> dict[str, float]:
    """1 for every parameter but those named."""
    return dict.fromkeys((*BIASES, *WEIGHTS), 1.0) | replaced


def test_a_layer_s_own_rules_go_before_its_model_s_whatever_was_set_first() -> None:
    for own_first in (True, False):
        net = model()
        for step in (0, 1) if own_first else (1, 0):
            if step == 0:
                set_rules(net[2][0], bias=thrice)
            else:
                assert set_rules(net, bias=twice, weight=fourfold) is net
        assert factors(net) == dict.fromkeys(WEIGHTS, 4.0) | dict.fromkeys(BIASES, 2.0) | {"2.0.bias": 3.0}


def test_the_innermost_model_s_rules_hold_and_each_is_taken_away_alone() -> None:
    net = model()
    set_rules(net[2], bias=thrice)
    set_rules(net, bias=twice)
    assert factors(net) == expected({"0.bias": 2, "4.bias": 2, "2.0.bias": 3, "2.1.bias": 3})
    set_rules(net[2])
    assert factors(net) == expected(dict.fromkeys(BIASES, 2.0))
    set_rules(net[2], bias=thrice)
    set_rules(net)
    assert factors(net) == expected({"2.0.bias": 3, "2.1.bias": 3})
    set_rules(net[2])
    assert factors(net) == expected({})
    assert all(vars(a).keys() == vars(b).keys() for a, b in zip(net.modules(), model().modules()))


def test_a_model_s_rules_go_before_the_block_s_slot_by_slot() -> None:
    net = set_rules(model(), bias=twice)
    exact = slopes(model())
    with Rules(bias=thrice, weight=fourfold):
        y = net(spread_out(SHAPE)).sum()
    for (name, p), g in zip(net.named_parameters(), grad(y, list(net.parameters()))):
        close(g, (2 if p.dim() == 1 else 4) * exact[name])


def test_rules_are_copied_and_pickled_with_the_layer_and_leave_its_state_alone() -> None:
    net = set_rules(model(), bias=twice)
    assert net.state_dict().keys() == model().state_dict().keys()
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), torch.load(file, weights_only=False)):
        assert factors(other) == factors(net) != expected({})
        set_rules(other)
        assert factors(other) == expected({})
    assert factors(net) != expected({})


@pytest.mark.parametrize("reentrant", [True, False])
def test_activation_checkpointing_keeps_the_model_s_rules(reentrant: bool) -> None:
    net = set_rules(model(), bias=twice, weight=fourfold)
    expected_slopes = list(slopes(net).values())
    x = spread_out(SHAPE).requires_grad_()
    checkpoint(net, x, use_reentrant=reentrant).sum().backward()
    close([p.grad for p in net.parameters()], expected_slopes)


def test_compiled_modules_follow_their_rules() -> None:
    torch._dynamo.reset()
    net = model()
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
    for rules in ({}, {"bias": twice, "input": exact_input}, {"weight": fourfold}, {}):
        set_rules(net, **rules)
        got = grad(compiled(spread_out(SHAPE)).sum(), list(net.parameters()))
        close(list(got), list(slopes(net).values()))


#: Layers with parameters whose map is not the convolution's, which is what a rule is about.
WITHOUT_RULES = {"Subsample1d", "Subsample2d", "Subsample3d", *(name for name in MODULES if "Norm" in name)}


def test_every_layer_with_a_weight_takes_rules() -> None:
    """A rule that nobody would call must not be accepted, and a layer that has a slot must take one."""
    for name, (make, shape) in MODULES.items():
        module = make().double()
        if not any(isinstance(p, torch.Tensor) for p in module.parameters()):
            continue
        if name in WITHOUT_RULES:
            with pytest.raises(TypeError, match="no layer that takes derivative rules"):
                set_rules(module, weight=exact_weight)
            continue
        called: list[str] = []

        def count(x: Tensor, w: Tensor, g: Tensor, window: Window, called: list[str] = called) -> Tensor:
            called.append("weight")
            return exact_weight(x, w, g, window)

        set_rules(module, weight=count)
        module(spread_out(shape)).sum().backward()
        assert called == ["weight"], name


def test_a_model_without_such_layers_is_refused() -> None:
    with pytest.raises(TypeError, match=r"set_rules\(\): Sequential has no layer that takes derivative rules"):
        set_rules(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), nn.ReLU()), bias=twice)
    with pytest.raises(TypeError, match=r"Rules\(\): bias must be a function"):
        set_rules(model(), bias=2)
