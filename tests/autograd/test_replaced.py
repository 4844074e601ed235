"""Activations and pools under rules of their own: the gradient is the rule's, all else is the layer's."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import forward_ad, grad, gradcheck

from manualconv import by_hand, functional
from manualconv.autograd import Rules, exact_pool, exact_slope
from manualconv.geometry import Intervals, Window
from manualconv.testing.catalogue import activation
from tests.layers import FUNCTIONS, Example, close, spread_out

#: Every public activation and pool by the slot that it has, with arguments that are not the defaults.
SLOPES = {
    each.name: FUNCTIONS[each.name]
    for each in activation.OPERATIONS
    if "soft" not in each.name or each.name == "softplus"
}
POOLS = {name: row for name, row in FUNCTIONS.items() if "_pool" in name and not name.startswith(("lp", "fractional"))}
POOLS |= {
    "lp_pool1d": Example("lp_pool1d", ((2, 2, 7),), (torch.inf, 3, 2)),
    "lp_pool2d": Example("lp_pool2d", ((2, 2, 6, 5),), (2.0, (3, 2), (2, 1), True)),
    "lp_pool3d": Example("lp_pool3d", ((1, 2, 3, 4, 4),), (1.0, (1, 2, 2))),
}
SLOT = dict.fromkeys(SLOPES, "slope") | dict.fromkeys(POOLS, "pool")
LAYERS = {**SLOPES, **POOLS}
EVERY = pytest.mark.parametrize("name", SLOT)


def cubed(x: Tensor, grad_output: Tensor, *_: Any) -> Tensor:
    """A rule that no layer's own gradient is, and not additive over a batch."""
    return x**3 * (grad_output**2).sum()


RULES = Rules(slope=lambda z, grad_output: cubed(z, grad_output), pool=cubed)


def tensors(name: str) -> Tensor:
    (shape,) = LAYERS[name].shapes
    return spread_out(shape).requires_grad_()


def run(name: str, x: Tensor, rules: Rules = RULES) -> Tensor:
    with rules.of([SLOT[name]]) or rules:
        return LAYERS[name].by_hand(x)


def energy(name: str, x: Tensor) -> Tensor:
    return (run(name, x) ** 2).sum()


@EVERY
def test_the_gradient_is_the_rule_s_and_values_and_tangents_stay_the_layer_s(name: str) -> None:
    x, y = tensors(name), LAYERS[name].by_hand(tensors(name))
    ruled, cotangent = run(name, x), spread_out(y.shape, 3)
    assert torch.equal(ruled, y) and ruled.stride() == y.stride()
    (x_bar,) = grad(ruled, x, cotangent, create_graph=True)
    close(x_bar, cubed(x, cotangent))
    close(grad(x_bar.sum(), x)[0], 3 * x**2 * (cotangent**2).sum())
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x.detach(), spread_out(x.shape, 5))
        got, exact = (forward_ad.unpack_dual(f(dual)).tangent for f in (lambda t: run(name, t), LAYERS[name].by_hand))
    assert torch.equal(got, exact)


@EVERY
def test_each_element_of_a_mapped_axis_keeps_its_own_rule(name: str) -> None:
    rows = torch.stack([spread_out(LAYERS[name].shapes[0], n) for n in range(2)])
    one = torch.func.grad(lambda t: energy(name, t))
    close(torch.vmap(one)(rows), torch.stack([one(row) for row in rows]))
    close(one(rows[0]), grad(energy(name, x := rows[0].requires_grad_()), x)[0])


@EVERY
def test_exact_slope_and_exact_pool_take_a_rule_back(name: str) -> None:
    x = tensors(name)
    with RULES.of([SLOT[name]]) or RULES:
        y = run(name, x, Rules(slope=exact_slope, pool=exact_pool))
    close(grad(y.sum(), x), grad(LAYERS[name].by_hand(x).sum(), x))


def test_what_a_pool_s_rule_sees() -> None:
    seen: list[Any] = []

    def watch(x: Tensor, g: Tensor, window: Window | Intervals) -> Tensor:
        seen.append((tuple(x.shape), x.dtype, g.dtype, type(window), window.input_size, window.output_size))
        return x

    x = torch.rand(3, 5, 4, dtype=torch.bfloat16, requires_grad=True)
    calls: tuple[Callable[[Tensor], Any], ...] = (
        lambda t: functional.max_pool2d(t, 2, ceil_mode=True, return_indices=True)[0],
        lambda t: functional.avg_pool2d(t, 3, 1, 1),
        lambda t: functional.adaptive_max_pool2d(t, (3, 1)),
        lambda t: functional.lp_pool2d(t, 2, 2, 1),
        lambda t: functional.lp_pool2d(t, torch.inf, (2, 1)),
    )
    for call in calls:
        with Rules(pool=watch):
            y = call(x)
        assert torch.equal(grad(y.sum(), x)[0], x)
    sizes = ((Window, (3, 2)), (Window, (5, 4)), (Intervals, (3, 1)), (Window, (4, 3)), (Window, (2, 4)))
    assert seen == [((1, 3, 5, 4), x.dtype, x.dtype, kind, (5, 4), size) for kind, size in sizes]
    seen.clear()
    x = torch.rand(1, 3, 5, 4, dtype=torch.bfloat16, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16), Rules(pool=watch):
        y = functional.lp_pool3d(x, 2, 2) + functional.avg_pool3d(x, 2)
    assert grad(y.sum(), x)[0].dtype == x.dtype and {row[1] for row in seen} == {torch.float32} and len(seen) == 2


def test_a_rule_takes_the_place_of_the_rule_for_ties_and_leaves_layout_and_indices() -> None:
    x = torch.zeros(2, 3, 4, 4).to(memory_format=torch.channels_last).requires_grad_()
    with Rules(pool=lambda x, g, window: torch.full_like(x, 7)):
        y, index = functional.max_pool2d(x, 2, return_indices=True, ties="split")
    plain, where = functional.max_pool2d(x, 2, return_indices=True, ties="split")
    assert torch.equal(y, plain) and torch.equal(index, where) and y.stride() == plain.stride()
    assert torch.equal(grad(y.sum(), x)[0], torch.full_like(x, 7))


@pytest.mark.parametrize(
    "overwrite",
    [
        *(lambda t: functional.relu(t, inplace=True), lambda t: functional.hardtanh(t, -1, 1, inplace=True)),
        *(lambda t: functional.silu(t, inplace=True), torch.relu_, torch.sigmoid_, torch.Tensor.tanh_, F.elu_),
        *(torch.selu_, torch.celu_, lambda t: F.hardswish(t, inplace=True), lambda t: torch._C._nn.gelu_(t)),
    ],
)
def test_an_activation_that_overwrites_its_input_hands_the_rule_what_was_there(overwrite: Any) -> None:
    x = spread_out((3, 4)).requires_grad_()
    with by_hand(), RULES.of(["slope"]) or RULES:
        z = x * 1
        y = overwrite(z)
    assert y is z and not torch.equal(y, x)
    close(grad(y.sum(), x)[0], cubed(x, torch.ones_like(x)))


def test_without_gradients_or_for_integers_a_rule_has_nothing_to_do() -> None:
    for x in (torch.arange(-2, 2), torch.randn(4)):
        with Rules(slope=lambda z, g: g):
            assert torch.equal(functional.relu(x), x.clamp(min=0))


@pytest.mark.parametrize("slot", ["slope", "pool"])
def test_what_a_rule_returns_is_checked_and_none_is_no_gradient(slot: str) -> None:
    layer = {"slope": functional.relu, "pool": lambda x: functional.max_pool1d(x, 2)}[slot]
    x = spread_out((1, 2, 4)).requires_grad_()
    for wrong, words in ((lambda x, g, *_: g.float(), r"got float32"), (lambda *_: 3, "got int")):
        with Rules(**{slot: wrong}):
            y = layer(x)
        with pytest.raises(
            RuntimeError, match=rf"{slot} rule .* {words}.*expected float64 \[1, 2, 4\].*like the input"
        ):
            y.sum().backward()
    with Rules(**{slot: lambda *_: None}):
        y = layer(x)
    assert grad(y.sum(), x, allow_unused=True) == (None,)


def test_a_rule_keeps_the_input_alone() -> None:
    x = spread_out((1, 2, 6)).requires_grad_()
    with RULES:
        results = functional.max_pool1d(x, 2), functional.relu(x)
    for y in results:
        assert y.grad_fn is not None
        assert [type(node).__name__ for node, _ in y.grad_fn.next_functions if node] == ["AccumulateGrad"]
        assert [t.data_ptr() for t in y.grad_fn.saved_tensors] == [x.data_ptr()]  # type: ignore[attr-defined]


def test_a_smooth_rule_is_differentiated_numerically() -> None:
    def slope(z: Tensor, cotangent: Tensor) -> Tensor:
        with Rules(slope=lambda z, g: g * z.sin()):
            y = functional.relu(z)
        return grad(y, z, cotangent, create_graph=True)[0]

    assert gradcheck(slope, (spread_out((5,)).requires_grad_(), spread_out((5,), 1).requires_grad_()))


def test_the_stand_ins_cannot_be_called() -> None:
    x = torch.ones(1, 1, 2)
    with pytest.raises(RuntimeError, match="exact_slope cannot be called: put it into the slot"):
        exact_slope(x, x)
    with pytest.raises(RuntimeError, match="exact_pool cannot be called"):
        exact_pool(x, x, Intervals((2,), (1,)))
