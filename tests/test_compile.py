"""Under ``torch.compile`` and ``torch.export`` a layer is one graph with the eager results, at any size."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch._dynamo.testing import CompileCounterWithBackend
from torch.autograd import grad

from manualconv import functional, nn
from manualconv.autograd.pointwise import Pointwise
from tests.layers import MODULES, PAIRS, TWINS, WEIGHTED, Example, Layer, close, spread_out, weighed

EVERY_MODULE = pytest.mark.parametrize("twins", TWINS.values(), ids=TWINS)

#: Recompiled for another size from scratch each time: what one test compiled is nothing to the next.
pytestmark = pytest.mark.usefixtures("forgotten")


def same_compiled(compiled: Callable[..., Tensor], layer: Example, inputs: tuple[Tensor, ...]) -> None:
    """Value and gradients are the referee's."""
    ours, theirs = compiled(*inputs), layer.referee(*inputs)
    cotangent = spread_out(theirs.shape, 3)
    close((ours, *grad(ours, inputs, cotangent)), (theirs, *grad(theirs, inputs, cotangent)))


#: Compiling takes seconds.  Unless all is wanted (`make prove`), any number of samples is that of every second layer,
#: func.grad inside, where plain code is traced, that of every third, and sizes are taken for constants of those with a
#: weight.  Two derivatives in one graph, of every kind of layer, are in tests/reports/test_compiled.py.
ALL = os.environ.get("MANUALCONV_PROOF_PART") == "1"
THIRD = dict(list(PAIRS.items())[:: 1 if ALL else 3])
STATIC = PAIRS if ALL else WEIGHTED


@pytest.mark.parametrize("layer", STATIC.values(), ids=STATIC)
def test_one_graph_forward_and_backward(layer: Example) -> None:
    compiled = torch.compile(layer.by_hand, backend="aot_eager", fullgraph=True, dynamic=False)
    same_compiled(compiled, layer, layer.leaves())


#: Convolutions have sizes of images that grow, too: test_one_graph_for_every_size.
ANY_BATCH = {name: layer for name, layer in list(PAIRS.items())[:: 1 if ALL else 2] if name not in WEIGHTED}


def with_batch(layer: Example, size: int) -> tuple[Tensor, ...]:
    """Leaves with so many samples, whose number is a symbol; a target as large as the input grows with it."""
    first = layer.shapes[0]
    shapes = [(size, *shape[1:]) if shape == first else shape for shape in layer.shapes]
    inputs = replace(layer, shapes=tuple(shapes)).leaves()
    for t, shape in zip(inputs, layer.shapes):
        if shape == first:
            torch._dynamo.mark_dynamic(t, 0)
    return inputs


@pytest.mark.parametrize("layer", ANY_BATCH.values(), ids=ANY_BATCH)
def test_one_graph_for_any_number_of_samples(layer: Example) -> None:
    counter = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(layer.by_hand, backend=counter, fullgraph=True)
    for size in (2, 5):
        same_compiled(compiled, layer, with_batch(layer, size))
    assert counter.frame_count == 1


@pytest.mark.parametrize("kernel_size", [(1, 1), (3, 2)])
def test_one_graph_of_the_plainest_convolution(kernel_size: tuple[int, int]) -> None:
    """No padding, steps of one: what a window keeps is first asked for by the backward."""
    plain = Example("conv2d", ((2, 3, 5, 4), (2, 3, *kernel_size)))
    same_compiled(torch.compile(plain.by_hand, backend="aot_eager", fullgraph=True), plain, plain.leaves())


@pytest.mark.parametrize(("name", "growing"), [("conv2d", [0, 3]), ("conv_transpose2d", [0]), ("max_pool2d", [0, 3])])
def test_one_graph_for_every_size(name: str, growing: list[int]) -> None:
    layer, counter = PAIRS[name], CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(layer.by_hand, backend=counter, fullgraph=True)
    for more in (0, 2, 5):
        shape = [size + more * (axis in growing) for axis, size in enumerate(layer.shapes[0])]
        inputs = (spread_out(shape).requires_grad_(), *layer.leaves()[1:])
        torch._dynamo.mark_dynamic(inputs[0], growing)
        same_compiled(compiled, layer, inputs)
    assert counter.frame_count == 1


def test_one_graph_of_a_loss_for_every_number_of_samples() -> None:
    counter = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(lambda z, t: functional.cross_entropy(z, t), backend=counter, fullgraph=True)
    for samples in (2, 5):
        z, target = spread_out((samples, 3, 4)).requires_grad_(), torch.arange(4 * samples).reshape(-1, 4) % 3
        for t in (z, target):
            torch._dynamo.mark_dynamic(t, 0)
        ours, theirs = compiled(z, target), F.cross_entropy(z, target)
        close((ours, *grad(ours, z)), (theirs, *grad(theirs, z)))
    assert counter.frame_count == 1


def test_every_number_may_be_dynamic() -> None:
    layer = PAIRS["linear"]
    compiled = torch.compile(layer.by_hand, backend="aot_eager", fullgraph=True, dynamic=True)
    for size in (4, 7):
        x, w, b = spread_out((2, size, size)), spread_out((3, size)), spread_out((3,))
        same_compiled(compiled, layer, tuple(t.requires_grad_() for t in (x, w, b)))


@pytest.mark.parametrize("layer", THIRD.values(), ids=THIRD)
def test_func_grad_inside(layer: Example) -> None:
    inputs = layer.tensors()
    slots = tuple(range(len(inputs)))
    compiled = torch.compile(torch.func.grad(weighed(layer.by_hand), slots), backend="aot_eager", fullgraph=True)
    close(compiled(*inputs), torch.func.grad(weighed(layer.referee), slots)(*inputs))


def test_func_grad_inside_of_layers_one_after_another() -> None:
    """Dynamo takes the second layer's weight for one that needs no gradient, its input for one that does."""
    shapes = ((2, 3, 5), (4, 3, 2), (4,), (3, 4, 2), (3,), (2, 9), (2,))
    tensors = tuple(spread_out(shape, n) for n, shape in enumerate(shapes))

    def network(library: object) -> Callable[..., Tensor]:
        def apply(x: Tensor, w: Tensor, b: Tensor, v: Tensor, c: Tensor, u: Tensor, d: Tensor) -> Tensor:
            x = torch.tanh(library.conv1d(torch.tanh(library.conv1d(x, w, b)), v, c))
            return library.linear(x.flatten(1), u, d).square().sum()

        return torch.func.grad(apply, tuple(range(len(shapes))))

    compiled = torch.compile(network(functional), backend="aot_eager", fullgraph=True)
    close(compiled(*tensors), network(F)(*tensors))


def test_func_grad_inside_has_our_slope_at_the_kink() -> None:
    z = torch.tensor([-1.0, 0.0, -0.0, 2.0, 1e-300], dtype=torch.float64)
    compiled = torch.compile(torch.func.grad(lambda t: functional.relu(t).sum()), backend="aot_eager", fullgraph=True)
    assert torch.equal(compiled(z), torch.func.grad(lambda t: F.relu(t).sum())(z))


@pytest.mark.parametrize("layer", [PAIRS["conv2d"], PAIRS["linear"]], ids=["conv2d", "linear"])
def test_per_sample_gradients_and_products_with_jacobians_inside(layer: Example) -> None:
    x, *others = layer.tensors()
    images = torch.stack([x, x.flip(0), 2 * x])

    def per_sample(apply: Callable[..., Tensor]) -> Callable[..., object]:
        slots = tuple(range(len(layer.shapes)))
        return torch.vmap(torch.func.grad(weighed(apply), slots), (0, *[None] * len(others)))

    # Up to 320: a bound for their roundings.
    torch.testing.assert_close(
        torch.compile(per_sample(layer.by_hand), backend="aot_eager")(images, *others),
        per_sample(layer.referee)(images, *others),
        rtol=1e-13,
        atol=1e-12,
    )

    def push(apply: Callable[..., Tensor]) -> Callable[..., object]:
        return lambda *t: torch.func.jvp(apply, t, tuple(u.flip(0) for u in t))

    close(torch.compile(push(layer.by_hand), backend="aot_eager")(x, *others), push(layer.referee)(x, *others))


def test_an_image_that_is_its_own_kernel_gets_both_gradients() -> None:
    """Dynamo once gave half of it (pytorch#183604)."""
    x = spread_out((3, 3, 2, 4)).requires_grad_()
    compiled = torch.compile(lambda t: functional.conv2d(t, t, padding=1), backend="aot_eager", fullgraph=True)
    y, expected = compiled(x), F.conv2d(x, x, padding=1)
    close(grad(y, x, spread_out(y.shape)), grad(expected, x, spread_out(y.shape)))


@EVERY_MODULE
def test_a_module_has_no_graph_break(twins: Layer) -> None:
    ours, _ = twins.make()
    assert torch._dynamo.explain(ours)(twins.image()).graph_break_count == 0


@pytest.mark.parametrize("frozen", [False, True])
def test_a_module_trains_compiled_and_a_frozen_weight_stays_without_a_gradient(frozen: bool) -> None:
    modules, images = TWINS["Conv2d"].make(), []
    for module in modules:
        module.weight.requires_grad_(not frozen)
        images.append(TWINS["Conv2d"].image().requires_grad_())
    ours, theirs = modules
    torch.compile(ours, backend="aot_eager", fullgraph=True)(images[0]).pow(2).sum().backward()
    theirs(images[1]).pow(2).sum().backward()
    assert (ours.weight.grad is None) == frozen
    close([p.grad for p in (*ours.parameters(), images[0])], [p.grad for p in (*theirs.parameters(), images[1])])


#: Layers and whether they are exported strictly; others with all sizes dynamic stand in tests/reports/test_export.py.
EXPORTED = [
    *((name, False) for name in ("Conv1d", "Conv2d", "Conv3d", "LPPool2d", "GroupNorm", "GELU", "Softmax", "Dropout")),
    *((name, True) for name in ("Conv2d", "Linear")),
]


@pytest.mark.parametrize(("name", "strict"), EXPORTED)
def test_a_layer_exports_at_any_batch_size(name: str, strict: bool) -> None:
    make, shape = MODULES[name]
    layer = nn.Dropout(0.4).eval() if name == "Dropout" else make().double().eval()
    image = spread_out((3, *shape[1:]))
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(layer, (image,), dynamic_shapes=({0: batch},), strict=strict)
    for given in (image, torch.cat([image] * 2)):
        close(program.module()(given), layer(given))


def test_autocast_inside() -> None:
    ours, theirs = TWINS["Conv2d"].make(torch.float32)
    image = TWINS["Conv2d"].image(torch.float32)

    def lowered(module: torch.nn.Module) -> Callable[[Tensor], Tensor]:
        def apply(x: Tensor) -> Tensor:
            with torch.autocast("cpu", torch.bfloat16):
                return module(x)

        return apply

    y = torch.compile(lowered(ours), backend="aot_eager", fullgraph=True)(image)
    y.float().sum().backward()
    assert y.dtype == lowered(theirs)(image).dtype == torch.bfloat16
    assert torch.equal(y, lowered(ours)(image))
    assert ours.weight.grad.dtype == torch.float32


class Thrice(Pointwise):
    """``y = z`` with a derivative that is not its own."""

    @staticmethod
    def forward(z: Tensor) -> Tensor:
        return z * 1

    @staticmethod
    def times_slope(y: Tensor, t: Tensor) -> Tensor:
        return 3 * t


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_func_grad_inside_a_graph_takes_the_derivative_written_by_hand(backend: str) -> None:
    """Not that of the forward: torch differentiates what it traces of an autograd.Function there."""
    slope = torch.func.grad(lambda z: Thrice.call(z).sum())
    assert torch.compile(slope, backend=backend, fullgraph=True)(torch.ones(2)).tolist() == [3, 3]
