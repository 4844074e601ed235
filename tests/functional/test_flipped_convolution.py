"""conv1d, conv2d, conv3d with flip=True: the convolution of the mathematicians, as scipy and numpy compute it."""

from itertools import product
from math import prod

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from manualconv import functional
from manualconv.testing.cases import Convolution, convolutions
from manualconv.testing.referee import BY_HAND, convolution, two_orders


@given(case=st.sampled_from((2, 1, 3)).flatmap(convolutions))
def test_flip_turns_the_kernel_round_at_every_order(case: Convolution) -> None:
    window, layer = case.window, BY_HAND[case.window.ndim]
    options = (window.stride, window.padding, window.dilation, window.groups)
    axes = tuple(range(2, 2 + window.ndim))
    *tensors, cotangent = case.tensors()
    ours, theirs = (
        two_orders(apply, tensors, cotangent, case.tensors(seed=1)[:3])
        for apply in (
            lambda x, w, b=None: layer(x, w, b, *options, flip=True),
            lambda x, w, b=None: convolution(x, w.flip(axes), b, window),
        )
    )
    assert all(map(torch.equal, ours, theirs))


@given(case=st.sampled_from((2, 1, 3)).flatmap(lambda ndim: convolutions(ndim, groups=(1,))))
def test_the_flipped_layer_is_scipy_s_and_numpy_s_convolution(case: Convolution) -> None:
    """Channel by channel: y[n, o] = Σ_c x[n, c] ∗ w[o, c]."""
    x, w, _ = case.batched()
    layer, ndim = BY_HAND[case.window.ndim], case.window.ndim
    fits = all(k <= i for k, i in zip(w.shape[2:], x.shape[2:]))
    odd = all(k % 2 for k in w.shape[2:])
    for mode in ("full", *(["valid"] if fits else []), *(["same"] if odd and fits else [])):
        y = layer(x, w, padding=mode, flip=True)
        for n, o in product(range(len(x)), range(len(w))):
            pairs = [(a.numpy(), k.numpy()) for a, k in zip(x[n], w[o])]
            assert np.array_equal(y[n, o], sum(signal.convolve(a, k, mode, "direct") for a, k in pairs))
            if ndim == 1:
                assert np.array_equal(y[n, o], sum(np.convolve(a, k, mode) for a, k in pairs))


@given(kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_scipy_s_same_of_an_even_kernel_is_one_padding_pair(kernel: tuple[int, int]) -> None:
    x, w = torch.arange(42.0).reshape(6, 7), torch.arange(1.0, 1 + prod(kernel)).reshape(kernel)
    padding = tuple((k // 2, (k - 1) // 2) for k in kernel)
    y = functional.conv2d(x[None], w[None, None], padding=padding, flip=True)
    assert np.array_equal(y[0], signal.convolve(x.numpy(), w.numpy(), "same", "direct"))
