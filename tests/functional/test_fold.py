"""unfold and fold: adjoint to each other; torch's sizes and dtypes."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import functional
from manualconv.testing.cases import Convolution, convolutions
from tests.layers import spread_out

ANY = st.sampled_from((2, 1, 3)).flatmap(convolutions)


def unfold(case: Convolution, x: Tensor) -> Tensor:
    """Ours, in the case's window."""
    window = case.window
    return functional.unfold(x, window.kernel_size, window.dilation, window.padding, window.stride)


def fold(case: Convolution, v: Tensor) -> Tensor:
    """Ours, back to the image's size."""
    window = case.window
    return functional.fold(v, window.input_size, window.kernel_size, window.dilation, window.padding, window.stride)


@given(case=ANY)
def test_fold_is_the_adjoint_of_unfold(case: Convolution) -> None:
    x = case.batched()[0]
    columns = unfold(case, x)
    v = torch.randint(-3, 4, columns.shape, generator=torch.Generator().manual_seed(case.seed)).double()
    image = fold(case, v)
    assert (columns * v).sum() == (x * image).sum()
    assert columns.is_contiguous() and image.is_contiguous()


def test_an_int_means_two_axes_as_in_torch_and_three_where_torch_has_none() -> None:
    image, volume = spread_out((2, 3, 4, 5)), spread_out((2, 1, 3, 4, 5))
    assert torch.equal(functional.unfold(image, 2, padding=1), F.unfold(image, 2, padding=1))
    assert torch.equal(functional.unfold(image[0], 2), F.unfold(image[0], 2))
    assert torch.equal(functional.unfold(volume, 2), functional.unfold(volume, (2, 2, 2)))
    columns = F.unfold(spread_out((2, 3, 4, 4)), 2)
    assert torch.equal(functional.fold(columns, 4, 2), F.fold(columns, 4, 2))
    assert functional.fold(functional.unfold(volume, 2), (3, 4, 5), 2).shape == volume.shape
    assert functional.fold(torch.ones(2, 6, 4), 5, (2,)).shape == (2, 3, 5)


def test_the_tuple_s_length_is_the_number_of_axes() -> None:
    x = spread_out((2, 3, 4, 5))
    assert functional.unfold(x[0], (2,)).shape == (3, 8, 4)
    assert functional.unfold(x[0, 0], (2,), stride=2).shape == (8, 2)
    assert functional.unfold(x, (2, 2, 2)).shape == (2 * 8, 2 * 3 * 4)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_any_mapped_axis_alone_and_nested(at: int) -> None:
    numbers = ((2,), (2,), ((1, 2),), (2,))
    signals = torch.stack([spread_out((2, 3, 7), n) for n in range(3)], at)
    columns = torch.vmap(lambda x: functional.unfold(x, *numbers), at, 1)(signals)
    assert torch.equal(columns, torch.stack([functional.unfold(x, *numbers) for x in signals.unbind(at)], 1))
    twice = torch.vmap(torch.vmap(lambda v: functional.fold(v, (7,), *numbers), 0), 1)(columns)
    assert torch.equal(twice, torch.stack([functional.fold(v, (7,), *numbers) for v in columns.unbind(1)]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.complex64, torch.bool])
def test_every_dtype_is_torch_s(dtype: torch.dtype) -> None:
    x, v = spread_out((2, 3, 4, 5)).mul(9).round().to(dtype), spread_out((2, 12, 12)).mul(9).round().to(dtype)
    for ours, theirs in (
        (functional.unfold(x, 2), F.unfold(x, 2)),
        (functional.fold(v, (4, 5), 2), F.fold(v, (4, 5), 2)),
    ):
        assert ours.dtype == theirs.dtype == dtype and torch.equal(ours, theirs)


def test_fold_compiles_in_one_graph_forward_and_backward() -> None:
    """So does unfold, among the layers that stand beside torch's.  In whole numbers: a graph adds in another order."""
    torch._dynamo.reset()

    def layer(v: Tensor) -> Tensor:
        return functional.fold(v, (3, 5), (2, 3), 1, ((0, 1), (1, 0)))

    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True, dynamic=True)
    for batch in (2, 3):
        v = (8 * spread_out((batch, 12, 12))).round().requires_grad_()
        y = compiled(v)
        assert torch.equal(y, layer(v))
        assert torch.equal(*(grad(t, v, spread_out(t.shape, 1))[0] for t in (y, layer(v))))


IMAGE, COLUMNS = torch.zeros(2, 3, 4, 5), torch.zeros(2, 12, 12)


@pytest.mark.parametrize(("padding", "error"), [(2**61, RuntimeError), (2**62, RuntimeError), (2**63, TypeError)])
def test_a_padding_beyond_all_memory_is_refused(padding: int, error: type[Exception]) -> None:
    """Where torch ends the process by a division by zero; a number of more than 64 bits stops at its parser."""
    with pytest.raises(error):
        functional.unfold(IMAGE, 1, padding=padding)
    with pytest.raises(error):
        functional.fold(COLUMNS, (4, 5), 1, padding=padding)
