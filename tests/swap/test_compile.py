"""by_hand around compiled code and inside it: one graph without layers of torch's, or a refusal, nothing in silence."""

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad
from torch.utils.checkpoint import checkpoint

import manualconv
from manualconv import by_hand
from manualconv.torch_internals import function_modes
from tests.layers import close, rounded, spread_out
from tests.swap.networks import nodes, small

IMAGES = (2, 3, 14, 12)


@pytest.fixture
def graphs() -> Iterator[tuple[list[torch.fx.GraphModule], Callable[..., Any]]]:
    """The graphs that were compiled, and a compiler."""
    torch._dynamo.reset()
    compiled: list[torch.fx.GraphModule] = []

    def keep(module: torch.fx.GraphModule, _: Any) -> torch.fx.GraphModule:
        compiled.append(module)
        return module

    yield compiled, lambda f: torch.compile(f, backend=keep, fullgraph=True)
    torch._dynamo.reset()


def functions_in(graph: torch.fx.GraphModule) -> str:
    """All that a graph calls."""
    return " ".join(
        str(node.target) for part in graph.modules() for node in getattr(part, "graph", torch.fx.Graph()).nodes
    )


def test_a_model_compiled_outside_is_compiled_anew_inside(graphs: Any) -> None:
    compiled, compile_ = graphs
    model, x = small()[:3], spread_out(IMAGES).requires_grad_()
    fast, inputs = compile_(model), (x, *model.parameters())
    y = model(x)
    expected = (y, *grad(y.sum(), inputs))
    for _ in range(2):
        y = fast(x)
        close((y, *grad(y.sum(), inputs)), expected)
        with by_hand():
            y = fast(x)
        close((y, *grad(y.sum(), inputs)), expected)
    plain, ours = map(functions_in, compiled)
    assert "conv2d" in plain and "conv2d" not in ours and "Convolution" in ours


def test_a_block_inside_a_compiled_function(graphs: Any) -> None:
    compiled, compile_ = graphs
    x, w = spread_out((2, 3, 6, 6)).requires_grad_(), spread_out((2, 3, 3, 2), 1).requires_grad_()

    def partly(x: Tensor, w: Tensor) -> Tensor:
        with manualconv.by_hand():
            y = F.relu(F.conv2d(x, w), inplace=True)
        return torch.tanh(y).sum()

    ours, theirs = compile_(partly)(x, w), torch.tanh(F.relu(F.conv2d(x, w))).sum()
    close((ours, *grad(ours, (x, w))), (theirs, *grad(theirs, (x, w))))
    assert len(compiled) == 1 and "conv2d" not in functions_in(compiled[0]) and "tanh" in functions_in(compiled[0])


def test_compiled_attention_is_entered_too(graphs: Any) -> None:
    compiled, compile_ = graphs
    attention = torch.nn.MultiheadAttention(8, 2, batch_first=True).double()
    x = spread_out((2, 5, 8))
    fast = compile_(attention)
    with by_hand():
        close(fast(x, x, x), attention(x, x, x))
    assert "softmax" not in functions_in(compiled[0]) and "linear" not in functions_in(compiled[0])


def test_a_compiled_checkpoint_is_refused_in_one_graph_and_else_by_hand(graphs: Any) -> None:
    _, compile_ = graphs
    model, x = small()[:3], spread_out(IMAGES).requires_grad_()
    inputs = (x, *model.parameters())

    def net(x: Tensor) -> Tensor:
        return checkpoint(model, x, use_reentrant=False)

    with by_hand(), pytest.raises(torch._dynamo.exc.Unsupported, match="Unsafe side effect"):
        compile_(net)(x)
    with by_hand():
        y = torch.compile(net, backend="eager")(x)
    assert "ConvolutionBackward" in nodes(y) and "ConvolutionBackward0" not in nodes(y)
    expected = model(x.clone())
    close((y, *grad(y.sum(), inputs)), (expected, *grad(expected.sum(), inputs)))


def test_branches_of_cond_run_on_torch_s_operations() -> None:
    torch._dynamo.reset()
    with by_hand() as block:
        y = torch.cond(torch.tensor(True), torch.sigmoid, torch.tanh, (torch.ones(2),))
        assert function_modes() == [block]
    rounded(y, torch.sigmoid(torch.ones(2)))
    assert "torch.cond" in by_hand.__doc__


CONVERTED_LATE = """
import sys, threading, torch
if sys.argv[1] == "imported":
    import torch._dynamo
import manualconv
from manualconv.autograd import function

ran, apply = [], function.apply
function.apply = lambda *args: ran.append(args[0].__name__) or apply(*args)

def net():
    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU())

def run(model):
    ran.clear()
    torch.compile(model, backend="eager")(torch.randn(2, 1, 8, 8))
    return bool(ran)

def all_ways():
    model = net()
    before = run(model)
    manualconv.convert(model)
    assert (before, run(model), run(manualconv.convert(net())), run(net())) == (False, True, True, False)
    assert not run(manualconv.restore(model))

if sys.argv[1] == "not imported":
    manualconv.convert(net())
    assert "torch._dynamo" not in sys.modules
all_ways()
thread = threading.Thread(target=lambda: (all_ways(), print("right")))
thread.start()
thread.join()
"""


@pytest.mark.parametrize("dynamo", ["imported", "not imported"])
def test_a_model_converted_after_it_was_compiled_is_compiled_anew(dynamo: str) -> None:
    """Dynamo by itself does not see hooks that come later, nor tell models apart by their hooks."""
    command = [sys.executable, "-W", "error::UserWarning", "-c", CONVERTED_LATE, dynamo]
    child = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert child.stdout == "right\n", child.stderr


LOADED = """
import sys, pickle, torch

def run(model):
    return torch.compile(model, backend="eager")(torch.ones(2, 2, requires_grad=True)).grad_fn.name()

before = run(torch.nn.Tanh())
layer = pickle.load(sys.stdin.buffer)
print(before, run(layer), run(torch.nn.Tanh()))
"""


def test_a_converted_layer_that_is_loaded_is_not_run_by_code_that_was_compiled_for_another() -> None:
    stored = pickle.dumps(manualconv.convert(torch.nn.Tanh()))
    child = subprocess.run([sys.executable, "-c", LOADED], input=stored, capture_output=True, timeout=300)
    assert child.stdout.split() == [b"TanhBackward0", b"TanhBackward", b"TanhBackward0"], child.stderr


def raising(*_: Any) -> None:
    torch._dynamo.graph_break()
    raise ValueError("in a hook")


@pytest.mark.parametrize("prepend", [False, True])
@pytest.mark.parametrize("registered", ["register_forward_pre_hook", "register_forward_hook"])
def test_a_graph_that_breaks_in_a_hook_leaves_the_layer_by_hand_and_no_mode(registered: str, prepend: bool) -> None:
    """Broken apart, the graph runs hooks of ours that Dynamo would then compile each by itself."""
    torch._dynamo.reset()
    conv, x = manualconv.convert(torch.nn.Conv2d(3, 4, 3).double()), spread_out(IMAGES).requires_grad_()
    register = getattr(conv, registered)
    handle = register(lambda *_: torch._dynamo.graph_break(), prepend=prepend)
    expected = conv(x)
    y = torch.compile(conv, backend="eager")(x)
    assert "ConvolutionBackward" in nodes(y) and "ConvolutionBackward0" not in nodes(y)
    close((y, *grad(y.sum(), (x, conv.weight))), (expected, *grad(expected.sum(), (x, conv.weight))))
    handle.remove()
    register(raising, prepend=prepend)
    with pytest.raises(ValueError, match="in a hook"):
        torch.compile(conv, backend="eager")(x)


def test_a_compiled_layer_given_what_it_cannot_take_says_what_it_does_uncompiled() -> None:
    torch._dynamo.reset()
    conv = manualconv.convert(torch.nn.Conv2d(3, 4, 3))
    fast = torch.compile(conv, backend="eager")
    fast(torch.zeros(1, 3, 5, 5))
    with pytest.raises(RuntimeError, match="channels"):
        fast(torch.zeros(1, 2, 5, 5))


def test_a_compiled_pool_follows_a_rule_for_ties_that_changes() -> None:
    torch._dynamo.reset()
    pool: Any = manualconv.convert(torch.nn.MaxPool2d(2))
    fast, x = torch.compile(pool, backend="eager"), torch.zeros(1, 1, 4, 4, requires_grad=True)
    for ties, count in (("first", 4), ("split", 16), ("first", 4)):
        if ties == "first":
            vars(pool).pop("ties", None)
        else:
            pool.ties = ties
        assert grad(fast(x).sum(), x)[0].count_nonzero() == count
