"""Laws of the trilinear form: linear in each argument, three adjoint maps, gradients that are maps again."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions
from manualconv.geometry import Window
from manualconv.testing.cases import Convolution
from manualconv.testing.laws.convolution.layer import Layer, bias, changed, gradients, law, run, with_a_sample
from manualconv.testing.laws.law import inner, same
from manualconv.testing.referee import TRANSPOSED as TRANSPOSED
from manualconv.testing.referee import leaves


def transposed(y: Tensor, w: Tensor, window: Window) -> Tensor:
    """torch's transposed convolution onto the window's input; its padding, per side, is cut off afterwards."""
    layer, y, w = TRANSPOSED[window.ndim], y.contiguous(), w.contiguous()  # why: manualconv/testing/referee.py
    return layer(y, w, None, window.stride, 0, window.leftover, window.groups, window.dilation)[window.inner(2)]


@law("C1")
def linear_in_x(conv: Layer, case: Convolution) -> None:
    x, w, _ = case.batched()
    other, _, _ = case.batched(seed=1)
    separate = 2 * run(conv, x, w, None, case.window) - 3 * run(conv, other, w, None, case.window)
    same(run(conv, 2 * x - 3 * other, w, None, case.window), separate)


@law("C2")
def linear_in_w(conv: Layer, case: Convolution) -> None:
    x, w, _ = case.batched()
    _, other, _ = case.batched(seed=1)
    separate = 2 * run(conv, x, w, None, case.window) - 3 * run(conv, x, other, None, case.window)
    same(run(conv, x, 2 * w - 3 * other, None, case.window), separate)


@law("C3")
def a_bias_is_added_once_per_output_channel(conv: Layer, case: Convolution) -> None:
    x, w, y = case.batched()
    b = bias(case)
    added = run(conv, x, w, b, case.window) - run(conv, x, w, None, case.window)
    same(added, b.reshape(-1, *(1,) * case.window.ndim).expand(y.shape))


@law("C4")
def the_input_gradient_is_the_adjoint(conv: Layer, case: Convolution) -> None:
    x, w, y = case.batched()
    x_bar, _ = gradients(conv, (x, w, None), y, case.window)
    same(inner(run(conv, x, w, None, case.window), y), inner(x, x_bar))
    other, _, _ = case.batched(seed=1)
    same(inner(run(conv, other, w, None, case.window), y), inner(other, x_bar))


@law("C5")
def three_inner_products_are_one_number(conv: Layer, case: Convolution) -> None:
    x, w, y = case.batched()
    x_bar, w_bar = gradients(conv, (x, w, None), y, case.window)
    form = torch.tensor(float(definitions.trilinear(x.numpy(), w.numpy(), y.numpy(), case.window)), dtype=x.dtype)
    same((inner(run(conv, x, w, None, case.window), y), inner(x, x_bar), inner(w, w_bar)), (form,) * 3)


@law("C6")
def the_input_gradient_is_a_transposed_convolution(conv: Layer, case: Convolution) -> None:
    x, w, y = case.batched()
    x_bar, _ = gradients(conv, (x, w, None), y, case.window)
    same(x_bar, transposed(y, w, case.window))


@law("C8")
def the_weight_gradient_is_a_convolution_with_stride_and_dilation_exchanged(conv: Layer, case: Convolution) -> None:
    case = with_a_sample(case)
    window = case.window
    x, w, y = case.batched()
    _, w_bar = gradients(conv, (x, w, None), y, window)
    turned = Window(window.input_size, window.output_size, window.dilation, window.stride, window.padding)
    kernel = (slice(None), slice(None), *(slice(k) for k in window.kernel_size))
    planes = [
        run(conv, x_g.transpose(0, 1), y_g.transpose(0, 1), None, turned)[kernel].transpose(0, 1)
        for x_g, y_g in zip(x.chunk(window.groups, 1), y.chunk(window.groups, 1))
    ]
    same(w_bar, torch.cat(planes))


@law("C9")
def the_bias_gradient_is_a_sum_over_samples_and_positions(conv: Layer, case: Convolution) -> None:
    x, w, y = case.batched()
    *_, b_bar = gradients(conv, (x, w, bias(case)), y, case.window)
    same(b_bar, y.sum([axis for axis in range(y.dim()) if axis != 1]))


@law("C38")
def a_transposed_convolution_is_the_adjoint_of_a_convolution(conv: Layer, case: Convolution) -> None:
    x, w, y = case.batched()
    back = transposed(y, w, case.window)
    assert back.shape == x.shape
    forth = run(conv, back, w, None, case.window)
    assert forth.shape == y.shape
    same(inner(back, x), inner(y, run(conv, x, w, None, case.window)))
    same(inner(back, back), inner(y, forth))


@law("C39", needs=["second order"])
def second_derivatives_are_the_three_maps_again(conv: Layer, case: Convolution) -> None:
    case = with_a_sample(case)
    window = case.window
    x, w, y = leaves(*case.batched())
    v, u, _ = case.batched(seed=1)
    x_bar, w_bar = grad(run(conv, x, w, None, window), (x, w), y, create_graph=True)
    got = grad(inner(x_bar, v) + inner(w_bar, u), (x, w, y))
    by_x, _ = gradients(conv, (x, u, None), y.detach(), window)
    _, by_w = gradients(conv, (v, w, None), y.detach(), window)
    by_y = run(conv, v, w, None, window) + run(conv, x, u, None, window)
    same(got, (by_x, by_w, by_y.detach()))


@law("C40")
def no_samples_give_an_empty_output_and_gradients_that_are_zero(conv: Layer, case: Convolution) -> None:
    case = changed(case, batch=0)
    x, w, y = case.batched()
    output = run(conv, x, w, bias(case), case.window)
    assert output.shape == y.shape
    got = gradients(conv, (x, w, bias(case)), y, case.window)
    same(got, [torch.zeros(t.shape, dtype=x.dtype) for t in (x, w, bias(case))])
