"""convert, restore and the report: layers of torch's types run by hand, only where they should, and back."""

import copy
from collections.abc import Callable

import pytest
import torch
import torch.nn.utils.parametrize as parametrize
from torch import Tensor
from torch.nn.utils import prune
from torchvision.models import resnet18

import manualconv
from manualconv import conversion_report, convert, nn, restore
from manualconv.swap.conversion import BY_HAND, TENSORS_OF_TORCH
from manualconv.swap.layer import is_by_hand
from tests.layers import COPIES, spread_out
from tests.swap.networks import Block, Doubled, agree, outcome, small
from tests.test_by_hand import Operators

IMAGES = (2, 3, 14, 12)


def types(model: torch.nn.Module) -> list[type]:
    """Of every module, in order."""
    return [type(module) for module in model.modules()]


def by_hand(model: torch.nn.Module) -> list[bool]:
    """Of every module, in order, whether it was converted."""
    return [is_by_hand(module) for module in model.modules()]


def reasons(model: torch.nn.Module) -> dict[str, tuple[str, str]]:
    """State and reason by name."""
    return {entry.name: (entry.state, entry.reason) for entry in conversion_report(model)}


# ---------------------------------------------------------------------------------------------------- what changes


def test_layers_of_exact_types_are_by_hand_at_any_depth_and_back() -> None:
    model = small()
    before = types(model)
    convert(model)
    assert types(model) == before
    assert by_hand(model) == [cls in BY_HAND for cls in before]
    assert model[3].again is model[3].conv1
    hooks = [(len(m._forward_pre_hooks), len(m._forward_hooks)) for m in convert(model).modules()]
    assert hooks == [(int(on), int(on)) for on in by_hand(model)]
    restore(model)
    assert types(model) == before and not any(by_hand(model))
    assert not any(by_hand(restore(model)))


def test_resnet18_converts_whole_and_comes_back() -> None:
    """tests/test_networks.py compares what it computes with torch's own, and loads its state both ways."""
    model = resnet18(weights=None)
    before = types(model)
    report = conversion_report(convert(model))
    assert report.count("convertible") == 0 and sum(entry.type == "Conv2d" for entry in report) == 20
    by_hand_now = {entry.type for entry in report if entry.state == "by hand"}
    assert by_hand_now == {"Conv2d", "BatchNorm2d", "Linear", "MaxPool2d", "AdaptiveAvgPool2d", "ReLU"}
    assert types(restore(model)) == before


def test_a_model_that_is_a_layer_itself() -> None:
    layer = torch.nn.Conv2d(2, 3, 3)
    assert convert(layer) is layer and type(layer) is torch.nn.Conv2d and is_by_hand(layer)
    assert restore(layer) is layer and not is_by_hand(layer)


def test_a_model_built_by_hand_becomes_torch_s() -> None:
    assert type(restore(nn.Sequential(nn.Conv2d(1, 1, 1)))[0]) is torch.nn.Conv2d


def test_everything_but_two_hooks_stays_the_same_object() -> None:
    model = small().eval().requires_grad_(False)
    layer = model[0]
    calls: list[str] = []
    layer.register_forward_hook(lambda *_: calls.append("forward"))
    layer.register_forward_pre_hook(lambda *_: calls.append("before"))
    layer.note = marker = object()
    layer.train()
    attributes, text = {id(m): dict(vars(m)) for m in model.modules()}, repr(model)
    tensors = {name: id(t) for name, t in (*model.named_parameters(), *model.named_buffers())}
    state = model.state_dict()
    for change in (convert, restore):
        change(model)
        for module in model.modules():
            assert all(vars(module)[name] is value for name, value in attributes[id(module)].items())
            assert vars(module).keys() - {"derivative_rules", "__prepare_scriptable__"} == attributes[id(module)].keys()
        assert {name: id(t) for name, t in (*model.named_parameters(), *model.named_buffers())} == tensors
        assert repr(model) == text
        assert layer.training and not model[1].training and layer.note is marker
        assert model.state_dict().keys() == state.keys()
        calls.clear()
        layer(spread_out(IMAGES))
        assert calls == ["before", "forward"]


def test_state_dict_loads_both_ways() -> None:
    torch_s, ours = small(), convert(small())
    for p in ours.parameters():
        torch.nn.init.normal_(p)
    torch_s.load_state_dict(ours.state_dict(), strict=True)
    agree(dict(torch_s.named_parameters()), dict(ours.named_parameters()), 0)
    ours.load_state_dict(small().state_dict(), strict=True)
    agree(dict(ours.named_parameters()), dict(small().named_parameters()), 0)


@pytest.mark.parametrize("copied", COPIES)
def test_a_converted_model_is_copied_pickled_and_saved(copied: Callable[[torch.nn.Module], torch.nn.Module]) -> None:
    model = convert(small())
    twin = copied(model)
    assert by_hand(twin) == by_hand(model) and is_by_hand(model[0])
    agree(outcome(twin, spread_out(IMAGES)), outcome(model, spread_out(IMAGES)), 0)
    restore(twin)
    assert is_by_hand(model[0]) and not is_by_hand(twin[0])


def test_dtype_and_device_stay() -> None:
    model = convert(small().to(torch.float32).to("meta"))
    assert {(p.dtype, p.device.type) for p in model.parameters()} == {(torch.float32, "meta")}
    assert model(torch.empty(IMAGES, device="meta")).shape == (2, 5)


@pytest.mark.parametrize("change", [convert, restore, conversion_report])
def test_what_is_not_a_model_is_refused(change: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match=r"takes a torch.nn.Module, but got type; pass the model, not its class"):
        change(torch.nn.Conv2d)
    with pytest.raises(TypeError, match=r"takes a torch.nn.Module, but got list$"):
        change([torch.nn.Conv2d(1, 1, 1)])


# ------------------------------------------------------------------------------ weights that are computed from others


def doubled(layer: torch.nn.Module) -> torch.nn.Module:
    return parametrize.register_parametrization(layer, "weight", Doubled())


WEIGHTS = {
    "parametrised": doubled,
    "parametrised twice": lambda layer: doubled(doubled(layer)),
    "bias parametrised too": lambda layer: parametrize.register_parametrization(doubled(layer), "bias", Doubled()),
    "weight_norm": lambda layer: torch.nn.utils.parametrizations.weight_norm(layer),
    "weight_norm by hook": lambda layer: torch.nn.utils.weight_norm(layer),
    "spectral_norm": lambda layer: torch.nn.utils.parametrizations.spectral_norm(layer),
    "spectral_norm by hook": lambda layer: torch.nn.utils.spectral_norm(layer),
    "orthogonal": lambda layer: torch.nn.utils.parametrizations.orthogonal(layer),
    "pruned": lambda layer: prune.random_unstructured(layer, "weight", 0.5),
}


@pytest.mark.parametrize("computed", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated:FutureWarning")
def test_computed_weights_keep_working_and_come_back(computed: Callable[[torch.nn.Module], torch.nn.Module]) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, (3, 2)), torch.nn.ReLU()).double()
    computed(model[0])
    before, x, text = types(model), spread_out(IMAGES), repr(model)
    expected = outcome(model, x)
    convert(model)
    assert types(model) == before and is_by_hand(model[0])
    assert repr(model) == text
    agree(outcome(model, x), expected)
    model.eval()  # spectral_norm takes no step of its power iteration
    with Operators() as ran:
        model[0](x.clone().requires_grad_())
    assert ran.names and not ran.forbidden
    model.train()
    assert reasons(model)["0"] == ("by hand", "as manualconv.nn.Conv2d")
    restore(model)
    assert types(model) == before and not any(by_hand(model))
    agree(outcome(model, x), expected, 0)


def test_a_copy_of_a_parametrised_layer_is_not_converted_with_it() -> None:
    original = doubled(torch.nn.Conv2d(3, 4, 2))
    twin = copy.deepcopy(original)
    convert(twin)
    assert is_by_hand(twin) and not is_by_hand(original)


def test_parametrisations_may_come_and_go_while_a_layer_is_by_hand() -> None:
    layer = doubled(torch.nn.Conv2d(3, 4, 2).double())
    convert(layer)
    parametrize.register_parametrization(layer, "bias", Doubled())
    x = spread_out(IMAGES)
    expected = layer(x)
    restore(layer)
    agree({"y": layer(x)}, {"y": expected})
    convert(layer)
    parametrize.remove_parametrizations(layer, "weight")
    agree({"y": layer(x)}, {"y": expected})
    parametrize.remove_parametrizations(layer, "bias")
    assert type(layer) is torch.nn.Conv2d and is_by_hand(layer)
    agree({"y": restore(layer)(x)}, {"y": expected})


def test_a_layer_of_ours_that_was_parametrised_becomes_torch_s() -> None:
    layer = doubled(nn.Linear(3, 2))
    restore(layer)
    assert type(layer).__bases__ == (torch.nn.Linear,)
    assert type(parametrize.remove_parametrizations(layer, "weight")) is torch.nn.Linear


# ------------------------------------------------------------------------------------------------------ what is left


class Twice(torch.nn.Conv2d):
    """A subclass with arithmetic of its own."""

    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


class OursTwice(nn.Conv2d):
    """A subclass of ours."""


def replaced_forward() -> torch.nn.Module:
    layer = torch.nn.Linear(2, 2)
    layer.forward = lambda x: x
    return layer


LEFT = {
    "subclass of torch.nn.Conv2d, whose code may differ": lambda: Twice(1, 1, 1),
    "subclass of manualconv.nn.Conv2d, whose code may differ": lambda: OursTwice(1, 1, 1),
    "no hand-written layer": lambda: torch.nn.LSTM(1, 1),
    "scripted: its code was compiled before": lambda: torch.jit.script(torch.nn.ReLU()),
    "code of its own": lambda: Doubled(),
    "its forward was replaced on the instance": replaced_forward,
}


@pytest.mark.parametrize(("reason", "make"), LEFT.items(), ids=LEFT)
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_what_is_left_is_left_and_says_why(reason: str, make: Callable[[], torch.nn.Module]) -> None:
    model = torch.nn.ModuleDict({"it": make()})
    before = types(model)
    assert reasons(model)["it"] == ("left", reason)
    convert(model)
    assert types(model) == before
    assert reasons(model)["it"] == ("left", reason)
    restore(model)
    assert types(model) == before


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_scripted_part_is_left_whole_and_still_runs() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.jit.script(torch.nn.Sequential(torch.nn.ReLU())))
    convert(model.double())
    assert is_by_hand(model[0])
    assert all(isinstance(module, torch.jit.ScriptModule) for module in model[1].modules())
    assert model(spread_out(IMAGES)).min() >= 0


def test_lazy_layers_before_and_after_their_first_input() -> None:
    model = torch.nn.Sequential(torch.nn.LazyConv2d(4, 3), torch.nn.LazyLinear(2))
    convert(model)
    y = model(torch.zeros(IMAGES))
    convert(model)
    assert by_hand(model)[1:] == [True, True] and y.shape == (2, 4, 12, 2)
    assert types(model)[1:] == [torch.nn.Conv2d, torch.nn.Linear]


# -------------------------------------------------------------------------------------------------------- the report


def test_the_report_before_and_after() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(4, 4, 1), Block(4), Twice(4, 4, 1))
    before = conversion_report(model)
    assert [entry.name for entry in before] == ["0", "1", "1.conv1", "1.norm", "1.conv2", "2"]
    assert [entry.state for entry in before] == ["convertible", "left", *["convertible"] * 3, "left"]
    assert before.count("convertible") == 4
    after = conversion_report(convert(model))
    assert [entry.type for entry in after] == [entry.type for entry in before]
    assert [entry.state for entry in after] == ["by hand", "left", *["by hand"] * 3, "left"]
    assert str(after).splitlines() == [
        "module   type         state    why",
        "0        Conv2d       by hand  as manualconv.nn.Conv2d",
        "1        Block        left     code of its own",
        "1.conv1  Conv2d       by hand  as manualconv.nn.Conv2d",
        "1.norm   BatchNorm2d  by hand  as manualconv.nn.BatchNorm2d",
        "1.conv2  Conv2d       by hand  as manualconv.nn.Conv2d",
        "2        Twice        left     subclass of torch.nn.Conv2d, whose code may differ",
        "4 by hand, 0 convertible, 2 left",
        TENSORS_OF_TORCH,
    ]
    assert str(conversion_report(convert(torch.nn.ReLU()))).splitlines()[1].startswith("(model)  ReLU  by hand")


def test_the_public_names_are_the_package_s() -> None:
    assert manualconv.convert is convert and manualconv.restore is restore
    assert manualconv.conversion_report is conversion_report
