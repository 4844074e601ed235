"""CASES 19: torch.jit traces, and exports to ONNX, torch's operators; it compiles nothing of ours, and says so."""

import copy
import io
import pickle
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor

from manualconv import Rules, by_hand, convert, exact_input, functional, nn, restore, set_rules
from manualconv.autograd import ReLU
from manualconv.testing.catalogue.activation import ENTRYWISE
from tests.layers import MODULES, spread_out
from tests.swap.networks import ours

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*torch.jit:DeprecationWarning", "ignore:.*torch.jit:FutureWarning", "ignore::torch.jit.TracerWarning"
)


def net(library: Any) -> torch.nn.Sequential:
    torch.manual_seed(0)
    layers = (
        library.Conv2d(2, 4, 3, padding=1, padding_mode="reflect"),
        library.BatchNorm2d(4),
        library.ReLU(inplace=True),
        library.MaxPool2d(2),
        library.ConvTranspose2d(4, 3, 2, 2, groups=1),
        library.GroupNorm(3, 3),
        library.GELU(),
        library.AdaptiveAvgPool2d(2),
        library.Flatten(),
        library.Linear(12, 3),
        library.LogSoftmax(1),
    )
    return torch.nn.Sequential(*layers).double()


#: How a model comes to be by hand, and the block it is run in.
WAYS: dict[str, tuple[Callable[[], torch.nn.Sequential], Callable[[], Any]]] = {
    "nn": (lambda: net(nn), nullcontext),
    "converted": (lambda: convert(net(torch.nn)), nullcontext),
    "by_hand": (lambda: net(torch.nn), by_hand),
    "converted in by_hand": (lambda: convert(net(torch.nn)), by_hand),
    "nn in by_hand": (lambda: net(nn), by_hand),
}


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("way", WAYS)
def test_a_trace_is_torch_s_of_the_same_numbers_and_gradients(way: str, training: bool) -> None:
    make, block = WAYS[way]
    model = make().train(training)
    plain = restore(copy.deepcopy(model))
    with block():
        traced = torch.jit.trace(model, spread_out((2, 2, 6, 8)), check_trace=not training)
    assert any(node.kind() == "aten::_convolution" for node in traced.inlined_graph.nodes())
    plain.load_state_dict(traced.state_dict())
    for size in ((2, 2, 6, 8), (5, 2, 9, 7)):
        image, weights = spread_out(size), torch.randn(size[0], 3, dtype=torch.float64)
        results = []
        for module in (traced, plain):
            x = image.clone().requires_grad_()
            y = module(x)
            results.append([y, *torch.autograd.grad((y * weights).sum(), [x, *module.parameters()])])
        for result, expected in zip(*results, strict=True):
            torch.testing.assert_close(result, expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(dict(traced.named_buffers()), dict(plain.named_buffers()), rtol=0, atol=1e-12)
    with block():
        y = model(spread_out((2, 2, 6, 8)).requires_grad_())
    assert ours(y)  # the model itself stays what it was


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("way", WAYS)
def test_the_old_onnx_exporter_writes_what_it_writes_of_torch_s_model(way: str) -> None:
    onnx = pytest.importorskip("onnx")
    make, block = WAYS[way]
    files = []
    for whole, around in ((make(), block), (net(torch.nn), nullcontext)):
        model = torch.nn.Sequential(*list(whole.eval())[:7])  # adaptive pooling is what that exporter has not
        with around():
            torch.onnx.export(model, (spread_out((2, 2, 6, 8)),), file := io.BytesIO(), dynamo=False)
        files.append([node.op_type for node in onnx.load_from_string(file.getvalue()).graph.node])
    assert files[0] == files[1] and "Conv" in files[0]


#: Layers that torch has not; and those whose own function torch's tracer does not take.
TORCH_HAS_NOT = {"ScaledTanh", "Subsample1d", "Subsample2d", "Subsample3d"}
TORCH_TRACES_NOT = {"MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"}
SENTENCE = r"manualconv\.restore\(model\)"


@pytest.mark.parametrize("way", ["nn", "converted"])
def test_script_is_refused_at_any_depth_and_changes_nothing(way: str) -> None:
    model = torch.nn.Sequential(torch.nn.Identity(), WAYS[way][0]())
    types = [type(module) for module in model.modules()]
    for again in (model, model[1][2], copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        with pytest.raises(RuntimeError, match=f"torch.jit.script.*{SENTENCE}"):
            torch.jit.script(again)
    assert [type(module) for module in model.modules()] == types
    x = spread_out((2, 2, 6, 8))
    expected = model.eval()(x)
    torch.testing.assert_close(torch.jit.script(restore(model))(x), expected, rtol=0, atol=1e-12)


def test_script_inside_a_block_compiles_torch_s_layers() -> None:
    model, x = net(torch.nn).eval(), spread_out((2, 2, 6, 8))
    with by_hand():
        scripted = torch.jit.script(model)
        y = scripted(x)
    torch.testing.assert_close(y, model(x), rtol=0, atol=1e-12)


def twice(x: Tensor, w: Tensor, grad_output: Tensor, window: Any) -> Tensor:
    return 2 * exact_input(x, w, grad_output, window)


REFUSED: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    "rules of a layer of ours": (set_rules(nn.Conv2d(1, 2, 3).double(), input=twice), (1, 1, 5, 5)),
    "rules of a converted layer": (set_rules(convert(torch.nn.Conv2d(1, 2, 3).double()), input=twice), (1, 1, 5, 5)),
    "padding in pairs": (nn.Conv2d(1, 2, 3, padding=((0, 1), (1, 0))).double(), (1, 1, 5, 5)),
    "ties": (nn.MaxPool2d(2, ties="split"), (1, 1, 4, 4)),
    "a layer that torch has not": (nn.Subsample2d(1, 2).double(), (1, 1, 4, 4)),
    "a flipped kernel": (
        lambda x: functional.conv1d(x, torch.ones(1, 1, 2, dtype=torch.float64), flip=True),
        (1, 1, 4),
    ),
    "a function that torch has not": (functional.scaled_tanh, (3,)),
    "a map by itself": (ReLU.call, (3,)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_torch_has_not_is_refused_in_a_sentence(case: str) -> None:
    function, size = REFUSED[case]
    with pytest.raises(RuntimeError, match=SENTENCE):
        torch.jit.trace(function, spread_out(size))


@pytest.mark.parametrize("way", ["nn", "converted", "by_hand"])
def test_a_trace_in_a_block_of_rules_is_refused(way: str) -> None:
    make, block = WAYS[way]
    with block(), Rules(input=twice), pytest.raises(RuntimeError, match=SENTENCE):
        torch.jit.trace(make(), spread_out((2, 2, 6, 8)))


def test_ties_of_a_converted_layer_are_refused() -> None:
    pool: Any = convert(torch.nn.MaxPool2d(2))
    pool.ties = "split"
    with pytest.raises(RuntimeError, match=SENTENCE):
        torch.jit.trace(pool, spread_out((1, 1, 4, 4)))


def test_traced_activations_compute_with_other_shapes() -> None:
    x = spread_out((2, 3, 6)).requires_grad_()
    named = [each for name, each in ENTRYWISE.items() if hasattr(torch.nn.functional, name)]
    for example in (example for each in named for example in each.examples.values()):
        traced = torch.jit.trace(example.by_hand, x)
        other = spread_out((4, 5)).requires_grad_()
        y = traced(other)
        torch.testing.assert_close(y, example.by_hand(other), rtol=1e-12, atol=1e-12)
        assert y.requires_grad


def test_export_and_fx_of_converted_layers_compute_the_same() -> None:
    model, x = torch.nn.Sequential(*list(WAYS["converted"][0]().eval())[:4]), spread_out((2, 2, 6, 8))
    expected = model(x)
    for program in (torch.export.export(model, (x,)).module(), torch.fx.symbolic_trace(model)):
        torch.testing.assert_close(program(x), expected, rtol=0, atol=1e-12)
    leaf = torch.fx.symbolic_trace(model).train()
    assert ours(leaf(x.clone().requires_grad_()))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
def test_the_new_onnx_exporter_runs_to_the_same_numbers() -> None:
    pytest.importorskip("onnxscript")
    reference = pytest.importorskip("onnx.reference")
    model, x = torch.nn.Sequential(*list(WAYS["converted"][0]())[:3]).eval().float(), spread_out((2, 2, 6, 8)).float()
    program = torch.onnx.export(model, (x,), dynamo=True, verbose=False)
    assert program is not None
    session = reference.ReferenceEvaluator(program.model_proto)
    (y,) = session.run(None, {session.input_names[0]: x.numpy()})
    torch.testing.assert_close(torch.from_numpy(y), model(x).detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", sorted(MODULES.keys() - TORCH_TRACES_NOT))
def test_every_layer_traces_to_the_same_numbers_or_says_a_sentence(name: str) -> None:
    make, size = MODULES[name]
    layer = make()
    if isinstance(layer, torch.nn.Module):
        layer = layer.double().eval()
    x, other = spread_out(size), spread_out(size, seed=1)
    if name in TORCH_HAS_NOT:
        with pytest.raises(RuntimeError, match=SENTENCE):
            torch.jit.trace(layer, x)
    else:
        traced = torch.jit.trace(layer, x, check_trace=False)
        torch.testing.assert_close(traced(other), layer(other), rtol=1e-9, atol=1e-12)
