"""Derivatives that were dropped or missing without a word: each must be there where torch has one, and be torch's."""

import copy
import itertools
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.autograd import grad
from torch.autograd.graph import saved_tensors_hooks

from manualconv import by_hand, convert, functional, restore
from manualconv.testing.catalogue.activation import ENTRYWISE, KINKS
from tests.layers import MODULES, PAIRS, spread_out
from tests.swap.calls import CALLS

Layer = Callable[..., object]

# ----------------------------------------------------------- row 8: zeros of higher order are tensors where torch's are

#: In torch 2.14 the third derivative of layer_norm is wrong (difference quotients agree with ours, see tests/proof).
WRONG_IN_TORCH = ("layer_norm", "LayerNorm")
#: What torch says of a derivative that it does not have.
NO_DERIVATIVE = (
    "derivative for aten::hardsigmoid_backward is not implemented",
    "batch_norm does not support 3rd+ order derivatives",
    "output_padding is not supported for non-transposed convolutions",
    "backward calculation is triggered with a negative slope",  # of what was overwritten in place
)


def outputs(y: object) -> list[Tensor]:
    """The tensors among a layer's results that have a derivative."""
    return [t for t in (y if isinstance(y, (tuple, list)) else [y]) if isinstance(t, Tensor) and t.requires_grad]


def orders(layer: Layer, leaves: tuple[Tensor, ...], each: int | None = None) -> list[tuple[Tensor | None, ...]]:
    """Gradients by the leaves, then by leaves and cotangents of those gradients, then once more.

    From the second order on, of all gradients together, each with its own cotangent, or of the one numbered `each`.
    It ends where torch has no derivative of that order, or nothing is left that asks for one.
    """
    torch.manual_seed(0)
    ys = outputs(layer(*leaves))
    cotangents = [spread_out(y.shape, 3 + n).to(y.dtype).requires_grad_() for n, y in enumerate(ys)]
    asked, found = (*leaves, *cotangents), list[tuple[Tensor | None, ...]]()
    for order in range(3):
        if not ys:
            break
        try:
            found.append(grad(ys, asked if order else leaves, cotangents, create_graph=True, allow_unused=True))
        except (NotImplementedError, RuntimeError) as error:
            assert any(words in str(error) for words in NO_DERIVATIVE), error  # noqa: PT017
            break
        ys = [g for n, g in enumerate(found[-1]) if g is not None and g.requires_grad and (order or each in (None, n))]
        cotangents = [spread_out(y.shape, 11 + order + n).to(y.dtype) for n, y in enumerate(ys)]
    return found


def agree(ours: Layer, theirs: Layer, shapes: tuple[tuple[int, ...], ...], values: bool = True) -> None:
    """None where torch's is None, a tensor where it is one, with its numbers and with a graph where it has one."""

    def leaves() -> tuple[Tensor, ...]:
        return tuple(spread_out(shape, n).requires_grad_() for n, shape in enumerate(shapes))

    for each in (None, *range(len(shapes))) if len(shapes) > 1 else (None,):
        got, expected = (orders(layer, leaves(), each) for layer in (ours, theirs))
        assert len(got) >= len(expected)
        for order, (mine, torchs) in enumerate(zip(got, expected)):
            assert [g is None for g in mine] == [g is None for g in torchs], f"order {order + 1}, of {each}"
            for g, e in zip(mine, torchs):
                if g is None or e is None:
                    continue
                assert g.requires_grad or order == 2 or not e.requires_grad, f"order {order + 1}, of {each}"
                if values or order < 2:
                    atol = 1e-6 * max(1.0, float(e.detach().abs().max()) if e.numel() else 1.0)
                    torch.testing.assert_close(g, e, rtol=0, atol=atol)


Pair = tuple[Layer, Layer, tuple[tuple[int, ...], ...]]


def within(call: Layer, shapes: tuple[tuple[int, ...], ...]) -> Pair:
    """A call of torch's in a block and outside it, and the shapes of its tensors."""

    def ours(*tensors: Tensor) -> object:
        with by_hand():
            return call(*tensors)

    return ours, call, shapes


#: Ours alone: torch has no such layer.
OURS_ALONE = ("Subsample1d", "Subsample2d", "Subsample3d", "ScaledTanh")
TWINS = {name: row for name, row in MODULES.items() if name not in OURS_ALONE}


def order_two(
    layer: Layer, shapes: tuple[tuple[int, ...], ...], asked: tuple[bool, ...], weighted: bool
) -> list[object] | None:
    """Of each gradient of a linear loss: None; that it has no graph; or which gradients it has itself, of it alone.

    None where torch has no derivative.
    """
    leaves = tuple(spread_out(shape, n).requires_grad_(on) for n, (shape, on) in enumerate(zip(shapes, asked)))
    given = [t for t in leaves if t.requires_grad]
    if not given:
        return []
    torch.manual_seed(0)
    ys = outputs(layer(*leaves))
    if not ys:
        return []
    ys = [y * spread_out(y.shape, 3 + n).to(y.dtype) for n, y in enumerate(ys)] if weighted else ys
    found: list[object] = []
    try:
        for g in grad([y.sum() for y in ys], given, create_graph=True, allow_unused=True):
            if g is None or not g.requires_grad:
                found.append(None if g is None else "no graph")
            else:
                second = grad(g.sum(), given, retain_graph=True, allow_unused=True)
                found.append([t is not None for t in second])
    except (NotImplementedError, RuntimeError) as error:
        assert any(words in str(error) for words in NO_DERIVATIVE), error  # noqa: PT017
        return None
    return found


def agree_alone(ours: Layer, theirs: Layer, shapes: tuple[tuple[int, ...], ...]) -> None:
    """For every choice of what asks for a gradient, frozen parameters and constant inputs among them."""
    for asked in itertools.product((True, False), repeat=len(shapes)):
        for weighted in (False, True):
            expected = order_two(theirs, shapes, asked, weighted)
            assert expected is None or order_two(ours, shapes, asked, weighted) == expected, (asked, weighted)


def twins(name: str) -> Pair:
    """Our module and torch's as functions of the input and of the parameters, and the shapes of these."""
    make, shape = TWINS[name]
    ours = make().double()
    theirs = restore(copy.deepcopy(ours))
    assert type(ours) is not type(theirs) or list(ours.children())
    names = [key for key, _ in ours.named_parameters()]

    def run(module: torch.nn.Module) -> Layer:
        return lambda x, *p: torch.func.functional_call(module, dict(zip(names, p)), (x,))

    return run(ours), run(theirs), (shape, *(tuple(p.shape) for p in ours.parameters()))


#: Every call that a block maps, and every module, ours and torch's, by name.
TRIED: dict[str, Callable[[], Pair]] = {
    f"{getattr(function, '__name__', function)} {n}.{m}": partial(within, *call)
    for n, (function, calls) in enumerate(CALLS.items())
    for m, call in enumerate(calls)
}
TRIED |= {name: partial(twins, name) for name in TWINS}


@pytest.mark.parametrize("name", TRIED)
@pytest.mark.filterwarnings("ignore")
def test_a_gradient_is_none_by_hand_only_where_torch_s_is(name: str) -> None:
    agree(*TRIED[name](), name.split()[0] not in WRONG_IN_TORCH)


@pytest.mark.parametrize("name", TRIED)
@pytest.mark.filterwarnings("ignore")
def test_each_gradient_alone_has_a_graph_and_gradients_where_torch_s_has(name: str) -> None:
    """Row 8's kind: the bias's gradient had no graph, and grad of it raised; group norm's bias got None for zeros."""
    agree_alone(*TRIED[name]())


def test_what_gives_a_gradient_its_graph_is_there_under_create_graph_alone_and_holds_nothing() -> None:
    x, w, b = (spread_out(shape).requires_grad_() for shape in ((1, 2, 4), (3, 2, 2), (3,)))
    assert grad(functional.conv1d(x, w, b).sum(), b)[0].grad_fn is None
    alone = functional.conv1d(x.detach(), w.detach(), b)
    assert grad(alone.sum(), b, create_graph=True)[0].grad_fn is None  # as torch's, where nothing but the bias asks
    packed: list[Tensor] = []
    y = functional.conv1d(x, w, b)
    with saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
        h = grad(y.sum(), (w, b), create_graph=True)
    assert h[1].grad_fn is not None and all(t.untyped_storage().data_ptr() != h[1].data_ptr() for t in packed)


#: What is constant or linear between two layers with parameters, and a size for it.
BETWEEN = {
    **{layer.name: layer.of(torch.nn) for name in KINKS for layer in ENTRYWISE[name].layers},
    "relu in place": torch.nn.ReLU(inplace=True),
    "max pool": torch.nn.MaxPool2d(2),
    "average pool": torch.nn.AvgPool2d(2),
    "adaptive average": torch.nn.AdaptiveAvgPool2d(3),
    "adaptive maximum": torch.nn.AdaptiveMaxPool2d(3),
    "global average": torch.nn.AdaptiveAvgPool2d(1),
    "power average": torch.nn.LPPool2d(2, 2),
    "reflect": torch.nn.ReflectionPad2d(1),
    "replicate": torch.nn.ReplicationPad2d(1),
    "circular": torch.nn.CircularPad2d(1),
    "zeros": torch.nn.ZeroPad2d(1),
    "evaluation": torch.nn.BatchNorm2d(3).eval(),
    "flatten": torch.nn.Flatten(2),
    "nothing": torch.nn.Identity(),
}


def penalised(net: torch.nn.Module) -> list[Tensor | None]:
    """What a penalty on the input's gradient leaves in x and in every parameter."""
    x = spread_out((2, 2, 5, 5)).requires_grad_()
    (slope,) = grad(net(x).pow(2).sum(), x, create_graph=True)
    if slope.requires_grad:
        slope.square().sum().backward()
    (of_sum,) = grad(net(x).sum(), x, create_graph=True)
    return [
        x.grad,
        *(p.grad for p in net.parameters()),
        *(grad(of_sum.sum(), x, allow_unused=True) if of_sum.requires_grad else ()),
    ]


@pytest.mark.parametrize("way", ["by hand", "converted"])
@pytest.mark.parametrize("name", BETWEEN)
def test_a_gradient_penalty_leaves_zeros_in_every_bias_that_torch_leaves_them_in(name: str, way: str) -> None:
    """The row's own net, and its kind: an optimiser with weight decay steps where there is a zero."""
    torch.manual_seed(1)
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 2, padding=1), copy.deepcopy(BETWEEN[name]), torch.nn.Flatten(), torch.nn.LazyLinear(2)
    ).double()
    theirs(spread_out((2, 2, 5, 5)))
    ours, expected = copy.deepcopy(theirs), penalised(theirs)
    if way == "converted":
        got = penalised(convert(ours))
    else:
        with by_hand():
            got = penalised(ours)
    assert [g is None for g in got] == [g is None for g in expected]
    for g, e in zip(got, expected):
        assert g is None or torch.allclose(g, e, rtol=0, atol=1e-11)


FLAT = {name: PAIRS[name] for name in (*KINKS, "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "pad reflect")}


@pytest.mark.parametrize("name", FLAT)
def test_a_second_derivative_that_is_zero_is_zero_inside_torch_func(name: str) -> None:
    layer = FLAT[name]
    (x,) = layer.tensors()
    for transform in (
        lambda f: torch.func.jacrev(torch.func.jacrev(f)),
        lambda f: torch.func.jacfwd(torch.func.jacrev(f)),
        lambda f: torch.func.jacrev(torch.func.jacfwd(f)),
        lambda f: torch.func.jacfwd(torch.func.jacfwd(f)),
        torch.func.hessian,
    ):
        curvature = transform(lambda t: layer.by_hand(t).sum())(x)
        assert torch.equal(curvature, torch.zeros(*x.shape, *x.shape, dtype=x.dtype))
    mapped = torch.vmap(torch.func.hessian(lambda t: layer.by_hand(t).sum()))(torch.stack([x, 2 * x]))
    assert torch.equal(mapped, torch.zeros(2, *x.shape, *x.shape, dtype=x.dtype))


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "pad reflect"])
def test_the_zero_of_second_order_keeps_no_input_alive(name: str) -> None:
    """Torch keeps x itself; here what leads to x is empty, and nothing is kept where nothing asks."""
    (x,) = PAIRS[name].leaves()
    packed: list[Tensor] = []
    with saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
        PAIRS[name].by_hand(x)
    assert all(t.untyped_storage().data_ptr() != x.untyped_storage().data_ptr() or t.numel() == 0 for t in packed)
    packed.clear()
    with saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
        assert PAIRS[name].by_hand(x.detach()).grad_fn is None
    assert packed == []


def test_an_infinite_cotangent_passes_a_linked_gradient_unchanged() -> None:
    """What leads to the input adds nothing to the first gradient, whatever stands in it."""
    x = spread_out((1, 1, 2, 4)).requires_grad_()
    cotangent = torch.tensor([[[[-torch.inf, 3.0]]]], dtype=torch.float64)
    first, linked = (
        grad(functional.max_pool2d(x, 2), x, cotangent, create_graph=create)[0] for create in (False, True)
    )
    assert linked.requires_grad and torch.equal(first, linked) and int(first.isinf().sum()) == 1
