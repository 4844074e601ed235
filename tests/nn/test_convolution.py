"""Conv1d, Conv2d, Conv3d: torch's parameters, state_dict and repr; our arithmetic."""

import copy
import pickle

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from manualconv import nn
from manualconv.testing.cases import Convolution, convolutions
from manualconv.testing.cases.tensors import filled
from manualconv.testing.referee import first_gradients, leaves, second_gradients

OURS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
THEIRS = {1: torch.nn.Conv1d, 2: torch.nn.Conv2d, 3: torch.nn.Conv3d}


@given(case=st.sampled_from((2, 1, 3)).flatmap(lambda ndim: convolutions(ndim, symmetric=True)))
def test_the_module_computes_what_torch_s_does(case: Convolution) -> None:
    window = case.window
    arguments = (
        window.groups * case.channels,
        window.groups * case.outputs,
        window.kernel_size,
        window.stride,
        tuple(a for a, _ in window.padding),
        window.dilation,
        window.groups,
        case.biased,
    )
    x, w, b, cotangent = case.tensors()
    results = []
    for layers in (OURS, THEIRS):
        module = layers[window.ndim](*arguments, dtype=torch.float64)
        with torch.no_grad():
            module.weight.copy_(w)
            if b is not None:
                module.bias.copy_(b)
        (image,) = leaves(x)
        y = module(image)
        results.append((y, *torch.autograd.grad(y, [image, *module.parameters()], cotangent)))
    assert all(map(torch.equal, *results))


def test_the_frozen_parameter_gets_no_gradient_and_the_other_does() -> None:
    module = nn.Conv2d(2, 3, (3, 2))
    module.weight.requires_grad_(False)
    module(torch.ones(1, 2, 4, 5)).pow(2).sum().backward()
    assert module.weight.grad is None
    assert module.bias.grad.shape == (3,)


def test_a_copy_a_pickle_and_the_meta_device_keep_the_layer() -> None:
    module = nn.Conv2d(2, 3, (3, 2), padding="same", dilation=(1, 2))
    x = torch.randn(1, 2, 4, 5)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert type(other) is nn.Conv2d
        assert torch.equal(other(x), module(x))
    assert module.to("meta")(x.to("meta")).shape == (1, 3, 4, 5)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_full_padding_is_kept_as_the_numbers_it_stands_for(ndim: int) -> None:
    kernel, dilation = (3, 2, 1)[:ndim], (1, 3, 2)[:ndim]
    ours = OURS[ndim](2, 3, kernel, padding="full", dilation=dilation)
    theirs = THEIRS[ndim](2, 3, kernel, padding=(2, 3, 0)[:ndim], dilation=dilation)
    theirs.load_state_dict(ours.state_dict())
    assert repr(ours) == repr(theirs)
    x = torch.randn(2, 2, *(5, 4, 3)[:ndim])
    torch.testing.assert_close(ours(x), theirs(x))
    assert OURS[ndim](1, 1, 3, 1, "full", 2).padding == (4,) * ndim
    lazy = getattr(nn, f"LazyConv{ndim}d")(3, kernel, padding="full", dilation=dilation)
    assert lazy(x).shape == theirs(x).shape


def test_a_padding_pair_per_axis_is_kept_and_shown() -> None:
    module = nn.Conv2d(2, 3, (3, 2), padding=((1, 0), (0, 2)))
    plain = torch.nn.Conv2d(2, 3, (3, 2))
    plain.load_state_dict(module.state_dict())
    x = torch.randn(1, 2, 4, 5)
    torch.testing.assert_close(module(x), plain(torch.nn.functional.pad(x, (0, 2, 1, 0))))
    assert "padding=((1, 0), (0, 2))" in repr(module)


@pytest.mark.parametrize("words", ["half", "Full"])
def test_another_word_for_padding_is_torch_s_error(words: str) -> None:
    for layers in (torch.nn, nn):
        with pytest.raises(ValueError, match=f"^Invalid padding string '{words}'"):
            layers.Conv2d(1, 1, 3, padding=words)


MODES = pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])


@given(
    case=st.sampled_from((2, 1, 3)).flatmap(lambda ndim: convolutions(ndim, symmetric=True)),
    mode=st.sampled_from(("reflect", "replicate", "circular")),
    seed=st.integers(0, 9),
)
def test_every_padding_mode_computes_what_torch_s_does_at_both_orders(case: Convolution, mode: str, seed: int) -> None:
    window = case.window
    x, w, b, _ = case.tensors()
    assume(case.batch != 0 and all(a < i for i, (a, _) in zip(window.input_size, window.padding)))  # refused, see below
    arguments = (x.shape[-window.ndim - 1], len(w), window.kernel_size, window.stride)
    options = {
        "padding": tuple(a for a, _ in window.padding),
        "dilation": window.dilation,
        "groups": window.groups,
        "bias": case.biased,
        "padding_mode": mode,
        "dtype": torch.float64,
    }
    results = []
    for layers in (OURS, THEIRS):
        module = layers[window.ndim](*arguments, **options)
        with torch.no_grad():
            module.weight.copy_(w)
            if b is not None:
                module.bias.copy_(b)
        inputs = [*leaves(x), *module.parameters()]
        y = module(inputs[0])
        cotangent = filled("small", tuple(y.shape), torch.Generator().manual_seed(seed)).double().requires_grad_()
        first = first_gradients(y, inputs, cotangent)
        results.append([y, *first, *second_gradients(first, [*inputs, cotangent], [t.detach() for t in inputs])])
    assert all(map(torch.equal, *results))


@MODES
@pytest.mark.parametrize("padding", ["same", "valid", (1, 2)])
def test_words_for_padding_go_with_every_mode_and_repr_is_torch_s(mode: str, padding: object) -> None:
    options = {"padding": padding, "dilation": (1, 2), "padding_mode": mode}
    ours, theirs = nn.Conv2d(2, 3, (4, 2), **options), torch.nn.Conv2d(2, 3, (4, 2), **options)
    theirs.load_state_dict(ours.state_dict())
    assert repr(ours) == repr(theirs)
    x = torch.randn(2, 2, 6, 5)
    torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(ours(x[0]), theirs(x[0]))


@MODES
def test_one_sided_and_full_padding_go_with_every_mode(mode: str) -> None:
    module = nn.Conv2d(2, 3, (3, 2), padding=((1, 0), (0, 2)), padding_mode=mode)
    plain = torch.nn.Conv2d(2, 3, (3, 2))
    plain.load_state_dict(module.state_dict())
    x = torch.randn(1, 2, 4, 5)
    torch.testing.assert_close(module(x), plain(torch.nn.functional.pad(x, (0, 2, 1, 0), mode)))
    assert nn.Conv2d(2, 3, (3, 2), padding="full", padding_mode=mode)(x).shape == (1, 3, 6, 6)


@pytest.mark.parametrize("mode", ["reflect", "circular"])
def test_padding_that_the_input_is_too_small_for_is_torch_s_error(mode: str) -> None:
    messages = []
    for layers in (torch.nn, nn):
        with pytest.raises(RuntimeError) as caught:
            layers.Conv1d(1, 1, 3, padding=4, padding_mode=mode)(torch.ones(1, 1, 3))
        messages.append(str(caught.value))
    assert messages[1][:30] == messages[0][:30]


@MODES
def test_per_sample_gradients_go_through_every_padding_mode(mode: str) -> None:
    ours = nn.Conv2d(2, 4, (3, 2), padding=(1, 2), padding_mode=mode, groups=2, dtype=torch.float64)
    theirs = torch.nn.Conv2d(2, 4, (3, 2), padding=(1, 2), padding_mode=mode, groups=2, dtype=torch.float64)
    x = torch.randn(3, 2, 4, 5, dtype=torch.float64)
    gradients = []
    for module in (ours, theirs):

        def loss(parameters: dict[str, torch.Tensor], image: torch.Tensor, module: torch.nn.Module = module):
            return torch.func.functional_call(module, parameters, (image,)).pow(2).sum()

        gradients.append(torch.func.vmap(torch.func.grad(loss), (None, 0))(dict(ours.named_parameters()), x))
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_a_lazy_layer_becomes_ours_with_torch_s_parameters(ndim: int) -> None:
    x = torch.randn(2, 4, *(5, 4, 3)[:ndim])
    results = []
    for layers in (nn, torch.nn):
        torch.manual_seed(0)
        module = getattr(layers, f"LazyConv{ndim}d")(6, (3, 2, 1)[:ndim], 2, 1, groups=2)
        assert isinstance(module.weight, torch.nn.UninitializedParameter)
        y = module(x)
        assert type(module) is getattr(layers, f"Conv{ndim}d")
        results.append((module.in_channels, y, *module.parameters()))
    (channels, ours, *parameters), (expected, theirs, *others) = results
    assert channels == expected == 4
    assert all(map(torch.equal, parameters, others))
    torch.testing.assert_close(ours, theirs)


def test_a_lazy_layer_takes_its_shape_from_a_state_dict_and_gives_an_uninitialised_one() -> None:
    lazy, other, whole = nn.LazyConv2d(3, (3, 2)), torch.nn.LazyConv2d(3, (3, 2)), torch.nn.Conv2d(2, 3, (3, 2))
    other.load_state_dict(lazy.state_dict())
    assert isinstance(other.weight, torch.nn.UninitializedParameter)
    lazy.load_state_dict(whole.state_dict())
    assert torch.equal(lazy.weight, whole.weight)
    x = torch.randn(1, 2, 4, 5)
    torch.testing.assert_close(lazy(x), whole(x))
    assert type(lazy) is nn.Conv2d


def test_a_lazy_layer_refuses_what_torch_s_refuses() -> None:
    for layers in (torch.nn, nn):
        with pytest.raises(ValueError, match=r"^in_channels must be divisible by groups"):
            layers.LazyConv2d(4, 3, groups=2)(torch.ones(1, 3, 5, 5))
        with pytest.raises(RuntimeError, match=r"^Expected 3D \(unbatched\) or 4D \(batched\) input to LazyConv2d"):
            layers.LazyConv2d(4, 3)(torch.ones(3, 5))
