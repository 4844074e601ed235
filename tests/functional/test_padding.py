"""pad: any number of axes, torch's dtypes, layouts and errors."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import grad

from manualconv import functional
from tests.layers import spread_out

MODES = ("constant", "reflect", "replicate", "circular")


FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


@given(seed=st.integers(0, 99), axes=st.integers(0, 5), data=st.data())
def test_a_constant_frames_any_number_of_axes(seed: int, axes: int, data: st.DataObject) -> None:
    x = spread_out((2, 3, 1, 2, 4)[:axes], seed).requires_grad_()
    pad = []
    for size in reversed(x.shape[data.draw(st.integers(0, axes)) :]):
        pad += data.draw(st.sampled_from(((0, 2), (1, 0), (-1, 2), (1, -1), (-(size // 2), -(size // 2)))))
    ours, theirs = (layer(x, pad, value=1.5) for layer in (functional.pad, F.pad))
    assert torch.equal(ours, theirs)
    cotangent = spread_out(theirs.shape, seed + 1)
    assert torch.equal(*(grad(y, x, cotangent)[0] for y in (ours, theirs)))


@pytest.mark.parametrize("mode", MODES[1:3])
@pytest.mark.parametrize("pad", [(-6, 3), (4, -6), (-3, 4)])
def test_a_border_may_be_all_that_is_left(mode: str, pad: tuple[int, int]) -> None:
    """More is cut off than the axis has: the other side begins inside its own border."""
    results = []
    for layer in (functional.pad, F.pad):
        x = spread_out((2, 3, 5)).requires_grad_()
        y = layer(x, pad, mode)
        results.append((y, *grad(y, x, spread_out(y.shape, 1))))
    assert all(map(torch.equal, *results))


def test_nothing_to_pad_is_a_copy() -> None:
    x = spread_out((2, 3, 4))
    for mode in MODES:
        y = functional.pad(x, (0, 0), mode)
        assert torch.equal(y, x) and y.data_ptr() != x.data_ptr() and not y._is_view()


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.complex64, torch.int64, torch.uint8])
def test_every_dtype_is_torch_s(dtype: torch.dtype, mode: str, ndim: int) -> None:
    x = torch.arange(2 * 3 ** (ndim + 1)).reshape(2, 3, *(3,) * ndim).to(dtype)
    frame = (1, 2, 2, -1, 0, 1)[: 2 * ndim]
    ours, theirs = functional.pad(x, frame, mode), F.pad(x, frame, mode)
    assert ours.dtype == dtype and torch.equal(ours, theirs)


def test_bools_are_padded_where_torch_pads_them() -> None:
    x = torch.tensor([[[True, False, True]]])
    for mode in ("constant", "circular"):
        assert torch.equal(functional.pad(x, (1, 2), mode, 0), F.pad(x, (1, 2), mode, 0))
    for mode in ("reflect", "replicate"):
        for layer in (F.pad, functional.pad):
            with pytest.raises(NotImplementedError, match="not implemented for 'Bool'"):
                layer(x, (1, 2), mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("ndim", [2, 3])
def test_channels_last_comes_out_where_torch_s_does(mode: str, channels: int, ndim: int) -> None:
    images = spread_out((2, channels, *(3, 4, 6)[3 - ndim :]))
    last = images.contiguous(memory_format=FORMATS[ndim + 2])
    for x in (images, last, last[..., ::2], last.transpose(-1, -2), last[:1]):
        ours, theirs = (layer(x, (1,) * (2 * ndim), mode) for layer in (functional.pad, F.pad))
        assert torch.equal(ours, theirs)
        assert [ours.is_contiguous(memory_format=f) for f in (torch.contiguous_format, FORMATS[ndim + 2])] == [
            theirs.is_contiguous(memory_format=f) for f in (torch.contiguous_format, FORMATS[ndim + 2])
        ]


@pytest.mark.parametrize("mode", MODES)
def test_one_compiled_graph_serves_every_size(mode: str) -> None:
    torch._dynamo.reset()
    graphs = []

    def counting(graph: torch.fx.GraphModule, _: object) -> object:
        graphs.append(graph)
        return graph

    def layer(x: torch.Tensor) -> torch.Tensor:
        return functional.pad(x, (2, -1, 1, 2), mode)

    compiled = torch.compile(layer, backend=counting, fullgraph=True, dynamic=True)
    for height, width in ((4, 5), (6, 7), (9, 8)):
        x = spread_out((2, 3, height, width))
        assert torch.equal(compiled(x), F.pad(x, (2, -1, 1, 2), mode))
    assert len(graphs) == 1


@pytest.mark.parametrize("pad", [(4, -2), (-5, 3), (2, -5)])
def test_a_turn_longer_than_what_is_left_is_refused(pad: tuple[int, int]) -> None:
    """torch refuses it sometimes and else hands out memory it never wrote."""
    with pytest.raises(RuntimeError, match=r"wrapping around more than once.*positions to copy"):
        functional.pad(torch.ones(1, 1, 5), pad, "circular")
