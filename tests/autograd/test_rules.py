"""Replaced derivatives: the slot named changes, by what the rule computes, and nothing else does."""

import contextlib
import threading
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import forward_ad, grad, gradcheck

from manualconv import functional
from manualconv.autograd import Convolution, Rules, TransposedConvolution, exact_bias, exact_input, exact_weight
from manualconv.autograd.rules import under_rules
from manualconv.geometry import TransposedWindow, Window, transposed_window
from manualconv.testing.cases import Convolution as Case
from manualconv.testing.cases import convolutions
from tests.layers import close, spread_out

CASES = st.sampled_from((2, 1, 3, 0)).flatmap(convolutions)
SLOTS = ("input", "weight", "bias")
EXACT = {"input": exact_input, "weight": exact_weight, "bias": exact_bias}


def tripled(slot: str) -> Callable[..., Tensor]:
    """A rule that cannot be mistaken for the exact one, yet is exact arithmetic on integers."""
    return lambda x, w, g, window: 3 * EXACT[slot](x, w, g, window) + 1


def sign_symmetric(x: Tensor, w: Tensor, g: Tensor, window: Window) -> Tensor:
    """Feedback through the weights' signs."""
    return exact_input(x, w.sign(), g, window)


def no_gradient(x: Tensor, w: Tensor, g: Tensor, window: Window) -> None:
    """The slot learns nothing."""


def layer(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
    """The exact layer, transposed if its window is."""
    if isinstance(window, TransposedWindow):
        return TransposedConvolution.call(w, x, b, window)
    return Convolution.call(x, w, b, window)


def layers(case: Case) -> list[tuple[list[Tensor], Window, Tensor]]:
    """The drawn convolution and the transposed one: leaves x, w, b, a window and a cotangent."""
    x, w, y = case.batched()
    found = []
    for operands, window, cotangent in (((x, w), case.window, y), ((y, w), transposed_window(case.window), x)):
        b = torch.arange(1.0, cotangent.shape[1] + 1, dtype=x.dtype)
        found.append(([t.detach().requires_grad_() for t in (*operands, b)], window, cotangent))
    return found


@given(case=CASES)
def test_replacing_one_slot_leaves_the_forward_and_the_other_slots_bit_equal(case: Case) -> None:
    for leaves, window, cotangent in layers(case):
        y = layer(*leaves, window)
        exact = dict(zip(SLOTS, grad(y, leaves, cotangent)))
        for slot in SLOTS:
            ruled = under_rules(*leaves, window, Rules(**{slot: tripled(slot)}))
            assert torch.equal(ruled, y)
            got = dict(zip(SLOTS, grad(ruled, leaves, cotangent)))
            expected = {name: 3 * g + 1 if name == slot else g for name, g in exact.items()}
            assert all(torch.equal(got[name], expected[name]) for name in SLOTS)


@given(case=CASES)
def test_the_public_exact_rules_are_the_layer_s_own(case: Case) -> None:
    for leaves, window, cotangent in layers(case):
        exact = grad(layer(*leaves, window), leaves, cotangent)
        x, w, _ = leaves
        assert all(torch.equal(EXACT[s](x, w, cotangent, window), g) for s, g in zip(SLOTS, exact))
        got = grad(under_rules(*leaves, window, Rules(**EXACT)), leaves, cotangent)
        assert all(map(torch.equal, got, exact))


@given(case=CASES)
def test_forward_mode_keeps_the_exact_tangent(case: Case) -> None:
    rules = Rules(**dict.fromkeys(SLOTS, no_gradient))
    for leaves, window, _ in layers(case):
        leaves = [t.detach().contiguous() for t in leaves]
        tangents = [t.flip(0) for t in leaves]
        with forward_ad.dual_level():
            duals = [forward_ad.make_dual(t, v) for t, v in zip(leaves, tangents)]
            got = [
                forward_ad.unpack_dual(t).tangent for t in (under_rules(*duals, window, rules), layer(*duals, window))
            ]
        assert torch.equal(*got)


WINDOW = Window((4, 5), (2, 3), (2, 1), (1, 1), ((1, 0), (1, 1)))
TENSORS = ((2, 3, 4, 5), (2, 3, 2, 3), (2,))
COTANGENT = spread_out((2, 2, 2, 5), 3)


def small(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """x, w, b of one convolution, asking for gradients."""
    return [spread_out(shape, n).to(dtype).requires_grad_() for n, shape in enumerate(TENSORS)]


def run(rules: Rules, tensors: list[Tensor] | None = None) -> Tensor:
    """The convolution under rules."""
    return under_rules(*(tensors or small()), WINDOW, rules)


def test_a_rule_sees_a_batch_and_its_window_whatever_the_layer() -> None:
    seen = []

    def watch(x: Tensor, w: Tensor, g: Tensor, window: Window) -> Tensor:
        seen.append((tuple(x.shape), tuple(w.shape), tuple(g.shape), type(window), window.ndim))
        return exact_input(x, w, g, window)

    rules, ones = Rules(input=watch), torch.ones
    leaf = lambda *shape: ones(*shape, requires_grad=True)  # noqa: E731
    functional.conv2d(leaf(3, 4, 5), ones(2, 3, 2, 3), padding=1, rules=rules).sum().backward()
    functional.conv_transpose1d(leaf(3, 4), ones(3, 2, 2), rules=rules).sum().backward()
    functional.linear(leaf(2, 4, 5), ones(3, 5), rules=rules).sum().backward()
    functional.linear(leaf(5), ones(5), rules=rules).sum().backward()
    assert seen == [
        ((1, 3, 4, 5), (2, 3, 2, 3), (1, 2, 5, 5), Window, 2),
        ((1, 3, 4), (3, 2, 2), (1, 2, 5), TransposedWindow, 1),
        ((8, 5), (3, 5), (8, 3), Window, 0),
        ((1, 5), (1, 5), (1, 1), Window, 0),
    ]


@pytest.mark.parametrize("slot", SLOTS)
def test_what_a_rule_returns_is_checked_against_its_slot(slot: str) -> None:
    wrong = {
        r"got float64 \[1, 1\] on cpu": lambda x, w, g, window: g.new_ones(1, 1),
        r"got float32 \[": lambda *args: EXACT[slot](*args).float(),
        r"got list": lambda *args: [EXACT[slot](*args)],
    }
    shape = dict(zip(SLOTS, TENSORS))[slot]
    for words, rule in wrong.items():
        needed = rf"expected float64 \[{', '.join(map(str, shape))}\] on cpu, like the {slot}; return such a tensor"
        with pytest.raises(
            RuntimeError, match=rf"the {slot} rule .*<lambda> returned an invalid gradient: {words}.*{needed}"
        ):
            run(Rules(**{slot: rule})).sum().backward()


def test_a_rule_that_cannot_be_called_is_refused_at_once() -> None:
    with pytest.raises(
        TypeError, match=r"Rules\(\): weight must be a function of \(x, w, grad_output, window\).* not Tensor"
    ):
        Rules(weight=torch.ones(2))


@pytest.mark.parametrize("slot", SLOTS)
def test_none_is_no_gradient_and_a_slot_not_asked_for_is_not_computed(slot: str) -> None:
    tensors = small()
    run(Rules(**{slot: no_gradient}), tensors).sum().backward()
    assert [t.grad is None for t in tensors] == [name == slot for name in SLOTS]

    def never(*_: object) -> None:
        raise AssertionError("called")

    tensors = [t.detach().requires_grad_(name != slot) for name, t in zip(SLOTS, small())]
    run(Rules(**{slot: never}), tensors).sum().backward()


@pytest.mark.parametrize(
    ("wanted", "replaced", "saved"),
    [
        ("input", "input", "xw"),
        ("input", "weight", "w"),
        ("weight", "weight", "xw"),
        ("weight", "bias", "x"),
        ("bias", "bias", "xw"),
        ("bias", "input", ""),
    ],
)
def test_only_what_the_rules_in_force_need_is_saved(wanted: str, replaced: str, saved: str) -> None:
    tensors = [t.detach().requires_grad_(name == wanted) for name, t in zip(SLOTS, small())]
    packed: set[int] = set()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: packed.add(t.data_ptr()), lambda _: None):
        run(Rules(**{replaced: tripled(replaced)}), tensors)
    assert packed == {t.data_ptr() for name, t in zip("xw", tensors) if name in saved}


def test_an_undefined_cotangent_calls_no_rule() -> None:
    tensors = small()
    y = torch._C._functions.UndefinedGrad()(run(Rules(**{slot: tripled(slot) for slot in SLOTS}), tensors))
    assert grad(y, tensors, torch.ones_like(y), allow_unused=True) == (None, None, None)


def test_rules_see_the_layer_s_dtype_under_autocast_and_conjugates_where_it_is_complex() -> None:
    dtypes = []

    def watch(x: Tensor, w: Tensor, g: Tensor, window: Window) -> Tensor:
        dtypes.append({x.dtype, w.dtype, g.dtype})
        return exact_weight(x, w, g, window)

    x, w = torch.ones(1, 1, 4), torch.ones(1, 1, 2, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        functional.conv1d(x, w, rules=Rules(weight=watch)).float().sum().backward()
    assert dtypes == [{torch.bfloat16}] and w.grad is not None and w.grad.dtype == torch.float32
    complexes = [torch.complex(t.detach(), t.detach().flip(0)).requires_grad_() for t in small()]
    exact = grad(layer(*complexes, WINDOW).abs().sum(), complexes)
    close(grad(run(Rules(**EXACT), complexes).abs().sum(), complexes), exact)


def through_squares(x: Tensor, w: Tensor, g: Tensor, window: Window) -> Tensor:
    """A smooth rule whose derivative differs from every exact one."""
    return exact_input(x, w * w, g, window) * x


def test_double_backward_differentiates_the_rule_s_own_arithmetic() -> None:
    x, w, b = small()
    cotangent = spread_out((2, 2, 2, 5)).requires_grad_()

    def by_autograd(x: Tensor, w: Tensor, cotangent: Tensor) -> Tensor:
        (x_bar,) = grad(run(Rules(input=through_squares), [x, w, b]), x, cotangent, create_graph=True)
        return x_bar

    close(by_autograd(x, w, cotangent), through_squares(x, w, cotangent, WINDOW))
    directions = spread_out(x.shape, 5)
    got = grad(by_autograd(x, w, cotangent), (x, w, cotangent), directions)
    close(got, grad(through_squares(x, w, cotangent, WINDOW), (x, w, cotangent), directions))
    assert gradcheck(by_autograd, (x, w, cotangent))
    assert not grad(run(Rules(input=through_squares), [x, w, b]), x, cotangent)[0].requires_grad


RULES = Rules(input=sign_symmetric, weight=lambda *args: exact_weight(*args).sign())  # a rule that is not additive


def energy(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """A scalar of a layer under rules."""
    y = run(RULES, [x, w, b])
    return (y * y * COTANGENT).sum()


def test_func_grad_takes_the_rules() -> None:
    tensors = small()
    got = torch.func.grad(energy, (0, 1, 2))(*(t.detach() for t in tensors))
    close(got, grad(energy(*tensors), tensors))
    exact = grad((layer(*tensors, WINDOW) ** 2 * COTANGENT).sum(), tensors)
    assert not torch.allclose(got[0], exact[0]) and not torch.allclose(got[1], exact[1])


@pytest.mark.parametrize("mapped", [(0, None, None), (None, 1, None), (0, 1, 0), (None, None, 0)])
def test_each_element_of_a_mapped_axis_keeps_its_own_rule(mapped: tuple[int | None, ...]) -> None:
    stacks = [
        spread_out((*shape[: at or 0], *(() if at is None else (3,)), *shape[at or 0 :]), n)
        for n, (shape, at) in enumerate(zip(TENSORS, mapped))
    ]
    rows = [[t if at is None else t.select(at, n) for t, at in zip(stacks, mapped)] for n in range(3)]
    one_by_one = [torch.func.grad(energy, (0, 1, 2))(*row) for row in rows]
    per_sample = torch.vmap(torch.func.grad(energy, (0, 1, 2)), mapped)(*stacks)
    close(per_sample, tuple(map(torch.stack, zip(*one_by_one))))

    leaves = [t.requires_grad_() for t in stacks]
    values = torch.vmap(energy, mapped)(*leaves)
    close(values, torch.stack([energy(*row) for row in rows]))
    got = grad(values.sum(), leaves)
    expected = [
        sum(parts) if at is None else torch.stack(parts, at) for at, parts in zip(mapped, map(list, zip(*one_by_one)))
    ]
    close(list(got), expected)


def test_batched_cotangents_run_the_rule_for_each() -> None:
    tensors = small()
    y = run(Rules(input=sign_symmetric), tensors)
    cotangents = spread_out((3, *y.shape))
    got = grad(y, tensors, cotangents, is_grads_batched=True, retain_graph=True)
    rows = [grad(y, tensors, g, retain_graph=True) for g in cotangents]
    close(got, tuple(map(torch.stack, zip(*rows))))


def convolve(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """A layer that runs under the block's rules."""
    return functional.conv2d(x, w, b, (2, 1), ((1, 0), (1, 1)))


def test_rules_are_those_of_the_forward_whenever_backward_runs() -> None:
    tensors, cotangent = small(), spread_out((2, 2, 2, 5))
    exact = convolve(*tensors)
    with Rules(input=sign_symmetric):
        ruled = convolve(*tensors)
        inside = grad(exact, tensors, cotangent)
    outside = grad(ruled, tensors, cotangent)
    close(outside[0], sign_symmetric(*tensors[:2], cotangent, WINDOW))
    close(inside[0], exact_input(*tensors[:2], cotangent, WINDOW))


def test_an_inner_block_goes_before_an_outer_one_slot_by_slot_and_an_argument_before_both() -> None:
    tensors, cotangent = small(), spread_out((2, 2, 2, 5))
    exact = grad(convolve(*tensors), tensors, cotangent)

    def times(n: int, slot: str) -> Callable[..., Tensor]:
        return lambda *args: n * EXACT[slot](*args)

    with Rules(input=times(2, "input"), weight=times(3, "weight"), bias=times(5, "bias")):
        with Rules(weight=times(7, "weight")) as inner:
            within = convolve(*tensors)
            with inner:
                again = convolve(*tensors)
            own = functional.conv2d(*tensors, (2, 1), ((1, 0), (1, 1)), rules=Rules(bias=exact_bias))
        with contextlib.suppress(KeyError), inner:
            raise KeyError
        after = convolve(*tensors)
    factors = [
        (within, (2, 7, 5)),
        (again, (2, 7, 5)),
        (own, (2, 7, 1)),
        (after, (2, 3, 5)),
        (convolve(*tensors), (1, 1, 1)),
    ]
    for y, expected in factors:
        close(grad(y, tensors, cotangent), tuple(n * g for n, g in zip(expected, exact)))


def test_another_thread_does_not_see_the_block() -> None:
    tensors, cotangent = small(), spread_out((2, 2, 2, 5))
    exact = grad(convolve(*tensors), tensors, cotangent)
    found: list[Tensor] = []

    def elsewhere() -> None:
        with Rules(**{slot: tripled(slot) for slot in SLOTS}):
            thread = threading.Thread(target=lambda: found.append(convolve(*tensors)))
            thread.start()
            thread.join()

    with pytest.warns(UserWarning, match="no layer met"):
        elsewhere()
    close(grad(found[0], tensors, cotangent), exact)


def test_rules_are_values() -> None:
    assert Rules(input=sign_symmetric) == Rules(input=sign_symmetric) != Rules(weight=sign_symmetric)
    assert len({Rules(input=sign_symmetric), Rules(input=sign_symmetric), Rules()}) == 2
