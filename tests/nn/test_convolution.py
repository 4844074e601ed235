"""Conv1d, Conv2d, Conv3d: torch's parameters, state_dict and repr; our arithmetic."""

import pytest
import torch

from manualconv import nn

OURS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
THEIRS = {1: torch.nn.Conv1d, 2: torch.nn.Conv2d, 3: torch.nn.Conv3d}


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
