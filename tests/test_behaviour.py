"""What a layer must survive inside PyTorch, shown on a convolution and a max pooling whose axes all differ.

One test each: gradient checks of every order, ``torch.func``, ``vmap``, autocast, ``torch.compile``, in-place
operations on the output, no reference cycles.
"""

from __future__ import annotations

import gc
import itertools
import weakref
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad, gradcheck, gradgradcheck

from manualconv import functional, nn
from tests.layers import spread_out


@dataclass(frozen=True)
class Layer:
    """One layer by hand and by torch, and the shapes of its tensors."""

    by_hand: Callable[..., Tensor]
    referee: Callable[..., Tensor]
    shapes: tuple[tuple[int, ...], ...]

    def tensors(self, seed: int = 0) -> tuple[Tensor, ...]:
        """Distinct numbers, far from ties."""
        return tuple(spread_out(shape, seed + n) for n, shape in enumerate(self.shapes))

    def leaves(self, seed: int = 0) -> tuple[Tensor, ...]:
        """The same, asking for gradients."""
        return tuple(t.requires_grad_() for t in self.tensors(seed))


CONVOLUTION = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2}
POOLING = {"kernel_size": (3, 2), "stride": (2, 1), "padding": 1, "dilation": (1, 2)}
LAYERS = {
    "conv2d": Layer(
        lambda x, w, b: functional.conv2d(x, w, b, **CONVOLUTION),
        lambda x, w, b: F.conv2d(x, w, b, **CONVOLUTION),
        ((2, 4, 4, 5), (4, 2, 3, 2), (4,)),
    ),
    "max_pool2d": Layer(
        lambda x: functional.max_pool2d(x, **POOLING), lambda x: F.max_pool2d(x, **POOLING), ((2, 3, 6, 5),)
    ),
}


@pytest.fixture(params=LAYERS.values(), ids=LAYERS)
def layer(request: pytest.FixtureRequest) -> Layer:
    """Each layer in turn."""
    return request.param


def close(ours: object, theirs: object) -> None:
    """Equal up to the order of a few dozen float64 additions."""
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def loss(apply: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A smooth scalar of the output that weighs every entry differently."""

    def scalar(*inputs: Tensor) -> Tensor:
        y = apply(*inputs)
        weights = torch.arange(1, y.numel() + 1, dtype=y.dtype).reshape(y.shape) / y.numel()
        return (weights * y**3).sum()

    return scalar


# ---------------------------------------------------------------------------------------- derivatives, numerically


def test_gradients_in_reverse_forward_and_batched_mode(layer: Layer) -> None:
    assert gradcheck(
        layer.by_hand,
        layer.leaves(),
        check_forward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=True,
        check_undefined_grad=True,
        check_grad_dtypes=True,
        nondet_tol=0.0,
    )


def test_gradients_without_any_tolerance(layer: Layer) -> None:
    """The layer is linear in each tensor between ties, so a difference quotient with step 1 on integers is exact."""
    integers = tuple((t.argsort().argsort() if t.dim() == 1 else t).double() for t in layer.tensors())
    integers = tuple((3 * (t * t.numel() / 2).round()).requires_grad_() for t in integers)
    assert gradcheck(layer.by_hand, integers, eps=1.0, atol=0, rtol=0)


def test_second_order_also_for_the_cotangent_and_forward_over_reverse(layer: Layer) -> None:
    assert gradgradcheck(
        layer.by_hand, layer.leaves(), gen_non_contig_grad_outputs=True, check_fwd_over_rev=True, nondet_tol=0.0
    )


def test_third_order(layer: Layer) -> None:
    inputs = layer.leaves()

    def second(last: Tensor) -> Tensor:
        tensors = (*inputs[:-1], last) if len(inputs) == 1 else (inputs[0], last, *inputs[2:])
        y = layer.by_hand(*tensors).pow(2)
        (first,) = grad(y.pow(2).sum(), tensors[0], create_graph=True)
        return grad(first.pow(2).sum(), last, create_graph=True)[0]

    assert gradcheck(second, (inputs[min(1, len(inputs) - 1)],))


# ------------------------------------------------------------------------------------------------- graph and memory


def test_no_reference_cycle_keeps_the_graph_alive(layer: Layer) -> None:
    gc.collect()
    gc.disable()
    try:
        y = layer.by_hand(*layer.leaves())
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_the_output_may_be_edited_in_place(layer: Layer) -> None:
    gradients = []
    for apply in (layer.by_hand, layer.referee):
        inputs = layer.leaves()
        y = apply(*inputs)
        assert not y._is_view()
        F.relu_(y).pow(2).sum().backward()
        gradients.append([t.grad for t in inputs])
    close(*gradients)


# ------------------------------------------------------------------------------------------------------- torch.func


def test_func_grad_vjp_jacrev_and_hessian(layer: Layer) -> None:
    inputs = layer.tensors()
    slots = tuple(range(len(inputs)))
    for transform in (torch.func.grad, torch.func.hessian):
        close(transform(loss(layer.by_hand), slots)(*inputs), transform(loss(layer.referee), slots)(*inputs))
    close(torch.func.jacrev(layer.by_hand, slots)(*inputs), torch.func.jacrev(layer.referee, slots)(*inputs))
    y, pullback = torch.func.vjp(layer.by_hand, *inputs)
    _, referee = torch.func.vjp(layer.referee, *inputs)
    close(pullback(spread_out(y.shape)), referee(spread_out(y.shape)))


def test_func_jvp_along_each_tensor_alone_and_along_all(layer: Layer) -> None:
    inputs, directions = layer.tensors(), layer.tensors(seed=7)
    for moving in itertools.product((False, True), repeat=len(inputs)):
        if not any(moving):
            continue
        slots = [n for n, moves in enumerate(moving) if moves]

        def along(apply: Callable[..., Tensor], slots: list[int] = slots) -> tuple[Tensor, Tensor]:
            def of_moving(*moved: Tensor) -> Tensor:
                tensors = list(inputs)
                for n, t in zip(slots, moved):
                    tensors[n] = t
                return apply(*tensors)

            return torch.func.jvp(of_moving, tuple(inputs[n] for n in slots), tuple(directions[n] for n in slots))

        close(along(layer.by_hand), along(layer.referee))


@pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr")  # linearize warns so for torch's layers too
def test_func_jacfwd_and_linearize(layer: Layer) -> None:
    inputs, directions = layer.tensors(), layer.tensors(seed=7)
    slots = tuple(range(len(inputs)))
    close(torch.func.jacfwd(layer.by_hand, slots)(*inputs), torch.func.jacrev(layer.referee, slots)(*inputs))
    y, push = torch.func.linearize(layer.by_hand, *inputs)
    close((y, push(*directions)), torch.func.jvp(layer.referee, inputs, directions))


def test_nested_forward_mode_is_right_and_never_a_silent_zero(layer: Layer) -> None:
    def twice(apply: Callable[..., Tensor]) -> Tensor:
        inputs, directions = layer.tensors(), layer.tensors(seed=7)

        def once(*tensors: Tensor) -> Tensor:
            return torch.func.jvp(lambda *t: apply(*(a * a for a in t)), tensors, directions)[1]

        return torch.func.jvp(once, inputs, directions)[1]

    ours = twice(layer.by_hand)
    assert ours.abs().max() > 0
    close(ours, twice(layer.referee))


# ------------------------------------------------------------------------------------------------------------- vmap


def mapped_axes(layer: Layer) -> list[tuple[int | None, ...]]:
    """Every choice of mapped tensors; the mapped axis is not always the first."""
    axes = [(None, 1), (None, 2), (None, 0)][: len(layer.shapes)]
    return [dims for dims in itertools.product(*axes) if any(at is not None for at in dims)]


def stacked(layer: Layer, dims: tuple[int | None, ...], size: int = 3) -> tuple[Tensor, ...]:
    """The layer's tensors, `size` of each that is mapped, along its axis."""
    return tuple(
        spread_out(shape if at is None else (*shape[:at], size, *shape[at:]), n)
        for n, (shape, at) in enumerate(zip(layer.shapes, dims))
    )


def test_vmap_over_each_tensor_and_all(layer: Layer) -> None:
    for dims in mapped_axes(layer):
        inputs = stacked(layer, dims)
        slots = tuple(range(len(inputs)))
        for by_hand, referee in (
            (layer.by_hand, layer.referee),
            (torch.func.grad(loss(layer.by_hand), slots), torch.func.grad(loss(layer.referee), slots)),
        ):
            one_by_one = [
                referee(*(t if at is None else t.select(at, n) for t, at in zip(inputs, dims))) for n in range(3)
            ]
            stack = [torch.stack(parts, 1) for parts in zip(*one_by_one)] if isinstance(one_by_one[0], tuple) else None
            got = torch.vmap(by_hand, dims, out_dims=1)(*inputs)
            close(got, torch.stack(one_by_one, 1) if stack is None else tuple(stack))


def test_vmap_nested_and_outside_a_hessian(layer: Layer) -> None:
    x = torch.stack([torch.stack([layer.tensors(s + 5 * t)[0] for s in range(2)]) for t in range(3)], -1)
    others = layer.tensors()[1:]
    got = torch.vmap(torch.vmap(lambda t: layer.by_hand(t, *others)), -1)(x)
    close(got, torch.stack([torch.stack([layer.referee(x[s, ..., t], *others) for s in range(2)]) for t in range(3)]))

    def curvature(apply: Callable[..., Tensor]) -> Callable[[Tensor], Tensor]:
        slope = torch.func.grad(lambda t: loss(apply)(t, *others))
        return lambda t: torch.func.jvp(slope, (t,), (t,))[1]

    images = x[..., 0]
    expected = torch.stack([curvature(layer.referee)(image) for image in images])
    close(torch.vmap(curvature(layer.by_hand))(images), expected)


# --------------------------------------------------------------------------------------------- autocast and compile


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("backward_inside", [True, False])
def test_autocast_gives_torch_s_dtypes_and_float32_gradients(dtype: torch.dtype, backward_inside: bool) -> None:
    x = spread_out((2, 4, 8, 9)).float()
    for ours, theirs in (
        (nn.Conv2d(4, 6, 3), torch.nn.Conv2d(4, 6, 3)),
        (nn.MaxPool2d(2), torch.nn.MaxPool2d(2)),
        (nn.Linear(9, 4), torch.nn.Linear(9, 4)),
        (nn.AvgPool2d(2), torch.nn.AvgPool2d(2)),
    ):
        theirs.load_state_dict(ours.state_dict())
        outputs = []
        for module in (ours, theirs):
            leaf = x.clone().requires_grad_()
            with torch.autocast("cpu", dtype):
                y = module(leaf)
                if backward_inside:
                    y.float().pow(2).sum().backward()
            if not backward_inside:
                y.float().pow(2).sum().backward()
            outputs.append((y, leaf.grad, *(p.grad for p in module.parameters())))
        for got, expected in zip(*outputs):
            assert got.dtype == expected.dtype
        assert {g.dtype for g in outputs[0][1:]} == {torch.float32}


def test_autocast_leaves_float64_alone(layer: Layer) -> None:
    inputs = layer.leaves()
    with torch.autocast("cpu", torch.bfloat16):
        y = layer.by_hand(*inputs)
    assert y.dtype == layer.referee(*inputs).dtype == torch.float64
    close(y, layer.referee(*inputs))


@pytest.mark.parametrize("dynamic", [False, True])
def test_compile_in_one_graph_forward_and_backward(layer: Layer, dynamic: bool) -> None:
    torch._dynamo.reset()
    compiled = torch.compile(layer.by_hand, backend="aot_eager", fullgraph=True, dynamic=dynamic)
    parameters = layer.leaves()[1:]
    for parameter in parameters:
        torch._dynamo.mark_static(parameter)  # as a module's are
    for more in (0, 2):
        shape = (layer.shapes[0][0] + more, layer.shapes[0][1], *(n + more for n in layer.shapes[0][2:]))
        inputs = (spread_out(shape).requires_grad_(), *parameters)
        ours, theirs = compiled(*inputs), layer.referee(*inputs)
        cotangent = spread_out(theirs.shape, 3)
        close((ours, *grad(ours, inputs, cotangent)), (theirs, *grad(theirs, inputs, cotangent)))


def test_compile_of_func_grad(layer: Layer) -> None:
    torch._dynamo.reset()
    inputs = layer.tensors()
    slots = tuple(range(len(inputs)))
    compiled = torch.compile(torch.func.grad(loss(layer.by_hand), slots), backend="aot_eager")
    close(compiled(*inputs), torch.func.grad(loss(layer.referee), slots)(*inputs))
