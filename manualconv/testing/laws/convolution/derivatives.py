"""What a derivative owes PyTorch: the definition's values at every order, in every mode, and clean manners."""

from __future__ import annotations

import gc
import itertools
import weakref
from concurrent.futures import ThreadPoolExecutor

import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import forward_ad, grad

from manualconv import definitions
from manualconv.testing.cases import Convolution, convolutions
from manualconv.testing.laws.convolution.implementations import torch_s
from manualconv.testing.laws.convolution.layer import Layer, bias, changed, gradients, law, run, with_a_sample
from manualconv.testing.laws.law import inner, same
from manualconv.testing.referee import first_gradients, leaves, second_gradients

#: Shapes past the block sizes kernels are written for: prime channel counts, images above 32×32.
LARGE = st.builds(
    lambda case, channels, outputs, height, width: changed(
        case, channels=channels, outputs=outputs, batch=2, input_size=(height, width), groups=1
    ),
    convolutions(2),
    st.sampled_from((1, 17, 19, 23)),
    st.sampled_from((1, 17, 19)),
    st.integers(33, 40),
    st.integers(33, 40),
)


@law("D1")
def values_and_gradients_are_those_of_the_loops(conv: Layer, case: Convolution) -> None:
    x, w, y = case.batched()
    arrays = [t.numpy() for t in (x, w, y)]
    z = definitions.to_output(arrays[0], arrays[1], case.window)
    expected = (
        definitions.with_bias(z, bias(case).numpy()),
        definitions.to_input(arrays[1], arrays[2], case.window),
        definitions.to_weight(arrays[0], arrays[2], case.window),
        definitions.to_bias(arrays[2]),
    )
    got = (run(conv, x, w, bias(case), case.window), *gradients(conv, (x, w, bias(case)), y, case.window))
    same(got, tuple(map(torch.from_numpy, expected)))


@law("D2", needs=["second order"])
def first_and_second_gradients_are_torch_s(conv: Layer, case: Convolution) -> None:
    results: list[list[Tensor]] = []
    for layer in (conv, torch_s):
        x, w, b, cotangent = case.tensors()
        inputs = leaves(x, w, b)
        y = run(layer, *inputs, *([None] if b is None else []), case.window)
        cotangent = cotangent.clone().requires_grad_()
        first = first_gradients(y, inputs, cotangent)
        directions = [v for v in case.tensors(seed=1)[:3] if v is not None]
        results.append([y, *first, *second_gradients(first, [*inputs, cotangent], directions)])
    same(*results)


@law("D3", needs=["forward mode"])
def forward_mode_is_the_product_rule_for_each_argument(conv: Layer, case: Convolution) -> None:
    primals = (*case.batched()[:2], bias(case))
    tangents = (*case.batched(seed=1)[:2], bias(case) + 3)
    x, w, _ = primals
    x_dot, w_dot, b_dot = tangents
    y = run(torch_s, x, w, None, case.window)
    parts = (
        run(torch_s, x_dot, w, None, case.window),
        run(torch_s, x, w_dot, None, case.window),
        b_dot.reshape(-1, *(1,) * case.window.ndim).expand(y.shape),
    )
    for moving in itertools.product((False, True), repeat=3):
        if not any(moving):
            continue
        with forward_ad.dual_level():
            duals = [forward_ad.make_dual(p, t) if m else p for p, t, m in zip(primals, tangents, moving)]
            tangent = forward_ad.unpack_dual(run(conv, *duals, case.window)).tangent
        assert tangent is not None
        same(tangent, sum((part for part, m in zip(parts, moving) if m), torch.zeros_like(y)))


@law("D4", needs=["vmap"])
def a_mapped_axis_anywhere_is_a_loop(conv: Layer, case: Convolution) -> None:
    drawn = [(*case.batched(seed=n)[:2], bias(case) + n) for n in range(3)]
    for number, mapped in enumerate(itertools.product((False, True), repeat=3)):
        if not any(mapped):
            continue
        dims = [
            (case.seed + number + slot) % (drawn[0][slot].dim() + 1) if is_mapped else None
            for slot, is_mapped in enumerate(mapped)
        ]
        stacks = [
            drawn[0][slot] if at is None else torch.stack([t[slot] for t in drawn], at) for slot, at in enumerate(dims)
        ]
        got = torch.vmap(lambda x, w, b: run(conv, x, w, b, case.window), tuple(dims))(*stacks)
        one_by_one = [
            run(torch_s, *(drawn[n if m else 0][slot] for slot, m in enumerate(mapped)), case.window) for n in range(3)
        ]
        same(got, torch.stack(one_by_one))


@law("D5")
def each_gradient_alone_is_what_it_is_among_all(conv: Layer, case: Convolution) -> None:
    inputs, cotangent = (*case.batched()[:2], bias(case)), case.batched()[2]
    every = gradients(conv, inputs, cotangent, case.window)
    for asked in itertools.product((False, True), repeat=3):
        tensors = [t.detach().requires_grad_(a) for t, a in zip(inputs, asked)]
        y = run(conv, *tensors, case.window)
        assert y.requires_grad == any(asked)
        if any(asked):
            got = grad(y, [t for t, a in zip(tensors, asked) if a], cotangent)
            same(got, [g for g, a in zip(every, asked) if a])


@law("D6", cases=st.sampled_from((2, 1, 3)).flatmap(lambda ndim: convolutions(ndim, groups=(1,))))
def an_image_that_is_its_own_kernel_gets_both_gradients(conv: Layer, case: Convolution) -> None:
    case = with_a_sample(case)
    x, _, _ = case.batched()
    x = x.detach().clone().requires_grad_()
    window = changed(case, kernel_size=case.window.input_size, dilation=1).window
    got, expected = (run(layer, x, x, None, window) for layer in (conv, torch_s))
    cotangent = torch.arange(float(expected.numel()), dtype=x.dtype).reshape(expected.shape)
    same((got, *grad(got, x, cotangent)), (expected, *grad(expected, x, cotangent)))


@law("D7")
def gradients_have_their_tensor_s_shape_and_dtype_in_single_precision_too(conv: Layer, case: Convolution) -> None:
    inputs = [t.float() for t in (*case.batched()[:2], bias(case))]
    bars = gradients(conv, inputs, case.batched()[2].float(), case.window)
    assert [(g.shape, g.dtype) for g in bars] == [(t.shape, t.dtype) for t in inputs]


@law("D8")
def the_output_is_fresh_and_may_be_edited(conv: Layer, case: Convolution) -> None:
    inputs = leaves(*case.batched()[:2], bias(case))
    y = run(conv, *inputs, case.window)
    assert not y._is_view()
    held = {t.untyped_storage().data_ptr() for t in inputs if t.numel()}
    assert y.untyped_storage().data_ptr() not in held
    cotangent = case.batched()[2]
    before = gradients(conv, inputs, cotangent, case.window)
    same(grad(y.mul_(2), inputs, cotangent), [2 * g for g in before])


@law("D9", cases=st.just(None), needs=["one node"])
def nothing_outlives_the_output(conv: Layer, _: None) -> None:
    x, w = torch.ones(1, 2, 3, 4, requires_grad=True), torch.ones(2, 2, 2, 2, requires_grad=True)
    gc.disable()
    try:
        y = conv(x, w, torch.ones(2, requires_grad=True), 1, ((0, 0), (0, 0)), 1, 1)
        node = weakref.ref(y.grad_fn)
        held = list(vars(y.grad_fn).values()) if hasattr(y.grad_fn, "__dict__") else []
        assert not any(isinstance(value, Tensor) for value in held)
        del y, held
        assert node() is None
    finally:
        gc.enable()


@law("D10")
def a_tensor_edited_before_backward_is_noticed_or_does_no_harm(conv: Layer, case: Convolution) -> None:
    case = with_a_sample(case)
    for edited in (0, 1):
        x, w, cotangent = case.batched()
        right = gradients(conv, (x, w, None), cotangent, case.window)
        inputs = [t.clone() for t in leaves(x, w)]
        y = run(conv, *inputs, None, case.window)
        with torch.no_grad():
            inputs[edited].mul_(2)
        try:
            got = grad(y, inputs, cotangent)
        except RuntimeError as error:
            noticed = "modified by an inplace operation" in str(error)
            assert noticed, error  # noqa: PT017  (no error is right too)
        else:
            same(got, right)


@law("D11")
def two_calls_do_not_share_memory(conv: Layer, case: Convolution) -> None:
    first, second = case.batched(), case.batched(seed=1)
    expected = [gradients(conv, (*t[:2], bias(case)), t[2], case.window) for t in (first, second)]
    kept = [leaves(*t[:2], bias(case)) for t in (first, second)]
    outputs = [run(conv, *inputs, case.window) for inputs in kept]
    values = [y.detach().clone() for y in outputs]
    got = [grad(y, inputs, t[2]) for y, inputs, t in zip(outputs, kept, (first, second))]
    for one, other in zip(got, expected):
        same(one, other)
    same([y.detach() for y in outputs], values)


@law("D12", cases=st.just(None), needs=["quick"])
def eight_threads_at_once_do_what_one_does(conv: Layer, _: None) -> None:
    generator = torch.Generator().manual_seed(0)
    images = [torch.randint(-3, 4, (2, 4, 24, 20), generator=generator).double() for _ in range(32)]
    w = torch.randint(-3, 4, (6, 4, 3, 2), generator=generator).double()

    def both(x: Tensor) -> list[Tensor]:
        leaf = x.clone().requires_grad_()
        y = conv(leaf, w, None, 1, ((1, 1), (0, 1)), 1, 1)
        return [y.detach(), *grad(y, leaf, y.detach())]

    expected = [both(x) for x in images]
    with ThreadPoolExecutor(8) as pool:
        for got, alone in zip(pool.map(both, images), expected):
            same(got, alone)


@law("D13", needs=["autocast"])
def under_autocast_dtypes_are_torch_s_and_backward_runs_inside_and_outside(conv: Layer, case: Convolution) -> None:
    inputs = [t.float() for t in (*case.batched()[:2], bias(case))]
    cotangent = case.batched()[2]
    results = []
    for layer in (conv, torch_s):
        tensors = leaves(*inputs)
        with torch.autocast("cpu", torch.bfloat16):
            y = run(layer, *tensors, case.window)
            inside = grad(y, tensors, cotangent.to(y.dtype), retain_graph=True)
        results.append((y.detach(), *inside, *grad(y, tensors, cotangent.to(y.dtype))))
    for got, expected in zip(*results):
        assert got.dtype == expected.dtype
        # Both sides hold the exact sum of these integers, rounded once to bfloat16.
        torch.testing.assert_close(got, expected, rtol=2.0**-7, atol=0)


@law("D14")
def every_entry_is_written(conv: Layer, case: Convolution) -> None:
    x, w, y = case.batched()
    deterministic = torch.are_deterministic_algorithms_enabled()
    try:
        torch.use_deterministic_algorithms(True)  # torch.empty is then filled with nan
        got = [run(conv, x, w, bias(case), case.window), *gradients(conv, (x, w, bias(case)), y, case.window)]
    finally:
        torch.use_deterministic_algorithms(deterministic)
    assert all(t.isfinite().all() for t in got)


@law("D15", cases=LARGE, needs=["quick"])
def prime_channel_counts_and_large_images_are_no_exception(conv: Layer, case: Convolution) -> None:
    x, w, y = case.batched()
    expected = run(torch_s, x, w, bias(case), case.window)
    y = case.batched()[2]
    same(run(conv, x, w, bias(case), case.window), expected)
    bars = (gradients(layer, (x, w, bias(case)), y, case.window) for layer in (conv, torch_s))
    same(*bars)


@law("D16", needs=["second order"])
def third_derivatives_are_torch_s(conv: Layer, case: Convolution) -> None:
    results = []
    for layer in (conv, torch_s):
        x, w, y = leaves(*case.batched())
        v, u, _ = case.batched(seed=1)
        x_bar, w_bar = grad(run(layer, x, w, None, case.window), (x, w), y, create_graph=True)
        curved = inner(x_bar, v * x) + inner(w_bar, u * w)
        second = grad(curved, (x, w, y), create_graph=True, materialize_grads=True)
        results.append(grad(torch.stack([(g * g).sum() for g in second]).sum(), (x, w, y), materialize_grads=True))
    same(*results)


@law("D17", needs=["batched", "second order"])
def a_batch_of_cotangents_is_a_loop_at_both_orders(conv: Layer, case: Convolution) -> None:
    inputs = leaves(*case.batched()[:2], bias(case))
    cotangents = [case.batched(seed=n)[2] for n in range(2)]
    y = run(conv, *inputs, case.window)
    got = grad(y, inputs, torch.stack(cotangents), is_grads_batched=True, retain_graph=True)
    same(got, [torch.stack(bars) for bars in zip(*(grad(y, inputs, c, retain_graph=True) for c in cotangents))])
    x, w, _ = inputs
    first = grad(y, (x, w), cotangents[0].detach().requires_grad_(), create_graph=True)
    for slot, (bar, other) in enumerate(zip(first, (w, x))):
        directions = [case.batched(seed=n)[slot] for n in range(2)]
        (curved,) = grad(bar, other, torch.stack(directions), is_grads_batched=True, retain_graph=True)
        same(curved, torch.stack([grad(bar, other, d, retain_graph=True)[0] for d in directions]))
