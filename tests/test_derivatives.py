"""set_rules: the derivatives of one layer, or of every layer in a model."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import Tensor
from torch.autograd import grad
from torch.utils.checkpoint import checkpoint

import manualconv
from manualconv import Rules, exact_bias, exact_input, exact_weight, functional, nn, set_rules
from manualconv.geometry import Window
from tests.layers import COPIES, MODULES, close, spread_out

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
    for copied in COPIES:
        other = copied(net)
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


def scaled(x: Tensor, g: Tensor, *_: object) -> Tensor:
    """A rule for a slope and for a pool."""
    return g.sum() * x


def mixed(library: object) -> torch.nn.Module:
    """Layers with each slot, and some with none."""
    of = library.Conv2d(1, 2, 3), library.ReLU(inplace=True), library.MaxPool2d(2), library.BatchNorm2d(2)
    return torch.nn.Sequential(*of, library.AdaptiveAvgPool2d(2), library.Flatten(), library.Sigmoid()).double().eval()


def test_each_layer_of_a_model_takes_the_rules_of_its_own_slots_ours_converted_and_restored() -> None:
    x = spread_out((2, 1, 8, 8)).requires_grad_()
    results = []
    ours = mixed(nn)
    theirs = manualconv.convert(mixed(torch.nn))
    theirs.load_state_dict(ours.state_dict())
    for net in (ours, theirs):
        exact = grad(net(x).sum(), x)[0]
        set_rules(net, weight=fourfold, slope=scaled, pool=scaled)
        results.append(grad(net(x).sum(), [x, net[0].weight]))
        for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
            close(grad(twin(x).sum(), x)[0], results[-1][0])
        manualconv.restore(net)
        close(grad(net(x).sum(), x)[0], exact)
        manualconv.convert(net)
        close(grad(net(x).sum(), [x, net[0].weight]), results[-1])
        reasons = {entry.type: entry.reason for entry in manualconv.conversion_report(net)}
        assert reasons["ReLU"].endswith("manualconv.nn.ReLU, rules=(slope=scaled)")
        assert reasons["Conv2d"].endswith(", rules=(weight=fourfold)") and "rules" not in reasons["BatchNorm2d"]
        set_rules(net)
        close(grad(net(x).sum(), x)[0], exact)
    close(*results)


def test_a_repr_shows_rules_and_ties_and_is_torch_s_without() -> None:
    net = set_rules(mixed(nn), weight=fourfold, slope=scaled, pool=FixedRule())
    net.append(nn.MaxPool2d(2, ties="split"))
    said = [repr(layer) for layer in net]
    assert said[0] == "Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), rules=(weight=fourfold))"
    assert said[1:3] == [
        "ReLU(inplace=True, rules=(slope=scaled))",
        f"{repr(nn.MaxPool2d(2))[:-1]}, rules=(pool=FixedRule))",
    ]
    assert said[6] == "Sigmoid(rules=(slope=scaled))"
    assert said[7] == "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False, ties='split')"
    assert repr(set_rules(net[:7])) == repr(mixed(torch.nn))
    assert (
        repr(Rules(weight=fourfold, slope=scaled)) == "Rules(weight=fourfold, slope=scaled)"
        and repr(Rules()) == "Rules()"
    )


class FixedRule:
    """A rule that is no function."""

    def __call__(self, x: Tensor, grad_output: Tensor, window: object) -> Tensor:
        return x


def test_every_layer_with_a_slope_or_a_window_takes_a_rule_for_it_and_no_other_does() -> None:
    for name, (make, shape) in MODULES.items():
        if name.startswith(("Subsample", "BCELoss")):  # they hold an activation that takes a rule
            continue
        module = make().double()
        slot = "slope" if name in vars(torch.nn.modules.activation) | {"ScaledTanh": 0} else "pool"
        if "softm" in name.lower() or not ("Pool" in name or slot == "slope") or "Frac" in name:
            with pytest.raises(
                TypeError, match="no layer that takes derivative rules for slope, that is an activation"
            ):
                set_rules(module, slope=scaled)
            continue
        set_rules(module, **{slot: scaled})
        x = spread_out(shape).requires_grad_()
        y = module(x)
        close(grad(y.sum(), x)[0], x * y.numel())


def test_compiled_models_follow_rules_of_every_slot_ours_and_converted() -> None:
    images = spread_out((2, 1, 8, 8)).requires_grad_()
    correlating = {"bias": twice, "input": exact_input, "weight": fourfold}
    every = {**correlating, "slope": scaled, "pool": scaled}
    nets = (
        (model(), spread_out(SHAPE), correlating),
        (mixed(nn), images, every),
        (manualconv.convert(mixed(torch.nn)), images, every),
    )
    for net, x, rules in nets:
        torch._dynamo.reset()
        compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
        inputs = [*net.parameters(), *([x] if x.requires_grad else [])]
        for now in ({}, rules, {}):  # whichever rule were lost, a gradient would differ
            set_rules(net, **now)
            results = [grad(apply(x).sum(), inputs) for apply in (compiled, net)]
            torch.testing.assert_close(*results, rtol=1e-12, atol=1e-12)


def test_mistakes_are_refused_with_the_slots_there_are() -> None:
    for make in (Rules, lambda **rules: set_rules(model(), **rules)):
        with pytest.raises(
            TypeError, match=r"no slot 'wieght'; the slots are input, weight, bias: a function of \(x, w, "
        ):
            make(wieght=fourfold)
        with pytest.raises(TypeError, match=r"slope: a function of \(z, grad_output\), of an activation; pool: "):
            make(slop=scaled)
        with pytest.raises(
            TypeError, match=r"weight must be a function of \(x, w, grad_output, window\), but one takes"
        ):
            make(weight=one)
        with pytest.raises(TypeError, match=r"slope must be a function of \(z, grad_output\), but twice takes \(x: "):
            make(slope=twice)
    Rules(slope=torch.mul, pool=FixedRule(), weight=torch.nn.Bilinear(1, 1, 1))  # no signature, or an open one
    words = r"for weight, that is a convolution or a fully connected layer of manualconv\.nn; it has slope; "
    with pytest.raises(TypeError, match=words):
        set_rules(nn.ReLU(), weight=fourfold)
    with pytest.raises(TypeError, match=r"for pool, that is a pooling layer .* it has input, weight, bias, slope;"):
        set_rules(nn.Sequential(nn.Conv2d(1, 1, 1), nn.GELU()), weight=fourfold, pool=scaled)
    with pytest.raises(TypeError, match=r"for slope, that is an activation .*manualconv\.convert\(model\) has torch"):
        set_rules(torch.nn.ReLU(), slope=scaled)
    with pytest.raises(
        TypeError, match=r"Rules\(slope=scaled\) for a convolution or fully connected layer, which has the"
    ):
        functional.conv1d(torch.ones(1, 1, 2), torch.ones(1, 1, 1), rules=Rules(slope=scaled))


def one(x: Tensor) -> Tensor:
    """No rule."""
    return x


def test_a_layer_s_conversion_keeps_its_rule_for_ties_with_indices_too() -> None:
    pool = nn.MaxPool1d(2, return_indices=True, ties="split")
    x = torch.ones(1, 1, 4, requires_grad=True)
    y, _ = manualconv.convert(manualconv.restore(pool))(x)
    assert type(pool) is torch.nn.MaxPool1d and torch.equal(grad(y.sum(), x)[0], torch.full_like(x, 0.5))


def test_a_model_without_such_layers_is_refused() -> None:
    with pytest.raises(TypeError, match=r"set_rules\(\): Sequential has no layer that takes derivative rules"):
        set_rules(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), nn.ReLU()), bias=twice)
    with pytest.raises(TypeError, match=r"Rules\(\): bias must be a function"):
        set_rules(model(), bias=2)
