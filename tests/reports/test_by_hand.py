"""Reports about `by_hand` as a decorator, what it changes in torch, traced graphs, and tensors only torch knows."""

import asyncio
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.bias import causal_lower_right, causal_upper_left
from torch.nn.utils._per_sample_grad import call_for_per_sample_grads
from torch.testing._internal.two_tensor import TwoTensor
from torchvision.models import resnet18
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

import manualconv
from manualconv import Rules, by_hand, conversion_report, convert, exact_weight, functional, nn, set_rules
from manualconv.autograd import ReLU
from manualconv.torch_internals import function_modes, is_plain
from tests.layers import rounded, spread_out
from tests.reports.test_overrides import WAYS, Plain
from tests.swap.networks import nodes


def name_of(x: Tensor) -> str:
    """By whom a sigmoid is computed now."""
    return torch.sigmoid(x).grad_fn.name()


OURS, TORCH_S = "SigmoidBackward", "SigmoidBackward0"
X = torch.ones(3, requires_grad=True)


@pytest.mark.parametrize("decorate", [by_hand, by_hand()], ids=["bare", "called"])
def test_by_hand_is_no_decorator(decorate: Callable[..., Any]) -> None:
    """Also seen: functions, methods and recursions, in several threads; what it returns is the function's own."""

    @decorate
    def deep(x: Tensor, depth: int = 2) -> list[str]:
        """Recursive."""
        return [name_of(x), *(deep(x, depth - 1) if depth else []), name_of(x)]

    class Model(torch.nn.Module):
        @decorate
        def forward(self, x: Tensor) -> str:
            return name_of(x)

        @staticmethod
        @decorate
        def static(x: Tensor) -> str:
            return name_of(x)

    assert deep.__name__ == "deep" and deep.__doc__ == "Recursive."
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(deep(X))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[OURS] * 6] * 4
    assert Model()(X) == Model.static(X) == OURS
    assert name_of(X) == TORCH_S and not function_modes()
    with pytest.raises(ZeroDivisionError):
        decorate(lambda: 1 / 0)()
    assert not function_modes()


def test_a_generator_keeps_the_block_while_it_waits() -> None:
    """Also seen: a block in a generator would stay open in its caller."""

    @by_hand()
    def steps(x: Tensor) -> Generator[Any, Any, str]:
        given = yield name_of(x)
        try:
            yield given, name_of(x)
        except ValueError:
            yield "caught", name_of(x)
        return name_of(x)

    inner = steps(X)
    assert next(inner) == OURS and name_of(X) == TORCH_S
    assert inner.send(5) == (5, OURS) and not function_modes()
    assert inner.throw(ValueError) == ("caught", OURS) and not function_modes()
    with pytest.raises(StopIteration) as end:
        next(inner)
    assert end.value.value == OURS
    left = steps(X)
    next(left)
    left.close()
    assert not function_modes()


def test_a_coroutine_keeps_the_block_while_another_runs() -> None:
    """Also seen: tasks take turns in one thread."""

    @by_hand
    async def ours(x: Tensor) -> list[str]:
        names = [name_of(x)]
        await asyncio.sleep(0)
        return [*names, name_of(x)]

    async def torch_s(x: Tensor) -> list[str]:
        names = [name_of(x)]
        await asyncio.sleep(0)
        return [*names, name_of(x)]

    async def both() -> list[list[str]]:
        return list(await asyncio.gather(ours(X), torch_s(X), ours(X)))

    assert asyncio.run(both()) == [[OURS] * 2, [TORCH_S] * 2, [OURS] * 2]


def test_what_cannot_be_decorated_is_decorated() -> None:
    async def stream() -> Any:
        yield 1

    for wrong in (torch.nn.ReLU, 3, classmethod(name_of), stream):
        with pytest.raises(TypeError, match=r"by_hand\(\) (decorates functions|cannot decorate)"):
            by_hand(wrong)


def test_a_compiled_decorated_function_is_torch_s() -> None:
    torch._dynamo.reset()
    compiled = torch.compile(by_hand()(lambda x: torch.sigmoid(x)), backend="eager", fullgraph=True)
    y = compiled(X)
    assert y.grad_fn.name() != TORCH_S and y.shape == X.shape
    rounded(y, torch.sigmoid(X))


def test_touching_convert_replaces_functions_of_torch() -> None:
    """Also seen: only the first block may change torch's checkpoints, in a compiled function too."""
    code = """
import torch, manualconv, torch.utils.checkpoint as c
name = "_checkpoint_without_reentrant_generator"
name = name + "_impl" if hasattr(c, name + "_impl") else name
state = lambda: (c.CheckpointFunction.forward, getattr(c, name), torch.nn.Module.__call__, torch.nn.ReLU.forward)
before = state()
manualconv.convert(torch.nn.ReLU()), manualconv.nn, manualconv.functional.relu(torch.ones(2)), manualconv.by_hand
print(state() == before)
manualconv.by_hand()
first = state()
print(first == before, first[2:] == before[2:])
manualconv.by_hand()
print(state() == first)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split("\n")[:3] == ["True", "False True", "True"]


def small() -> torch.nn.Sequential:
    """Layers whose numbers and training flag a graph must not freeze."""
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Dropout(0.5), nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(18, 3))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("way", ["own", "convert"])
def test_a_model_of_ours_cannot_be_traced(training: bool, way: str) -> None:
    """Row 3: each layer is a node, as torch's is; train() and eval() reach it, and statistics are kept."""
    model = small() if way == "own" else convert(manualconv.restore(small()))
    graph = torch.fx.symbolic_trace(model)
    again = pickle.loads(pickle.dumps(graph))
    assert [node.op for node in graph.graph.nodes].count("call_module") == 7
    before = int(model[1].num_batches_tracked)
    x = spread_out((2, 1, 8, 8)).float()
    results = []
    for net in (model, graph, again):
        torch.manual_seed(1)
        results.append(net.train(training)(x))
    rounded(results[1], results[0])
    rounded(results[2], results[0])
    assert int(model[1].num_batches_tracked) == before + 2 * training
    assert "ConvolutionBackward" in nodes(results[1]) and "ConvolutionBackward0" not in nodes(results[1])


def test_a_graph_of_functions_becomes_torch_s() -> None:
    """Row 3: fx's Proxy gets ours, which prints under its public name and survives pickle."""

    def step(x: Tensor, w: Tensor) -> Tensor:
        return functional.scaled_tanh(functional.max_pool2d(functional.relu(functional.conv2d(x, w, rules=None)), 2))

    x, w = spread_out((1, 2, 6, 6)).requires_grad_(), spread_out((3, 2, 3, 3), 1)
    graph = torch.fx.symbolic_trace(step)
    for name in ("conv2d", "relu", "max_pool2d", "scaled_tanh"):
        assert f"manualconv_functional_{name}(" in graph.code
    assert "rules" not in graph.code
    y = pickle.loads(pickle.dumps(graph))(x, w)
    rounded(y, step(x, w))
    assert nodes(y) == nodes(step(x, w))
    with by_hand():
        assert "manualconv_functional_relu" in torch.fx.symbolic_trace(lambda x: F.relu(x)).code


def test_a_tracer_that_goes_into_layers_is_kept_out() -> None:
    class Inside(torch.fx.Tracer):
        def is_leaf_module(self, *_: Any) -> bool:
            return False

    targets = {node.target for node in Inside().trace(torch.nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())).nodes}
    assert {functional.conv2d, functional.relu} <= targets


def test_a_hook_of_a_traced_layer_runs_twice_in_silence() -> None:
    layer = torch.nn.Sequential(nn.Conv2d(1, 2, 3))
    layer[0].register_forward_hook(lambda module, args, y: 2 * y)
    with pytest.raises(torch.fx.proxy.TraceError, match="must have no forward hooks"):
        torch.fx.symbolic_trace(layer)
    normed = torch.nn.Sequential(torch.nn.utils.spectral_norm(nn.Linear(3, 2))).eval()
    x = spread_out((4, 3)).float()
    rounded(torch.fx.symbolic_trace(normed)(x), normed(x))


def test_features_of_a_converted_resnet_cannot_be_extracted() -> None:
    """Row 3: torchvision's extraction traces, in training and evaluation, under the names of torch's layers."""
    torch.manual_seed(0)
    model, x = resnet18().eval(), torch.randn(1, 3, 32, 32)
    names, wanted = get_graph_node_names(model), {"layer1": "a", "layer3.1.relu_1": "b", "avgpool": "c"}
    expected = create_feature_extractor(model, wanted)(x)
    convert(model)
    assert get_graph_node_names(model) == names
    features = create_feature_extractor(model, wanted)(x)
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-4)
    assert "ConvolutionBackward0" not in nodes(features["c"])


@pytest.mark.parametrize("way", ["by_hand", "convert", "own"])
def test_per_sample_gradients_of_torch_are_refused(way: str) -> None:
    """Row 3: ExpandedWeights look functions up in a table of torch's."""

    def net(of: Any) -> torch.nn.Module:
        torch.manual_seed(0)
        layers = (of.Conv2d(1, 2, 3), of.GroupNorm(2, 2), of.ReLU(), torch.nn.Flatten(), of.Linear(32, 6))
        return torch.nn.Sequential(*layers, of.LayerNorm(6)).double()

    def samples(model: torch.nn.Module) -> list[Tensor]:
        call_for_per_sample_grads(model)(spread_out((4, 1, 6, 6))).pow(2).sum().backward()
        return [p.grad_sample for p in model.parameters()]

    expected = samples(net(torch.nn))
    model = convert(net(torch.nn)) if way == "convert" else net(nn if way == "own" else torch.nn)
    with by_hand() if way == "by_hand" else nullcontext():
        torch.testing.assert_close(samples(model), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("way", ["by_hand block", "own block", "convert", "own"])
def test_rules_are_dropped_by_per_sample_gradients_of_torch(way: str) -> None:
    """ExpandedWeights have formulas of their own, which ask no rule: refused, and without rules all is well after."""
    net = torch.nn.Sequential((nn if "own" in way else torch.nn).Linear(3, 2)).double()
    run = call_for_per_sample_grads(convert(net) if way == "convert" else net)
    rules = Rules(weight=lambda x, w, g, window: 2 * exact_weight(x, w, g, window))
    if way in ("convert", "own"):
        set_rules(net, weight=rules.weight)
    with (
        rules if "block" in way else nullcontext(),
        by_hand() if "by_hand" in way else nullcontext(),
        pytest.raises(RuntimeError, match="by formulas of its own"),
    ):
        run(spread_out((4, 3)))
    if way in ("convert", "own"):
        set_rules(net)
    run(spread_out((4, 3))).sum().backward()
    assert net[0].weight.grad_sample.shape == (4, 2, 3)


@pytest.mark.parametrize("mask", [causal_upper_left(6, 6), causal_lower_right(6, 6), causal_lower_right(4, 6)])
def test_numbers_are_read_from_the_storage_of_a_mask_that_has_none(mask: Tensor) -> None:
    """Row 3: a causal bias knows its size only; its memory is empty."""
    q, k = spread_out((2, 2, mask.seq_len_q, 4)).float(), spread_out((2, 2, 6, 4), 1).float()
    with by_hand():
        ours = F.scaled_dot_product_attention(q, k, k, attn_mask=mask)
    theirs = F.scaled_dot_product_attention(q, k, k, attn_mask=mask)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def ragged(layout: torch.layout) -> Tensor:
    """Two samples of two lengths."""
    parts = [spread_out((2, 6)), spread_out((3, 6), 1)]
    return torch.nested.nested_tensor(parts, layout=layout, requires_grad=True)


W = spread_out((5, 6), 2)
NESTED: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "linear": lambda m, x: m.linear(x, W),
    "relu": lambda m, x: m.relu(x),
    "gelu": lambda m, x: m.gelu(x),
    "silu": lambda m, x: m.silu(x),
    "softmax": lambda m, x: m.softmax(x, -1),
    "layer_norm": lambda m, x: m.layer_norm(x, (6,), W[0], W[1]),
    "dropout": lambda m, x: m.dropout(x, 0.5),
}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("call", NESTED.values(), ids=NESTED)
@pytest.mark.parametrize("layout", [torch.jagged, torch.strided])
@pytest.mark.parametrize("way", WAYS)
def test_a_nested_tensor_is_refused(call: Callable[[Any, Tensor], Tensor], layout: torch.layout, way: str) -> None:
    """Row 4: torch's numbers, forward and backward."""
    results: list[Any] = []
    for module, around in (WAYS[way], (F, nullcontext)):
        torch.manual_seed(0)
        with around():
            x = ragged(layout)
            y = call(module, x)
            assert y.layout == layout
            flat = y.values().flatten() if layout == torch.jagged else torch.cat([t.flatten() for t in y.unbind()])
            (slope,) = torch.autograd.grad((flat * spread_out(flat.shape)).sum(), x)
            results.append((flat.detach(), *(t.detach() for t in slope.unbind())))
    assert all(torch.equal(a, b) for a, b in zip(*results))


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_attention_of_a_jagged_tensor_is_refused() -> None:
    """Row 4: its own kernel, as torch has it."""
    parts = [spread_out((2, 2, 4)).float(), spread_out((3, 2, 4), 1).float()]
    q = torch.nested.nested_tensor(parts, layout=torch.jagged).transpose(1, 2)
    with by_hand():
        ours = F.scaled_dot_product_attention(q, q, q)
    for a, b in zip(ours.unbind(), F.scaled_dot_product_attention(q, q, q).unbind()):
        assert torch.equal(a, b)


MATRIX = spread_out((4, 6)).float()
PICTURE = spread_out((1, 2, 6, 6)).float()


def quantised() -> Tensor:
    """Bytes with a scale; torch warns that they will go."""
    return torch.quantize_per_tensor(PICTURE, 0.1, 10, torch.quint8)


KINDS: dict[str, Callable[[Any], Tensor]] = {
    "relu of coo": lambda m: m.relu(MATRIX.to_sparse()),
    "relu of csr": lambda m: m.relu(MATRIX.to_sparse_csr()),
    "tanh of coo": lambda m: m.tanh(MATRIX.to_sparse()),
    "linear of csr": lambda m: m.linear(MATRIX.to_sparse_csr(), W.float()),
    "weight of coo": lambda m: m.linear(MATRIX, W.float().relu().to_sparse()),
    "weight of csr by keyword": lambda m: m.linear(MATRIX, weight=W.float().relu().to_sparse_csr()),
    "relu of mkldnn": lambda m: m.relu(MATRIX.to_mkldnn()),
    "softmax of mkldnn": lambda m: m.softmax(MATRIX.to_mkldnn(), 1),
    "conv2d of mkldnn": lambda m: m.conv2d(PICTURE.to_mkldnn(), torch.ones(3, 2, 3, 3).to_mkldnn()),
    "max_pool2d of mkldnn": lambda m: m.max_pool2d(PICTURE.to_mkldnn(), 2),
    "relu of quantised": lambda m: m.relu(quantised()),
    "max_pool2d of quantised": lambda m: m.max_pool2d(quantised(), 2),
    "adaptive_avg_pool2d of quantised": lambda m: m.adaptive_avg_pool2d(quantised(), 1),
    "pad of quantised": lambda m: m.pad(quantised(), (1, 1)),
}


def dense(t: Tensor) -> Tensor:
    """Its numbers."""
    return t.dequantize() if t.is_quantized else t if t.layout == torch.strided else t.to_dense()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_tensor_that_is_not_strided_is_refused(call: Callable[[Any], Tensor], way: str) -> None:
    """Row 4: torch's numbers in torch's layout, or torch's own refusal."""
    module, around = WAYS[way]
    with around():
        ours = call(module)
    theirs = call(F)
    assert (ours.layout, ours.dtype) == (theirs.layout, theirs.dtype)
    assert torch.equal(dense(ours), dense(theirs))


@pytest.mark.parametrize("way", [*WAYS, "convert"])
def test_a_wrapper_s_own_memory_is_read(way: str) -> None:
    """Row 3: a subclass with `__torch_dispatch__` handles every operator; its own memory is empty."""

    def wrapped() -> Tensor:
        x = spread_out((2, 3, 6, 6))
        return TwoTensor(x, 2 * x).requires_grad_()

    w = spread_out((4, 3, 3, 3), 1)
    results = []
    for module, around in (WAYS.get(way, (F, nullcontext)), (F, nullcontext)):
        x = wrapped()
        conv = torch.nn.Conv2d(3, 4, 3, padding=1, bias=False).double()
        conv.weight.data = w.clone()
        with around():
            y = convert(conv)(x) if way == "convert" and not results else module.conv2d(x, w, padding=1)
            y = module.softmax(module.max_pool2d(module.relu(y), 2), 1)
            (first,) = torch.autograd.grad(y.pow(2).sum(), x, create_graph=True)
            (second,) = torch.autograd.grad(first.pow(2).sum(), x)
        assert type(y) is type(first) is TwoTensor
        results.append([part for t in (y, first, second) for part in (t.a, t.b)])
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-9)


def test_a_kernel_that_reads_memory_takes_a_wrapper() -> None:
    """Row 3: below `functional` as well, a subclass that handles operators is not plain."""
    x = spread_out((64, 64)).float()
    both = TwoTensor(x, 2 * x).requires_grad_()
    assert is_plain(x) and is_plain(torch.nn.Parameter(x)) and is_plain(x.as_subclass(Plain)) and not is_plain(both)
    y = ReLU.call(both)
    (slope,) = torch.autograd.grad(y.sum(), both)
    assert torch.equal(y.b, 2 * x.relu()) and torch.equal(slope.b, (x > 0).float())


def test_the_report_does_not_say_what_stays_torch_s() -> None:
    """Row 4: which tensors a converted layer hands to torch's function."""
    text = str(conversion_report(convert(small())))
    for word in ("sparse", "mkldnn", "nested", "quantised", "__torch_dispatch__"):
        assert word in text
    assert "sparse" not in str(conversion_report(torch.nn.Sequential(torch.nn.GRU(2, 2))))
