"""Reports about torch.compile: a second derivative inside one graph, dynamic sizes, graphs that grew with the taps."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import grad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils.checkpoint import checkpoint

import manualconv
from manualconv import Rules, by_hand, functional
from manualconv import nn as ours
from manualconv.autograd import exact_weight
from manualconv.testing.catalogue import FAMILIES
from tests.layers import PAIRS, spread_out

pytestmark = pytest.mark.usefixtures("forgotten")

IMAGES = (3, 1, 12, 12)
#: Dynamo looks at the gradient of its inputs, whether they are leaves or not.
LOOKED_AT = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")


@pytest.fixture
def traced() -> Iterator[None]:
    """``torch.autograd.grad`` and ``backward()`` are traced into the graph."""
    with torch._dynamo.config.patch(trace_autograd_ops=True):
        yield


def same(ours: Any, theirs: Any, bound: float = 1e-12) -> None:
    """Every tensor within a bound of the largest entry; a gradient that is not there is missing on both sides."""
    for got, expected in zip(ours, theirs, strict=True):
        assert (got is None) == (expected is None)
        if got is not None:
            scale = max(1.0, float(expected.detach().abs().max()))
            torch.testing.assert_close(got, expected, rtol=0, atol=bound * scale)


def critic(library: Any) -> nn.Sequential:
    """A small network that judges images of 12 × 12."""
    torch.manual_seed(0)
    return nn.Sequential(
        *(library.Conv2d(1, 8, 4, 2, 1), library.LeakyReLU(0.2), library.Conv2d(8, 16, 4, 2, 1)),
        *(library.GroupNorm(2, 16), library.LeakyReLU(0.2), library.Flatten(), library.Linear(144, 1)),
    ).double()


def penalty(net: Callable[[Tensor], Tensor], x: Tensor, parameters: list[Tensor]) -> tuple[Tensor, ...]:
    """The gradients of a critic's value and its gradient penalty."""
    h = x.detach().requires_grad_()
    (g,) = grad(net(h).pow(2).sum(), h, create_graph=True)
    return grad(((g.flatten(1).norm(dim=1) - 1) ** 2).mean() + net(x).mean(), parameters)


# ------------------------------------------------------------------- CASES 15: a second derivative inside one graph


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_gradient_penalty_in_one_graph_is_the_eager_one(backend: str) -> None:
    """Of a network; of each layer alone see below."""
    net, x = critic(ours), spread_out(IMAGES)
    parameters = list(net.parameters())
    compiled = torch.compile(lambda x: penalty(net, x, parameters), fullgraph=True, backend=backend)
    same(compiled(x), penalty(net, x, parameters))


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("way", ["by_hand", "convert"])
def test_a_gradient_penalty_of_a_torch_model_in_one_graph(way: str) -> None:
    net, x = critic(nn), spread_out(IMAGES)
    parameters = list(net.parameters())
    expected = penalty(net, x, parameters)
    if way == "convert":
        net = manualconv.convert(net)

    def step(x: Tensor) -> tuple[Tensor, ...]:
        if way == "convert":
            return penalty(net, x, parameters)
        with by_hand():
            return penalty(net, x, parameters)

    same(torch.compile(step, fullgraph=True, backend="eager")(x), expected)


@pytest.mark.usefixtures("traced")
def test_a_third_derivative_in_one_graph_is_the_eager_one() -> None:
    def third(x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
        y = functional.sigmoid(functional.conv2d(functional.gelu(x), w, padding=1))
        (first,) = grad(y.pow(3).sum(), x, create_graph=True)
        (second,) = grad(first.pow(2).sum(), x, create_graph=True)
        return grad(second.pow(2).sum(), (x, w))

    x, w = spread_out((2, 2, 4, 4)).requires_grad_(), spread_out((2, 2, 3, 3), 1).requires_grad_()
    same(torch.compile(third, fullgraph=True, backend="eager")(x, w), third(x, w))


@pytest.mark.usefixtures("traced")
def test_a_gradient_taken_without_create_graph_is_a_constant_in_the_graph() -> None:
    """So it is eagerly: nothing may flow back through it."""

    def step(x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
        (g,) = grad(functional.linear(x, w).pow(2).sum(), w, retain_graph=True)
        return grad((w - g.detach()).pow(2).sum() + (g * w).sum(), w)

    x, w = spread_out((3, 4)), spread_out((2, 4), 1).requires_grad_()
    same(torch.compile(step, fullgraph=True, backend="eager")(x, w), step(x, w))


@pytest.mark.usefixtures("traced")
def test_backward_inside_the_graph_fills_the_gradients() -> None:
    found = []
    for compiled in (False, True):
        net, x = critic(ours), spread_out(IMAGES)

        def step(x: Tensor, net: nn.Module = net) -> Tensor:
            h = x.detach().requires_grad_()
            (g,) = grad(net(h).sum(), h, create_graph=True)
            loss = g.square().sum() + net(x).mean()
            loss.backward()
            return loss.detach()

        loss = (torch.compile(step, backend="eager") if compiled else step)(x)
        found.append([loss, *[p.grad for p in net.parameters()]])
    same(found[1], found[0])


@LOOKED_AT
def test_a_gradient_penalty_outside_a_compiled_critic() -> None:
    """Without the setting, the critic alone being compiled."""
    net, x = critic(ours), spread_out(IMAGES)
    parameters = list(net.parameters())
    expected = penalty(net, x, parameters)
    same(penalty(torch.compile(net, backend="eager"), x, parameters), expected)


def test_a_compiled_critic_under_a_checkpoint() -> None:
    net, x = critic(ours), spread_out(IMAGES)
    parameters = list(net.parameters())
    expected = penalty(net, x, parameters)
    fast = torch.compile(net, backend="eager")
    same(penalty(lambda h: checkpoint(fast, h, use_reentrant=False), x, parameters), expected)


def test_grad_of_grad_by_torch_func_inside_the_graph() -> None:
    def energy(x: Tensor, w: Tensor) -> Tensor:
        y = functional.leaky_relu(functional.conv2d(x, w), 0.2)
        return functional.layer_norm(y, y.shape[1:]).pow(3).sum()

    def second(x: Tensor, w: Tensor) -> Any:
        first = torch.func.grad(lambda x, w: torch.func.grad(energy)(x, w).pow(2).sum(), (0, 1))
        return first(x, w)

    x, w = spread_out((2, 2, 4, 4)), spread_out((3, 2, 2, 2), 1)
    same(torch.compile(second, fullgraph=True, backend="aot_eager")(x, w), second(x, w), 1e-10)


def doubled(x: Tensor, w: Tensor, g: Tensor, window: Any) -> Tensor:
    """A rule for the weight."""
    return 2 * exact_weight(x, w, g, window)


def ruled(x: Tensor, w: Tensor) -> Tensor:
    """A layer with a rule of its own."""
    return functional.conv2d(x, w, rules=Rules(weight=doubled))


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_rules_have_no_wrong_second_derivative(backend: str) -> None:
    """Of rules that a compiler traced, the first derivative is right, and the second one an error."""
    x, w = spread_out((2, 2, 4, 4)).requires_grad_(), spread_out((2, 2, 3, 3), 1).requires_grad_()
    compiled = torch.compile(ruled, backend=backend, fullgraph=True)
    same(grad(compiled(x, w).pow(2).sum(), (x, w)), grad(ruled(x, w).pow(2).sum(), (x, w)))
    # Behind AOTAutograd torch itself refuses.
    refused = NO_SECOND if backend == "eager" else DOUBLED
    with pytest.raises(RuntimeError, match=refused):
        second(compiled, x, w)


@LOOKED_AT
@pytest.mark.parametrize("in_one_graph", [True, False])
def test_rules_have_no_wrong_second_derivative_in_a_compiled_step(in_one_graph: bool) -> None:
    """The step takes the gradient itself: traced into the graph, or breaking it."""
    x, w = spread_out((2, 2, 4, 4)).requires_grad_(), spread_out((2, 2, 3, 3), 1).requires_grad_()
    step = torch.compile(lambda x, w: second(ruled, x, w), backend="eager", fullgraph=in_one_graph)
    with torch._dynamo.config.patch(trace_autograd_ops=in_one_graph), pytest.raises(RuntimeError, match=NO_SECOND):
        step(x, w)


DOUBLED = "aot_autograd does not currently support double backward"
NO_SECOND = "compiled derivative rules have no second derivative"


@LOOKED_AT
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_step_whose_gradient_breaks_the_graph_is_right_or_refused(backend: str) -> None:
    """Without the setting, ``torch.autograd.grad`` stands between two graphs; AOTAutograd's refuse a second one."""

    def layer(x: Tensor, w: Tensor) -> Tensor:
        return functional.gelu(functional.linear(x, w))

    x, w = spread_out((3, 4)).requires_grad_(), spread_out((2, 4), 1).requires_grad_()
    step = torch.compile(lambda x, w: second(layer, x, w), backend=backend)
    if backend == "eager":
        same(step(x, w), second(layer, x, w))
    else:
        with pytest.raises(RuntimeError, match=DOUBLED):
            step(x, w)


def second(layer: Callable[[Tensor, Tensor], Tensor], x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
    """The second derivative by both."""
    (g,) = grad(layer(x, w).pow(2).sum(), w, create_graph=True)
    return grad(g.pow(2).sum() + layer(x, w).sum(), (x, w))


#: Compiled together, because compiling costs the most.
GROUPS = {
    family.__name__.split(".")[-1]: [
        PAIRS[label] for each in family.OPERATIONS for label in each.examples if label in PAIRS
    ]
    for family in FAMILIES
}


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("group", GROUPS)
def test_second_derivatives_of_every_kind_in_one_graph(group: str) -> None:
    layers = GROUPS[group]
    applied = [layer.by_hand for layer in layers]  # cached behind a lock, which Dynamo does not enter

    def step(inputs: list[tuple[Tensor, ...]]) -> list[Tensor]:
        seconds: list[Tensor] = []
        for apply, tensors in zip(applied, inputs):
            y = apply(*tensors)
            gradients = grad(y.pow(2).sum(), tensors, create_graph=True)
            seconds += [y.detach(), *grad(sum((g.pow(2).sum() for g in gradients), y.sum()), tensors)]
        return seconds

    inputs = [layer.leaves() for layer in layers]
    same(torch.compile(step, backend="eager", fullgraph=True, dynamic=False)(inputs), step(inputs))


# ------------------------------------------------------------------------ CASES 27: a layer twice in a chain


@pytest.mark.parametrize(
    ("activation", "dynamic"), [*((name, True) for name in ("GELU", "Mish", "LeakyReLU", "Softplus")), ("GELU", False)]
)
def test_a_layer_twice_in_a_chain_compiles(activation: str, dynamic: bool) -> None:
    make = getattr(ours, activation)
    net = nn.Sequential(ours.Conv2d(1, 2, 3), make(), ours.Conv2d(2, 2, 3), make()).double()
    for size in (9, 10):
        x = spread_out((2, 1, size, size)).requires_grad_()
        inputs = (x, *net.parameters())
        y, expected = torch.compile(net, backend="eager", dynamic=dynamic)(x), net(x)
        same((y, *grad(y.sum(), inputs)), (expected, *grad(expected.sum(), inputs)))


# ----------------------------------------------------------------------- CASES 13: graphs that grew with the taps

X = (2, 4, 44, 42)
#: A layer with windows of k × k, and the shapes of its tensors.
WINDOWED: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[[int], list[tuple[int, ...]]]]] = {
    name: (lambda *t, name=name, f=f: f(functional, *t), lambda *t, f=f: f(torch.nn.functional, *t), shapes)
    for name, f, shapes in (
        ("max_pool2d", lambda m, k, x: m.max_pool2d(x, k, 3, k // 2), lambda k: [X]),
        ("max_pool2d dilated", lambda m, k, x: m.max_pool2d(x, (k, 2), 1, 1, (1, 3)), lambda k: [X]),
        ("avg_pool2d", lambda m, k, x: m.avg_pool2d(x, k, 3, k // 2), lambda k: [X]),
        ("lp_pool2d", lambda m, k, x: m.lp_pool2d(x, 2.0, k), lambda k: [X]),
        ("unfold", lambda m, k, x: m.unfold(x, k, 1, 1, 2), lambda k: [X]),
        ("conv2d", lambda m, k, x, w: m.conv2d(x, w, None, 2, 3), lambda k: [X, (3, 4, k, k)]),
        ("conv2d in groups", lambda m, k, x, w: m.conv2d(x, w, None, 2, 3, 1, 2), lambda k: [X, (2, 2, k, k)]),
        (
            "conv_transpose2d",
            lambda m, k, x, w: m.conv_transpose2d(x, w, None, 3, 1, 2, 2),
            lambda k: [(2, 4, 5, 4), (4, 1, k, k)],
        ),
        ("local_response_norm", lambda m, k, x: m.local_response_norm(x, k), lambda k: [X]),
    )
}


@pytest.mark.parametrize("name", WINDOWED)
def test_a_graph_does_not_grow_with_the_taps(name: str) -> None:
    by_hand_, by_torch, shapes = WINDOWED[name]
    counts = []
    for k in (3, 7, 28):
        if name == "unfold" and k == 28:
            k = 20  # dilated, no larger one fits

        def gradients(*inputs: Tensor, k: int = k, f: Callable[..., Any] = by_hand_) -> tuple[Tensor, ...]:
            y = f(k, *inputs)
            return (y, *grad(y.pow(2).sum(), inputs))

        inputs = [spread_out(shape, n).requires_grad_() for n, shape in enumerate(shapes(k))]
        graph = make_fx(gradients, tracing_mode="fake")(*inputs)
        counts.append(len(graph.graph.nodes))
        if k < 28:
            same(graph(*inputs), gradients(*inputs, f=by_torch))
    assert counts[0] == counts[1] == counts[2] < 200


@pytest.mark.parametrize("k", [2, 28])
def test_dynamo_sees_a_layer_as_few_nodes_at_any_kernel_size(k: int) -> None:
    sizes = []

    def keep(graph: torch.fx.GraphModule, _: Any) -> torch.fx.GraphModule:
        sizes.append(len(graph.graph.nodes))
        return graph

    x = spread_out((1, 1, 40, 40))
    y = torch.compile(lambda x: functional.max_pool2d(x, k), backend=keep, fullgraph=True)(x)
    assert torch.equal(y, torch.nn.functional.max_pool2d(x, k)) and sizes[0] < 20


def test_a_tie_and_a_nan_win_in_a_graph_as_they_do_outside() -> None:
    x = torch.tensor([[[1.0, 3.0, 3.0, 2.0], [3.0, float("nan"), 0.0, float("nan")], [-float("inf")] * 4]]).repeat(
        2, 1, 1
    )

    def pooled(x: Tensor) -> Any:
        return functional.max_pool2d(x, 2, 1, 1, return_indices=True)

    graph = make_fx(pooled, tracing_mode="fake")(x)
    for got, expected in zip(graph(x), torch.nn.functional.max_pool2d(x, 2, 1, 1, return_indices=True)):
        torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True)


# ------------------------------------------------------------------------------------ sizes that are not known


@pytest.mark.parametrize("arguments", [(3, 2, 1, 1, True, True), ((3, 2), 2, (1, 0), (1, 2))])
def test_maxima_and_their_places_of_any_width_in_one_graph(arguments: tuple[Any, ...]) -> None:
    """With padding, dilation and ceil_mode."""
    pool, theirs = ours.MaxPool2d(*arguments), nn.MaxPool2d(*arguments)
    compiled = torch.compile(pool, backend="eager", fullgraph=True)
    for size in ((2, 3, 9, 11), (2, 3, 9, 8)):
        x = spread_out(size)
        torch._dynamo.mark_dynamic(x, 3)
        got, expected = (f(x) if pool.return_indices else (f(x),) for f in (compiled, theirs))
        assert all(map(torch.equal, got, expected))
