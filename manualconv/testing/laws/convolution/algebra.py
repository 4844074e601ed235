"""Laws of convolution as a product: the mathematicians' definition, commuting, composing, sums and bounds."""

from __future__ import annotations

import numpy as np
import scipy  # its parts are loaded when first used: of signal that is a second and a half
import torch
from torch import Tensor

from manualconv.geometry import Window, full_padding
from manualconv.testing.cases import Convolution
from manualconv.testing.cases.tensors import filled
from manualconv.testing.laws.convolution.form import TRANSPOSED
from manualconv.testing.laws.convolution.layer import Layer, bias, changed, law, run, run_padded, with_a_sample
from manualconv.testing.laws.convolution.placement import axes
from manualconv.testing.laws.law import same


def full(case: Convolution, **parameters: object) -> Convolution:
    """The case with every placement that touches the input, stride 1, one group."""
    case = changed(case, stride=1, groups=1, **parameters)
    return changed(case, padding=full_padding(case.window.kernel_size, case.window.dilation))


@law("C24")
def a_flipped_kernel_gives_the_convolution_of_mathematics(conv: Layer, case: Convolution) -> None:
    for mode, drawn in (("full", full(case, dilation=1)), ("valid", changed(case, stride=1, dilation=1, groups=1))):
        window = drawn.window.unpadded() if mode == "valid" else drawn.window
        x, w, _ = changed(drawn, input_size=window.input_size, padding=window.padding).batched()
        expected = np.zeros((len(x), len(w), *window.output_size))
        for n, o, c in np.ndindex(len(x), *w.shape[:2]):
            # direct: SciPy would choose by size, and a Fourier transform is not exact.
            expected[n, o] += scipy.signal.convolve(x[n, c].numpy(), w[o, c].numpy(), mode, "direct")
        same(run_padded(conv, case, x, w.flip(axes(window)), window), torch.from_numpy(expected))


@law("C25")
def full_convolution_commutes(conv: Layer, case: Convolution) -> None:
    # As a kernel a large input might be for a transform, which is not exact: four positions of an axis are enough.
    size = tuple(min(i, 4) for i in case.window.input_size)
    drawn, case = case, full(case, input_size=size, dilation=1, channels=1, outputs=1, batch=1)
    x, w, _ = case.batched()
    window, over = case.window, axes(case.window)
    ones = (1,) * window.ndim
    exchanged = Window(window.kernel_size, size, ones, ones, full_padding(size, ones))
    same(run_padded(conv, drawn, x, w.flip(over), window), run_padded(conv, drawn, w, x.flip(over), exchanged))


@law("C26")
def two_convolutions_are_one_with_the_product_of_their_kernels(conv: Layer, case: Convolution) -> None:
    case = changed(case, padding=0, dilation=1, groups=1)
    first = case.window
    ones = (1,) * first.ndim
    kernel = tuple(min(2, p) for p in first.output_size)
    steps = tuple(1 + (case.seed + axis) % 2 for axis in range(first.ndim))
    second = Window(first.output_size, kernel, steps, ones, ((0, 0),) * first.ndim)
    x, w, _ = case.batched()
    v = filled("small", (2, len(w), *kernel), torch.Generator().manual_seed(case.seed)).to(x.dtype)
    product = TRANSPOSED[first.ndim](v, w, None, first.stride)
    total = tuple(s * t for s, t in zip(first.stride, steps))
    both = Window(first.input_size, tuple(product.shape[2:]), total, ones, first.padding)
    same(run(conv, run(conv, x, w, None, first), v, None, second), run(conv, x, product, None, both))


@law("C36")
def the_sum_of_a_full_convolution_is_a_product_of_sums(conv: Layer, case: Convolution) -> None:
    drawn, case = case, full(case)
    x, w, _ = case.batched()
    over = axes(case.window)
    sums = torch.einsum("nc,oc->no", x.sum(over), w.sum(over))
    same(run_padded(conv, drawn, x, w, case.window).sum(over), sums)


@law("C37", needs=["direct"])
def a_non_negative_kernel_keeps_order_and_every_kernel_keeps_its_bound(conv: Layer, case: Convolution) -> None:
    case = with_a_sample(case)
    x, w, _ = case.batched()
    more, _, _ = case.batched(seed=1)

    def convolved(t: Tensor, kernel: Tensor, b: Tensor | None = None) -> Tensor:
        return run(conv, t, kernel, b, case.window)

    assert torch.all(convolved(x, w.abs()) <= convolved(x + more.abs(), w.abs()))
    b = bias(case).reshape(-1, *(1,) * case.window.ndim)
    bound = w.abs().flatten(1).sum(1).reshape(b.shape) * x.abs().max()
    assert torch.all((convolved(x, w, b.flatten()) - b).abs() <= bound)
