"""ConvTranspose1d, 2d, 3d: torch's parameters, state_dict, repr and choice of the output size; our arithmetic."""

import pytest
import torch

from manualconv import nn

OURS = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
THEIRS = {1: torch.nn.ConvTranspose1d, 2: torch.nn.ConvTranspose2d, 3: torch.nn.ConvTranspose3d}
DIMENSIONS = pytest.mark.parametrize("ndim", [1, 2, 3])


@DIMENSIONS
@pytest.mark.parametrize("batch", [(2,), ()])
def test_the_output_size_is_chosen_as_in_torch(ndim: int, batch: tuple[int, ...]) -> None:
    ours = OURS[ndim](2, 3, (3, 2, 1)[:ndim], (3, 1, 2)[:ndim], (1, 0, 0)[:ndim], dilation=(1, 2, 1)[:ndim])
    theirs = THEIRS[ndim](2, 3, (3, 2, 1)[:ndim], (3, 1, 2)[:ndim], (1, 0, 0)[:ndim], dilation=(1, 2, 1)[:ndim])
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(*batch, 2, *(3, 4, 2)[:ndim])
    smallest = ours(x).shape[-ndim:]
    for more in ((0, 0, 0), (1, 0, 1), (2, 0, 0)):
        size = [i + m for i, m in zip(smallest, more)]
        for wanted in (size, torch.Size((*batch, 3, *size))):
            y = ours(x, output_size=wanted)
            assert y.shape == theirs(x, output_size=wanted).shape == (*batch, 3, *size)
            torch.testing.assert_close(y, theirs(x, wanted))


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ([6, 9], "requested an output size of [6, 9], but valid sizes range from [5, 8] to [6, 8] (for an input of"),
        ([4, 8], "requested an output size of [4, 8], but valid sizes range from [5, 8] to [6, 8] (for an input of"),
        ([8], "ConvTranspose2D: for 4D input, output_size must have 2 or 4 elements (got 1)"),
    ],
)
def test_an_output_size_out_of_reach_is_torch_s_error(wanted: list[int], words: str) -> None:
    for layer in (torch.nn.ConvTranspose2d, nn.ConvTranspose2d):
        with pytest.raises(ValueError, match=r"output.size") as caught:
            layer(1, 1, (1, 3), (2, 1))(torch.ones(1, 1, 3, 6), wanted)
        assert str(caught.value).startswith(words)


@DIMENSIONS
@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_only_zeros_pad_as_in_torch(ndim: int, mode: str) -> None:
    with pytest.raises(ValueError, match=f'Only "zeros" padding mode is supported for ConvTranspose{ndim}d'):
        OURS[ndim](1, 1, 3, padding_mode=mode)


def test_one_sided_padding_is_kept_and_shown() -> None:
    module = nn.ConvTranspose2d(2, 3, (3, 2), (2, 1), ((1, 0), (0, 1)))
    x = torch.randn(1, 2, 4, 5)
    plain = torch.nn.ConvTranspose2d(2, 3, (3, 2), (2, 1))
    plain.load_state_dict(module.state_dict())
    torch.testing.assert_close(module(x), plain(x)[..., 1:, :-1])
    assert "padding=((1, 0), (0, 1))" in repr(module)
    assert module(x, output_size=(9, 5)).shape == (1, 3, 9, 5)
