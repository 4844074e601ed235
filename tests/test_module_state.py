"""A module outside its forward: copied, pickled, moved, shared, without data, its weight made by another rule."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import grad
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm

from manualconv import nn
from tests.layers import COPIES, MODULES, TWINS, Layer, close, spread_out
from tests.swap.networks import Doubled

EVERY = pytest.mark.parametrize("twins", TWINS.values(), ids=TWINS)


def trained(module: torch.nn.Module, image: Tensor) -> list[Tensor]:
    """The value, and the gradients of image and parameters."""
    leaf = image.clone().requires_grad_()
    y = module(leaf)
    return [y, *grad(y.pow(2).sum(), [leaf, *module.parameters()])]


#: Layers of every family, those without parameters too; the fractional ones' samples are float32.
OF_DOUBLES = {name: row for name, row in MODULES.items() if not name.startswith("Fractional")}
LAYERS = pytest.mark.parametrize(("make", "shape"), OF_DOUBLES.values(), ids=OF_DOUBLES)


@LAYERS
def test_copies_pickles_and_saved_files_compute_the_same(
    make: Callable[[], torch.nn.Module], shape: tuple[int, ...]
) -> None:
    made = make().double()
    # Before the first batch moves statistics, which a shallow copy shares.
    others = [*(copied(made) for copied in COPIES), copy.copy(copy.deepcopy(made))]
    expected = trained(made, spread_out(shape))
    for other in others:
        assert type(other) is type(made)
        assert all(map(torch.equal, trained(other, spread_out(shape)), expected))


@LAYERS
def test_any_layer_s_hooks_are_told_its_output_and_the_gradient_of_its_input(
    make: Callable[[], torch.nn.Module], shape: tuple[int, ...]
) -> None:
    layer, plain = make().double(), make().double()
    plain.load_state_dict(layer.state_dict())
    image = spread_out(shape)
    told: list[Tensor] = []
    layer.register_forward_hook(lambda m, args, y: told.append(y.detach()))
    layer.register_full_backward_hook(lambda m, g_in, g_out: told.append(g_in[0]))
    trained(layer, image)
    assert all(map(torch.equal, told, trained(plain, image)[:2]))
    assert len(told) == 2


@EVERY
def test_shapes_without_data(twins: Layer) -> None:
    """No value is looked at on the way: meta and fake tensors have none."""
    ours, theirs = twins.make()
    expected = theirs(twins.image()).shape
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        assert trained(ours, mode.from_tensor(twins.image()))[0].shape == expected
    meta = copy.deepcopy(ours).to("meta")
    results = trained(meta, twins.image().to("meta"))
    assert results[0].shape == expected
    assert [t.shape for t in results[2:]] == [p.shape for p in ours.parameters()]
    assert all(t.is_meta for t in results)


@EVERY
def test_a_module_made_on_meta_is_given_memory_later(twins: Layer) -> None:
    ours, theirs = twins.make()
    with torch.device("meta"):
        empty = getattr(nn, twins.name)(*twins.arguments, dtype=torch.float64)
    filled = empty.to_empty(device="cpu")
    filled.load_state_dict(ours.state_dict())
    close(trained(filled, twins.image()), trained(theirs, twins.image()))


@EVERY
def test_functional_call_differentiates_the_parameters_given(twins: Layer) -> None:
    """With the buffers given too: torch.func lets nothing count batches in a buffer it does not know of."""

    def gradient(module: torch.nn.Module) -> dict[str, Tensor]:
        def loss(parameters: dict[str, Tensor], buffers: dict[str, Tensor]) -> Tensor:
            return torch.func.functional_call(module, (parameters, buffers), (twins.image(),)).pow(2).sum()

        parameters = {name: 2 * p.detach() for name, p in module.named_parameters()}
        return torch.func.grad(loss)(parameters, {name: b.clone() for name, b in module.named_buffers()})

    close(*map(gradient, twins.make()))


@EVERY
def test_an_ensemble_of_modules_is_one_vmap(twins: Layer) -> None:
    modules = [twins.make()[0] for _ in range(3)]
    stacked, _ = torch.func.stack_module_state(modules)
    image = twins.image()

    def one(parameters: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(modules[0], parameters, (image,))

    close(torch.vmap(one)(stacked), torch.stack([module(image) for module in modules]))


REPARAMETRISED: dict[str, Callable[[torch.nn.Module], object]] = {
    "parametrize": lambda module: parametrize.register_parametrization(module, "weight", Doubled()),
    "weight_norm": weight_norm,
    "spectral_norm": spectral_norm,
    "orthogonal": orthogonal,
}


#: A scale of channels is no matrix that could be made orthogonal.
MADE = {
    f"{rule}-{name}": (REPARAMETRISED[rule], twins)
    for rule in REPARAMETRISED
    for name, twins in TWINS.items()
    if rule != "orthogonal" or "Norm" not in name
}


@pytest.mark.parametrize(("rule", "twins"), MADE.values(), ids=MADE)
def test_a_weight_made_by_a_rule(rule: Callable[[torch.nn.Module], object], twins: Layer) -> None:
    results = []
    for module in twins.make():
        torch.manual_seed(0)
        rule(module)
        results.append(trained(module.eval(), twins.image()))
    for got, expected in zip(*results, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-11, atol=1e-11)


@EVERY
def test_shared_memory_is_written_in_place_and_read(twins: Layer) -> None:
    ours, theirs = twins.make()
    ours.share_memory()
    assert all(p.is_shared() for p in ours.parameters())
    close(trained(ours, twins.image()), trained(theirs, twins.image()))


@EVERY
def test_an_optimiser_takes_the_same_steps(twins: Layer) -> None:
    modules = twins.make()
    for module in modules:
        optimiser = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)
        for _ in range(3):
            optimiser.zero_grad()
            module(twins.image()).pow(2).mean().backward()
            optimiser.step()
    ours, theirs = modules
    close(list(ours.parameters()), list(theirs.parameters()))
