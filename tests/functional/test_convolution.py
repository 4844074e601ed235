"""conv1d, conv2d, conv3d: integers, every coefficient, words for padding, dtypes."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions, functional
from manualconv.geometry import Window
from manualconv.testing.cases import Convolution, convolutions
from manualconv.testing.judge import ROUNDING, error
from manualconv.testing.referee import BY_HAND, CONVOLUTIONS, by_hand

ANY_DIMENSION = st.sampled_from((2, 1, 3)).flatmap(convolutions)


@given(case=ANY_DIMENSION)
def test_integer_tensors_convolve_exactly(case: Convolution) -> None:
    x, w, b, _ = case.tensors(torch.int64)
    y = by_hand(x, w, b, case.window)
    assert y.dtype == torch.int64
    assert torch.equal(y.double(), by_hand(*case.tensors()[:3], case.window))


@pytest.mark.parametrize("groups", [1, 2])
def test_one_hot_image_times_one_hot_kernel_gives_every_coefficient(groups: int) -> None:
    """Bilinearity and these values determine the map: no wrong coefficient is left anywhere."""
    window = Window((3, 4), (2, 2), (1, 2), (2, 1), ((0, 1), (1, 0)), groups)
    shape = (2 * groups, 2, 2, 2)
    pixels = torch.eye(2 * groups * 12, dtype=torch.float64).reshape(-1, 2 * groups, 3, 4)
    kernels = torch.eye(shape[0] * 8, dtype=torch.float64).reshape(-1, *shape)
    for kernel in kernels:
        expected = torch.from_numpy(definitions.to_output(pixels.numpy(), kernel.numpy(), window))
        assert torch.equal(by_hand(pixels, kernel, None, window), expected)


@given(case=convolutions(2, symmetric=True), stride=st.integers(1, 2), dilation=st.integers(1, 2))
def test_one_number_stands_for_every_axis_as_in_torch(case: Convolution, stride: int, dilation: int) -> None:
    x, w, b, _ = case.tensors()
    x = F.pad(x, (3, 3, 3, 3))
    g = case.window.groups
    ours = functional.conv2d(x, w, b, stride, 1, dilation, g)
    assert torch.equal(ours, F.conv2d(x, w, b, stride, 1, dilation, g))
    assert torch.equal(ours, functional.conv2d(x, w, b, (stride,), (1, 1), [dilation] * 2, groups=g))


@given(case=ANY_DIMENSION)
def test_padding_words_mean_what_they_mean_in_torch(case: Convolution) -> None:
    x, w, b, _ = case.tensors()
    layer, referee = BY_HAND[case.window.ndim], CONVOLUTIONS[case.window.ndim]
    options = {"dilation": case.window.dilation, "groups": case.window.groups}
    same = layer(x, w, b, padding="same", **options)
    assert torch.equal(same, F_same(referee, x, w, b, case.window))
    assert same.shape[-case.window.ndim :] == x.shape[-case.window.ndim :]
    full = tuple(e - 1 for e in case.window.extent)
    assert torch.equal(layer(x, w, b, padding="full", **options), referee(x, w, b, padding=full, **options))
    if all(e <= i for e, i in zip(case.window.extent, case.window.input_size)):
        assert torch.equal(layer(x, w, b, padding="valid", **options), referee(x, w, b, padding="valid", **options))


def F_same(referee, x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:  # noqa: N802
    """torch's padding="same", written out because torch warns when it pads one side more."""
    totals = [e - 1 for e in window.extent]
    frame = [side for t in reversed(totals) for side in (t // 2, t - t // 2)]
    return referee(F.pad(x, frame), w, b, dilation=window.dilation, groups=window.groups)


@given(case=ANY_DIMENSION)
def test_positions_no_window_reaches_get_a_zero_gradient(case: Convolution) -> None:
    x, w, y_bar = case.batched()
    read = definitions.to_input(torch.ones(w.shape).numpy(), torch.ones(y_bar.shape).numpy(), case.window)
    leaf = x.detach().requires_grad_()
    (x_bar,) = grad(by_hand(leaf, w, None, case.window), leaf, y_bar)
    assert torch.all(x_bar[torch.from_numpy(read) == 0] == 0)
    assert not torch.signbit(x_bar[torch.from_numpy(read) == 0]).any()


DTYPES = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32)
COMPLEX = (torch.complex32, torch.complex64, torch.complex128)


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
@pytest.mark.parametrize("dtype", [*DTYPES, torch.float64, *COMPLEX])
@pytest.mark.parametrize("name", ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d"])
def test_every_dtype_of_torch_s_is_taken_and_given_back(name: str, dtype: torch.dtype) -> None:
    ndim = int(name[-2])
    x, w = torch.arange(2 * 4**ndim).reshape(1, 2, *(4,) * ndim) % 5, torch.arange(4 * 2**ndim) % 3
    w = w.reshape(2, 2, *(2,) * ndim)
    y = getattr(functional, name)(x.to(dtype), w.to(dtype))
    assert y.dtype == dtype
    assert torch.equal(y.to(torch.complex128), getattr(F, name)(x, w).to(torch.complex128))


def test_float32_error_is_counted_in_its_own_rounding() -> None:
    """The yardstick itself: one rounding is 1, a lost term is far beyond any bound."""
    exact = torch.tensor([1.0], dtype=torch.float64)
    assert error(torch.tensor([1 + 2.0**-23]), exact, exact) == 2 == 2 * ROUNDING[torch.float32] * 2**24
    assert error(torch.tensor([0.5]), exact, exact) > 10**6
